"""Every method trains on random spaces: operations combined as nobody planned, stopped and resumed bit for bit."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanglert.data import Data, Samples
from tanglert.relax import SampledOnlyError
from tanglert.sample.enumeration import more_than
from tanglert.train.assembly import Search
from tanglert.train.options import Options, OptionsError
from tests import tiny
from tests.property.test_random_spaces import compiled
from tests.random_spaces import spaces

EXAMPLES = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))

METHODS: dict[str, dict[str, Any]] = {
    "darts": {"optimizer": "darts"},
    "darts with sparsemax": {"optimizer": "darts", "normalise": "sparsemax", "penalty": "macs:0.1"},
    "darts of second order": {"optimizer": "darts", "order": 2},
    "gdas": {"optimizer": "gdas"},
    "drnas": {"optimizer": "drnas", "regulariser": "kl", "penalty": "params:0.1"},
    "spos": {"optimizer": "spos", "weight_optimizer": "sgd"},
    "fairnas": {"optimizer": "fairnas"},
    "random-a": {"optimizer": "random-a"},
    "sandwich": {"optimizer": "sandwich"},
    "shrinking": {"optimizer": "shrinking"},
    "touched gdas": {"optimizer": "gdas", "update": "touched"},
    "touched fairnas": {"optimizer": "fairnas", "update": "touched"},
    "touched shrinking": {"optimizer": "shrinking", "update": "touched"},
}

CONDITIONS = {
    "require a > 2 or op != three": "choose op:",
    "require edge_op != none": "= net(x)",
    "require a > 2": "",
}
"""Conditions, and what stands in a text that uses their dimensions. None excludes all architectures."""

CELLS = """space cells "Kept edges with entangled operations, in a number of layers that is searched too"
input image: pixels(2, 4, 4)
dim n: 0 | 1 | 2
dim a: 2 | 4
dim op per edge of cell: none | skip | small | large
require op != none
require a > 2 or n < 2

block edge(x):
    return choose op:
        none: zero(x)
        skip: x
        entangled:
            small: batch_norm(conv(relu(x), width(x), kernel=1))
            large: batch_norm(conv(relu(x), width(x), kernel=3))

block cell(x):
    return dag([x, relu(x)], nodes=2, edge=edge, keep=1)[3]

network:
    x = conv(image, a, kernel=3)
    repeat n:
        x = cell(x)
    return linear(mean(x), 3)
"""

COMPARABLE = 40  # architectures that random-a compares in a second


def noise(shape: tuple[int, ...], seed: int) -> Data:
    """Images without sense, in three classes."""
    generator = torch.Generator().manual_seed(seed)

    def part(count: int) -> Samples:
        x = torch.randn(count, *shape, generator=generator)
        return Samples(x, torch.arange(count) % 3, torch.zeros(1, 1, 1), torch.ones(1, 1, 1), shape)

    return Data("noise", part(18), part(6), ("a", "b", "c"), "noise")


def started(module: Any, method: str, seed: int) -> Search | None:
    """A search of three steps; None where the method refuses the space for a reason that it names."""
    small = {"epochs": 1, "batch_size": 3, "validation": 0.5, "warmup_epochs": 0, "lr": 1e-3, "device": "cpu"}
    chosen = Options(**small, evaluations=2, random=1, seed=seed, **METHODS[method])
    space = module.SPACE
    try:
        return Search(module, noise(tuple(space.inputs[0].shape), seed), chosen)
    except SampledOnlyError:
        assert space.sampled_only and chosen.by_gradients
    except OptionsError as error:
        assert error.option == "optimizer" and chosen.optimizer in ("sandwich", "shrinking"), error
    return None


def through_a_file(state: Any) -> Any:
    """A state as a checkpoint holds it."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def check(module: Any, method: str, seed: int) -> None:
    """Three steps and their evaluation are the same, bit for bit, in another search that goes on after the first."""
    whole, resumed = started(module, method, seed), started(module, method, seed)
    if whole is None or resumed is None:
        return
    losses = whole.engine.advance()
    assert all(loss.isfinite().all() for loss in losses.values())
    resumed.load_state_dict(through_a_file(whole.state_dict()))
    torch.manual_seed(seed + 1)  # another process would start from another state
    for search in (whole, resumed):
        while not search.engine.done:
            search.engine.advance()
        search.validate()
        while not search.ranking.done and not search.options.by_gradients:
            search.ranking.advance()
    assert tiny.same(whole.state_dict(), resumed.state_dict())
    assert whole.current() == resumed.current() is not None


def conditioned(text: str) -> str:
    """A random space with all conditions that it has the dimensions for."""
    lines = [line for line, use in CONDITIONS.items() if use in text]
    return text.replace("\n\nblock", "\n" + "\n".join(lines) + "\n\nblock", 1)


@pytest.mark.parametrize("method", METHODS)
@given(text=spaces() | spaces().map(conditioned), seed=st.integers(0, 5))
@EXAMPLES
def test_every_method_trains_and_resumes(method: str, text: str, seed: int) -> None:
    torch.set_num_threads(1)
    space = compiled(text)
    if space is None:
        return
    module: Any = space.load()
    if method == "random-a" and more_than(module.SPACE, COMPARABLE):
        return
    check(module, method, seed)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "random-a"])
def test_kept_edges_in_an_elastic_depth(method: str) -> None:
    torch.set_num_threads(1)
    space = compiled(CELLS)
    assert space is not None
    check(space.load(), method, 1)
