"""A step moves what its subnets read, as an ordinary step does, and nothing else: neither weights nor momenta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tanglec.api import Compiled, compile_file
from tanglert.train.engine import weight_optimizer
from tanglert.train.options import Options
from tests import exactness
from tests.property.test_random_spaces import compiled
from tests.property.test_spaces import OWN, SMALL, small
from tests.random_spaces import spaces

torch.set_num_threads(1)

EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))

OPTIMISERS: dict[str, dict[str, Any]] = {
    "adamw": {"weight_optimizer": "adamw", "weight_decay": 0.1},
    "adam": {"weight_optimizer": "adam", "weight_decay": 0.1},
    "nesterov": {"weight_optimizer": "sgd", "weight_decay": 0.1},
    "sgd": {"weight_optimizer": "sgd", "momentum": 0.0},
}
MOMENTA = ("exp_avg", "exp_avg_sq", "momentum_buffer")
SHIPPED = [
    "autoformer_t",
    "conv_macro",
    "gpt_mini",
    "nasbench_macro",
    "nb101",
    "nb201",
    "toy_cell",
    "vit_mini",
]
TRANSFORMED = "tests/spaces/odds_in_convolution.tsp"
"""Where an export is not what was read, but made of it (`tests/unit/test_touched.py` has that)."""


@cache
def sized(name: str) -> Compiled:
    """A small space whose networks have entries of the supernet's weights."""
    if name == "mobilenet_v3":
        return compile_file(name, params={**SMALL[name], "transform": False})
    if name == "nb101_dynamic":
        return compile_file(name, params={**SMALL[name], "rule": "shuffle"})
    return small(name)


def optimiser(net: nn.Module, name: str, update: str) -> Any:
    return weight_optimizer(
        net, Options(optimizer="spos", update=update, lr=0.01, **OPTIMISERS[name]), torch.device("cpu")
    )


def network(space: Compiled, arch: Any) -> nn.Module:
    """Its stand-alone network, quiet, in float64."""
    derived = space.derive(arch).double()
    exactness.quiet(derived)
    return derived


def read(space: Compiled, net: nn.Module, archs: Sequence[Any]) -> dict[str, Tensor]:
    """Which entries of every weight the networks of some architectures have: numbered entries are exported."""
    net = deepcopy(net)
    masks = {name: torch.zeros(p.numel(), dtype=torch.bool) for name, p in net.named_parameters()}
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.arange(p.numel()).view_as(p))
    for arch in archs:
        for name, numbers in net.export(arch, space.derive(arch).state_dict()).items():  # type: ignore[operator]
            if name in masks:
                masks[name][numbers.long().flatten()] = True
    return {name: masks[name].view_as(p) for name, p in net.named_parameters()}


def descend(net: nn.Module, archs: Sequence[Any], data: Sequence[Sequence[Tensor]], *at: str) -> None:
    """Adds the gradient of the mean loss of several architectures, or of a network alone."""
    for arch, x in zip(archs, data, strict=True):
        output = net(*x) if at else net(*x, arch)
        torch.manual_seed(7)
        ((output * torch.randn_like(output)).sum() / len(archs)).backward()


def state(optimiser: Any, net: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Weights and momenta by names, zero where there are none yet."""
    for name, p in net.named_parameters():
        yield name, p.detach().clone()
        for kind in MOMENTA:
            momentum = optimiser.state[p].get(kind) if p in optimiser.state else None
            yield f"{name} {kind}", torch.zeros_like(p) if momentum is None else momentum.clone()


def check_steps(space: Compiled, name: str, seed: int, steps: Sequence[int]) -> None:
    """Steps of so many subnets each: what is read becomes what torch makes of it, the rest stays to the bit."""
    module, net = exactness.supernet(space, seed)
    ordinary_net = deepcopy(net)
    touched, ordinary = optimiser(net, name, "touched"), optimiser(ordinary_net, name, "all")
    sampler = module.Sampler(seed)
    for count in steps:
        archs = [sampler() for _ in range(count)]
        masks, data = read(space, net, archs), [exactness.inputs(space, space.architecture(a)) for a in archs]
        before = dict(state(touched, net))
        ordinary_net.load_state_dict(net.state_dict())
        ordinary.load_state_dict(deepcopy(touched.state_dict()))
        for optimizer in (touched, ordinary):
            optimizer.zero_grad()
        with touched.reading(net):
            descend(net, archs, data)
        descend(ordinary_net, archs, data)
        norms = [nn.utils.clip_grad_norm_(p, 0.5) for p in (touched.parts(), list(ordinary_net.parameters()))]
        exactness.close(norms[0], norms[1], "the norm of the gradient")
        touched.step()
        ordinary.step()
        after, wanted = dict(state(touched, net)), dict(state(ordinary, ordinary_net))
        for key, old in before.items():
            mask = masks[key.partition(" ")[0]]
            assert torch.equal(after[key][~mask], old[~mask]), f"{key} moved where it was not read"
            if mask.any():
                exactness.close(after[key][mask], wanted[key][mask], key)


def check_alone(space: Compiled, name: str, seed: int) -> None:
    """One architecture trained in the supernet is its network trained by itself."""
    module, net = exactness.supernet(space, seed)
    arch = module.Sampler(seed)()
    alone = network(space, arch)
    alone.load_state_dict(net.export(arch, alone.state_dict()))  # type: ignore[operator]
    touched, ordinary = optimiser(net, name, "touched"), optimiser(alone, name, "all")
    for _ in range(4):
        x = exactness.inputs(space, space.architecture(arch))
        for optimizer in (touched, ordinary):
            optimizer.zero_grad()
        with touched.reading(net):
            descend(net, [arch], [x])
        descend(alone, [arch], [x], "alone")
        nn.utils.clip_grad_norm_(touched.parts(), 1.0)
        nn.utils.clip_grad_norm_(alone.parameters(), 1.0)
        touched.step()
        ordinary.step()
    weights: Mapping[str, Tensor] = dict(alone.named_parameters())
    exported = net.export(arch, alone.state_dict())  # type: ignore[operator]
    for key, weight in weights.items():
        exactness.close(exported[key], weight.detach(), key)


@pytest.mark.parametrize(
    "name", [*SHIPPED, "mobilenet_v3", "nb101_dynamic", *(n for n in OWN if n != TRANSFORMED)]
)
def test_what_is_not_read_stays_and_what_is_moves_as_ever(name: str) -> None:
    check_steps(sized(name), "adamw", 1, steps=[1, 2])


@pytest.mark.parametrize("kind", OPTIMISERS)
@pytest.mark.parametrize("name", ["autoformer_t", "conv_macro", "mobilenet_v3", "nb201", "vit_mini"])
def test_one_architecture_trains_like_its_own_network(name: str, kind: str) -> None:
    check_alone(sized(name), kind, 1)


@given(spaces(), st.sampled_from(sorted(OPTIMISERS)), st.integers(0, 5))
@EXAMPLES
def test_in_random_spaces(text: str, name: str, seed: int) -> None:
    space = compiled(text)
    if space is not None:
        check_steps(space, name, seed, steps=[1, 3, 2])
        check_alone(space, name, seed)
