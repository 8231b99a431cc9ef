"""Every shipped space: exact at its vertices, mixed by the defining sum, costed to the digit. Sizes are params, so small."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch

from tanglec.api import Compiled, compile_file
from tanglec.library import shipped
from tests import exactness

torch.set_num_threads(1)

ROOT = Path(__file__).parents[2]

# Params that make a space small enough for a test; the architecture choices stay the published ones.
SMALL = {
    "autoformer_b": {"resolution": 32, "classes": 7},
    "autoformer_s": {"resolution": 32, "classes": 7},
    "autoformer_t": {"resolution": 48, "classes": 7},
    "conv_macro": {"resolution": 16},
    "darts": {"resolution": 16, "channels": 4, "cells": 3, "classes": 7},
    "gpt_mini": {"context": 12},
    "language_model": {"vocab": 31, "context": 9},
    "mobilenet_v3": {"resolution": 64, "classes": 7},
    "nasbench_macro": {"resolution": 16, "channels": 8, "head": 32},
    "nb101": {"resolution": 8, "channels": 8, "cells": 1},
    "nb101_dynamic": {"resolution": 8, "channels": 8, "cells": 1},
    "nb201": {"resolution": 8, "channels": 4, "cells": 1},
    "proxylessnas": {"resolution": 64, "multiplier": 0.2, "classes": 7},
    "toy_cell": {"resolution": 16, "channels": 8},
    "vit_mini": {"resolution": 12},
}


# Spaces of the tests themselves: odd combinations that the shipped ones do not have.
OWN = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "tests" / "spaces").glob("*.tsp"))


@cache
def small(name: str, lowering: str = "auto") -> Compiled:
    path = ROOT / name if name in OWN else name
    return compile_file(path, params=SMALL.get(name), lowering=lowering)


@pytest.mark.parametrize("name", [*shipped(), *OWN])
def test_mixture_subnet_and_derived_module_are_one_function(name: str) -> None:
    module, net = exactness.supernet(small(name))
    sampler = module.Sampler(seed=1)
    for _ in range(1 if name == "autoformer_b" else 2):
        exactness.check_vertex(small(name), module, net, sampler())


@pytest.mark.parametrize("name", [n for n in OWN if "odds" in n])
def test_they_are_one_function_on_recalibrated_statistics_too(name: str) -> None:
    module, net = exactness.supernet(small(name))
    exactness.check_recalibrated(small(name), net, module.Sampler(seed=1)())


@pytest.mark.parametrize("name", [*shipped(), *OWN])
def test_costs_are_those_of_the_derived_module(name: str) -> None:
    module = small(name).load()
    sampler = module.Sampler(seed=2)
    for _ in range(5):
        exactness.check_costs(small(name), module, sampler())


@pytest.mark.parametrize(
    "name", ["conv_macro", "gpt_mini", "language_model", "vit_mini", "autoformer_t", *OWN]
)
def test_every_lowering_is_the_defining_sum(name: str) -> None:
    exactness.check_lowerings(small(name), small(name, lowering="loop"), seed=3)
    exactness.check_lowerings(small(name, lowering="scale"), small(name, lowering="loop"), seed=4)


def test_the_largest_autoformer_t_has_the_published_number_of_parameters() -> None:
    """Official implementation, relative position 14, mean pooling, 1000 classes: 10,517,272."""
    largest = {"embed": 240, "depth": 14, "heads": [4] * 14, "ratio": [4] * 14}
    assert compile_file("autoformer_t").costs(largest).params == 10_517_272


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("autoformer_t", 3 * sum(4**depth for depth in (12, 13, 14))),
        ("conv_macro", 3**8),
        ("language_model", 3 * sum(9**depth for depth in (5, 6, 7))),
        ("vit_mini", 3 * sum(9**depth for depth in (2, 3, 4))),
    ],
)
def test_counts(name: str, number: int) -> None:
    from tanglec.passes.count import count

    assert (count(compile_file(name).space).number, count(compile_file(name).space).exact) == (number, True)
