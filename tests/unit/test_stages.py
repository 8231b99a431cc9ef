"""A progressive search: what a stage takes over from the one before it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from tanglec.api import compile_source
from tanglec.source import Source
from tanglert.data import Samples
from tanglert.protocols import SpaceModule
from tanglert.relax import ArchParameters, DrNAS, most_probable
from tanglert.train.bilevel import Bilevel
from tanglert.train.options import Options, OptionsError
from tanglert.train.stages import begin_stage, check_stages, stage_options
from tanglert.train.task import Classification
from tests import tiny

SPACE = """space cells "A cell of two edges in part of its channels"
use cnn: relu_conv_bn, rejoin

param partial = 1
param channels = 8
input image: pixels(3, 4, 4)

dim op per edge of cell: none | skip | conv_1x1 | conv_3x3
dim width: 4 | {widest}
require op != none

block edge(x):
    part = channel_slice(x, 0, width(x) // partial) if partial > 1 else x
    y = choose op:
        none: zero(part)
        skip: part
        entangled:
            conv_1x1: relu_conv_bn(part, width(part), kernel=1)
            conv_3x3: relu_conv_bn(part, width(part), kernel=3)
    return rejoin(y, x, partial) if partial > 1 else y

block cell(x):
    return dag([x], nodes=2, edge=edge)[2]

network:
    x = cell(relu_conv_bn(image, channels))
    return linear(mean(relu_conv_bn(x, width)), 4)
"""

STAGES = [
    {"epochs": 2, "warmup_epochs": 1, "params": {"partial": 4}},
    {"epochs": 3, "warmup_epochs": 1, "keep": 2, "params": {"partial": 2}},
]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@cache
def module(partial: int, channels: int = 8, widest: int = 8) -> SpaceModule:
    text = SPACE.replace("{widest}", str(widest))
    loaded: Any = compile_source(
        Source("cells.tsp", text), params={"partial": partial, "channels": channels}
    ).load()
    return loaded


def options(**changes: Any) -> Options:
    return Options(
        **{"epochs": 5, "batch_size": 10, "lr": 0.1, "weight_optimizer": "sgd", "stages": STAGES, **changes}
    )


def samples(seed: int) -> Samples:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(20, 3, 4, 4, generator=generator)
    return Samples(x, torch.arange(20) % 4, torch.zeros(3, 1, 1), torch.ones(3, 1, 1), (3, 4, 4))


def engine(number: int, chosen: Options | None = None) -> Bilevel:
    """That of a stage, as a search makes it."""
    space, of_stage = module((4, 2)[number]), stage_options(chosen or options(), number)
    torch.manual_seed(number)
    relaxation = DrNAS(ArchParameters(space.SPACE, seed=number), seed=number)
    return Bilevel(space.Supernet(), Classification(), samples(1), samples(2), relaxation, of_stage)


def trained(number: int, before: Bilevel | None = None, **changes: Any) -> Bilevel:
    """A stage to its end, behind the one before it."""
    chosen = options(**changes)
    result = engine(number, chosen)
    if before is not None:
        begin_stage(result, before.state_dict(), chosen.stages[number].keep, seed=5)
    while not result.done:
        result.advance()
    return result


def test_a_stage_begins_where_the_one_before_it_ended() -> None:
    first, second = trained(0), engine(1)
    begin_stage(second, first.state_dict(), None, seed=5)
    alphas = first.relaxation.alphas.state_dict()
    assert tiny.same(dict(second.relaxation.alphas.state_dict()), dict(alphas))
    assert tiny.same(second.arch_optimizer.state_dict()["state"], first.arch_optimizer.state_dict()["state"])
    narrow, wide = first.supernet.state_dict(), second.supernet.state_dict()
    grown = [name for name in narrow if narrow[name].shape != wide[name].shape]
    assert grown and all("edge" in name for name in grown)
    for name, weight in narrow.items():
        kept = wide[name][tuple(slice(n) for n in weight.shape)]
        assert torch.equal(kept, weight)
    momenta = [
        (p.shape, second.optimizer.state[p]["momentum_buffer"].shape) for p in second.supernet.parameters()
    ]
    assert all(a == b for a, b in momenta)


def test_its_schedules_begin_anew() -> None:
    first, second = trained(0), engine(1)
    begin_stage(second, first.state_dict(), 2, seed=5)
    assert second.step == 0 and second.total == 6 and second.learning_rate() == pytest.approx(0.1)
    assert first.learning_rate() == pytest.approx(1e-5)
    alphas = second.relaxation.alphas.stacked().clone()
    losses = [second.advance().keys() for _ in range(4)]
    assert losses == [{"train_loss"}] * 2 + [{"arch_loss", "train_loss"}] * 2
    assert not torch.equal(second.relaxation.alphas.stacked(), alphas)


def test_the_order_of_the_data_is_its_own() -> None:
    first, second = engine(0), engine(1)
    assert first.options.seed == options().seed
    assert not torch.equal(first.batches.parts(0)[0], second.batches.parts(0)[0])


def test_the_best_choices_stay_to_the_end() -> None:
    first = trained(0)
    best = [row.topk(2).indices.sort().values.tolist() for row in first.relaxation.mean()["op"]]
    second = trained(1, first)
    alphas = second.relaxation.alphas
    assert [row.nonzero().flatten().tolist() for row in alphas.known[:3]] == best
    assert (second.relaxation.mean()["op"] > 0).sum() == 6
    found = most_probable(alphas, module(2).Arch).to_dict()
    labels = ("none", "skip", "conv_1x1", "conv_3x3")
    assert all(labels.index(op) in left for op, left in zip(found["op"], best, strict=True))
    assert module(1).Arch.from_dict(found).to_dict() == found  # to be derived with all channels


def test_all_of_it_is_repeatable_and_resumes_exactly() -> None:
    whole = trained(1, trained(0))
    again = engine(1)
    begin_stage(again, trained(0).state_dict(), 2, seed=5)
    again.advance()
    resumed = engine(1)
    resumed.load_state_dict(again.state_dict())
    while not resumed.done:
        resumed.advance()
    assert tiny.same(resumed.state_dict(), whole.state_dict())


@pytest.mark.parametrize("method", ["adamw", "adam"])
def test_other_optimisers_go_on_too(method: str) -> None:
    trained(1, trained(0, weight_optimizer=method), weight_optimizer=method)


# --- what cannot follow ----------------------------------------------------------------------------------------------


def test_good_stages_pass() -> None:
    check_stages([module(4), module(2)], options())


@pytest.mark.parametrize(
    ("modules", "changes", "message"),
    [
        ([(4,)], {}, "2 stages, but the space was compiled for 1"),
        ([(2,), (4,)], {}, "stage 2 cannot follow stage 1: weight `.*` is .* it can only grow"),
        ([(4,), (2, 8, 16)], {}, "stage 2 has other choices than stage 1"),
        (
            [(4,), (2,)],
            {"stages": [{"epochs": 2, "keep": 3}, {"epochs": 3}]},
            "stage 1 begins with nothing learnt",
        ),
        (
            [(4,), (2,)],
            {"stages": [{"epochs": 2}, {"epochs": 3, "warmup_epochs": 4}]},
            "stage 2: warmup_epochs must lie between 0 and epochs .3., not 4",
        ),
    ],
)
def test_what_cannot_is_said_before_the_first_begins(modules: list[Any], changes: Any, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        check_stages([module(*sizes) for sizes in modules], options(**changes))
