"""The spaces of the papers against what was published of them: how many architectures, and what each one costs.

The tables of NAS-Bench-201 and NAS-Bench-Macro are large and not part of the project. They are looked for in the folder
that TANGLEC_DATA names, else in a folder `data` beside the checkout; without them their tests are skipped.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tanglec.api import compile_file
from tanglec.passes.cost import Costs, parameter_terms
from tanglec.passes.count import count
from tanglec.passes.extremes import cost_range
from tests import exactness

BESIDE = Path(__file__).parents[3]


def table(name: str) -> Iterator[dict[str, str]]:
    """The rows of a published table."""
    given = os.environ.get("TANGLEC_DATA")
    found = [Path(given) / name] if given else sorted(BESIDE.glob(f"*/data/{name}"))
    if not found or not found[0].exists():
        pytest.skip(f"needs {name}")
    with gzip.open(found[0], "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


# --- tables ----------------------------------------------------------------------------------------------------------


def test_every_architecture_of_nas_bench_201() -> None:
    """Parameters and multiply-adds of convolutions and the classifier; the table adds 1 for each of its ten biases."""
    module = compile_file("nb201").load()
    labels = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    rows = 0
    for row in table("nb201.csv.gz"):
        arch = module.Arch(op=tuple(labels[int(digit)] for digit in row["ops"]))
        costs = (module.count_params(arch), module.count_macs(arch) + 10)
        assert costs == (int(row["params"]), int(row["flops"])), row["ops"]
        rows += 1
    assert rows == 15_625


def test_every_architecture_of_nas_bench_macro() -> None:
    """Parameters, and multiply-adds of convolutions and the classifier."""
    module = compile_file("nasbench_macro").load()
    labels = ("skip", "mb3_3x3", "mb6_5x5")
    rows = 0
    for row in table("nasbench_macro_c10.csv.gz"):
        arch = module.Arch(op=tuple(labels[int(digit)] for digit in row["arch"]))
        costs = (module.count_params(arch), module.count_macs(arch))
        assert costs == (int(row["params"]), int(row["flops"])), row["arch"]
        rows += 1
    assert rows == 6_561


# --- single architectures ----------------------------------------------------------------------------------------------

Edges = list[tuple[str, int]]


def cell(edges: Edges) -> tuple[list[str | None], list[str]]:
    """A cell of DARTS, two (operation, source) a node, as the operations of all 14 edges and the edges that are kept."""
    ops: list[str | None] = []
    keep = []
    for node in range(4):
        into = {source: op for op, source in edges[2 * node : 2 * node + 2]}
        ops += [into.get(source) for source in range(node + 2)]
        keep.append("+".join(map(str, sorted(into))))
    return ops, keep


# Liu et al. 2019, figure 4 and 5: the cells found by the second order.
NORMAL: Edges = [
    *[("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1)],
    *[("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2)],
]
REDUCE: Edges = [
    *[("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1)],
    *[("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1)],
]

EVALUATED = {"affine": True, "pool_norm": False}


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"cells": 20, "channels": 36}, 3_349_342),
        ({"cells": 14, "channels": 48, "imagenet": True, "resolution": 224, "classes": 1000}, 4_718_752),
    ],
    ids=["CIFAR-10", "ImageNet"],
)
def test_the_network_that_darts_found(params: dict[str, Any], number: int) -> None:
    """Without the auxiliary head: 3.3 and 4.7 million in the paper, to the digit what its training scripts print."""
    (normal, kept), (reduce, kept_reduced) = cell(NORMAL), cell(REDUCE)
    arch = {"op": {"normal": normal, "reduce": reduce}, "keep": {"normal": kept, "reduce": kept_reduced}}
    assert compile_file("darts", params={**EVALUATED, **params}).costs(arch).params == number


# Cai et al. 2019: ProxylessNAS-GPU as released, kernel and expansion of each layer, None where it is left out.
PROXYLESS_GPU = [
    *[(5, 3), None, None, None],
    *[(7, 3), None, None, (3, 3)],
    *[(7, 6), None, None, (5, 3)],
    *[(5, 6), None, (3, 3), (5, 3)],
    *[(7, 6), (7, 6), (7, 6), (5, 6)],
    *[(7, 6)],
]


def test_the_network_that_proxylessnas_found_for_gpus() -> None:
    """7.1 million parameters and 465 million multiply-adds."""
    op = [layer and f"mb{layer[1]}_{layer[0]}x{layer[0]}" for layer in PROXYLESS_GPU]
    optional = [layer for place, layer in enumerate(op) if place % 4]
    arch = {"skip": [layer is None for layer in optional], "op": op}
    assert compile_file("proxylessnas").costs(arch) == Costs(7_119_848, 465_260_160)


def test_the_example_of_nas_bench_101() -> None:
    """The cell of its documentation; its vertices are renumbered, those that feed the output last."""
    op = ["conv3x3", "conv1x1", "conv3x3", "conv3x3", "maxpool3x3"]
    links = ["in-2", "in-3", "1-4", "in-5"]
    on = [f"{source or 'in'}-{target}" in links for target in range(2, 6) for source in range(target)]
    arch = {"op": op, "on": on, "outputs": 4}
    assert compile_file("nb101_dynamic").costs(arch).params == 2_694_282


@pytest.mark.parametrize(("sharing", "number"), [("entangled", 239_146), ("separate", 304_810)])
def test_the_supernets_of_the_toy_cell_space(sharing: str, number: int) -> None:
    """The reference implementation's supernets, with and without entanglement; the architectures are the same."""
    compiled = compile_file("toy_cell", sharing=sharing)
    net = compiled.load().Supernet()
    assert sum(p.numel() for p in net.parameters()) == number
    assert cost_range(compiled.space, parameter_terms(compiled.space.network)) == (176_938, 211_114)


# --- numbers of architectures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("toy_cell", 4_096),
        ("nb201", 15_625),
        ("nasbench_macro", 6_561),
        ("nb101", 95_985),
        ("nb101_dynamic", 3**5 * 2_040),  # topologies by enumeration
        (
            "darts",
            (1 * 3 * 6 * 10 * 7**8) ** 2,
        ),  # Zhang et al. count the two edges of a node in order: times 2^8
        ("proxylessnas", 6**6 * 7**15),
    ],
)
def test_counts(name: str, number: int) -> None:
    found = count(compile_file(name).space)
    assert (found.number, found.exact) == (number, True)


def topologies() -> Iterator[tuple[tuple[bool, ...], int]]:
    """The graphs of the restricted NAS-Bench-101 by their definition: links without in-1, and the exit beside vertex 5."""
    pairs = [(source, target) for target in range(2, 6) for source in range(target)]
    for on in product((False, True), repeat=len(pairs)):
        links = [pair for pair, there in zip(pairs, on, strict=True) if there]
        if [sum(target == v for _, target in links) for v in range(2, 6)] != [1, 1, 2, 2]:
            continue
        for out in range(1, 5):
            if all(v == out or any(source == v for source, _ in links) for v in range(1, 5)):
                yield on, out


def test_the_topologies_of_nas_bench_101_are_those_of_its_definition() -> None:
    module = compile_file("nb101").load()
    wanted = set(topologies())
    assert len(wanted) == 395
    drawn = {(arch.on, arch.exit) for arch in map(lambda _: module.Sampler(seed=_)(), range(50))}
    assert drawn <= wanted
    for on, out in wanted:
        assert module.Arch(op=("conv3x3",) * 5, on=on, exit=out).allowed()


# --- what varies between methods ---------------------------------------------------------------------------------------

SMALL_CELLS = {"cells": 1, "channels": 8, "resolution": 8}
SEARCHED = {"affine": False, "track": True, "path_drop": Fraction(1, 4), "drop": Fraction(1, 5)}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("nb201", {**SMALL_CELLS, **SEARCHED}),
        ("nb201", {**SMALL_CELLS, "nodes": True}),
        ("nb201", {**SMALL_CELLS, **SEARCHED, "nodes": True, "wsbn": False}),
        ("nb101", {**SMALL_CELLS, **SEARCHED}),
        ("nb101_dynamic", {**SMALL_CELLS, "rule": "shuffle", "affine": False, "track": True}),
        ("nb101_dynamic", {**SMALL_CELLS, "rule": "interpolate"}),
        (
            "darts",
            {
                "cells": 3,
                "channels": 4,
                "resolution": 64,
                "imagenet": True,
                "affine": True,
                "pool_norm": False,
            },
        ),
        ("darts", {"cells": 3, "channels": 4, "resolution": 16, **SEARCHED}),
    ],
)
def test_factors_of_weight_sharing_are_params_of_a_space(name: str, params: dict[str, Any]) -> None:
    """Yu et al.: How to train your super-net. 2020, tables 1 and 5: the network changes, the architectures do not."""
    compiled = compile_file(name, params=params)
    module, net = exactness.supernet(compiled)
    arch = module.Sampler(seed=1)()
    exactness.check_vertex(compiled, module, net, arch)
    exactness.check_costs(compiled, module, arch)
    assert count(compiled.space) == count(compile_file(name).space)
