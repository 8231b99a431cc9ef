"""Partial channels in the cells of shipped spaces: as exact as all of them, and no other space of architectures."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from tanglec.api import Compiled, compile_file
from tests import exactness

torch.set_num_threads(1)

SMALL = {
    "darts": {"resolution": 8, "channels": 4, "cells": 3, "classes": 5},
    "nb201": {"resolution": 8, "channels": 4, "cells": 1},
}
CASES = [
    ("darts", {"partial": 2}),
    ("darts", {"partial": 4, "affine": True}),
    ("nb201", {"partial": 2}),
    ("nb201", {"partial": 4, "nodes": True}),
]


@cache
def small(name: str, **params: int | bool) -> Compiled:
    return compile_file(name, params={**SMALL[name], **params})


@pytest.mark.parametrize(("name", "params"), CASES)
def test_mixture_subnet_and_derived_module_are_one_function(name: str, params: dict[str, int | bool]) -> None:
    compiled = small(name, **params)
    module, net = exactness.supernet(compiled)
    arch = module.Sampler(seed=1)()
    exactness.check_vertex(compiled, module, net, arch)
    exactness.check_costs(compiled, module, arch)


@pytest.mark.parametrize("name", SMALL)
def test_the_choices_are_those_of_the_whole_space(name: str) -> None:
    """What is found with partial channels is derived without: same positions, same weights by name, narrower."""
    whole, partial = small(name).load(), small(name, partial=2).load()
    assert whole.SPACE.positions == partial.SPACE.positions
    wide, narrow = whole.Supernet().state_dict(), partial.Supernet().state_dict()
    assert list(wide) == list(narrow)
    assert all(a >= b for k in wide for a, b in zip(wide[k].shape, narrow[k].shape, strict=True))
    arch = partial.Sampler(seed=3)()
    assert whole.Arch.from_dict(arch.to_dict()).to_dict() == arch.to_dict()


@pytest.mark.parametrize("stride", [1, 2])
def test_the_other_channels_pass_by(stride: int) -> None:
    """Xu et al. 2020, section 3.1: one of K parts is worked on, the others are kept, or pooled where the edge has a stride."""
    compiled = small("darts", partial=2)
    module = compiled.load()
    net = module.Supernet().double()
    edge = (net.normal if stride == 1 else net.reduce).edges[0]
    ops = module.SPACE.dim("op").positions
    position = next(p for p in edge.op.positions if p in ops)
    width = edge.norm.batch_norm.reads.size * 2
    x = torch.randn(2, width, 8, 8, dtype=torch.float64)
    arch = module.Sampler(seed=0)().one_hot(dtype=torch.float64)
    arch["op"][module.SPACE.dim("op").positions.index(position)] = torch.eye(8, dtype=torch.float64)[
        0
    ]  # none
    y = edge(x, net.choices({"op": arch["op"]}))
    rest = x[:, width // 2 :]
    torch.testing.assert_close(y[:, 1::2], rest if stride == 1 else torch.max_pool2d(rest, 2, 2))
    assert not y[:, ::2].any()
