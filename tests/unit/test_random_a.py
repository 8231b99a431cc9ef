"""Random-A: which architectures are one network, and draws that give every network the same chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import pytest
import torch

from tanglec.api import compile_source
from tanglec.source import Source
from tanglert import ArchBase, Dim, Space
from tanglert.sample.enumeration import architectures
from tanglert.sample.random_a import TooManyArchitectures, UniqueSampler, unique
from tests import tiny
from tests.unit.test_samplers import Small

OPS = ("none", "skip", "conv_1x1", "conv_3x3", "pool")

CELL = """
space one_cell "One cell with the operations of NAS-Bench-201 (Dong and Yang 2020)"
use cnn: relu_conv_bn
input image: pixels(4, 8, 8)
dim op per edge: none | skip | conv_1x1 | conv_3x3 | pool

block edge(x):
    return choose op:
        none: zero(x)
        skip: x
        entangled:
            conv_1x1: relu_conv_bn(x, width(x), kernel=1)
            conv_3x3: relu_conv_bn(x, width(x), kernel=3)
        pool: avg_pool(x, kernel=3)

network:
    return global_pool(dag([image], nodes=NODES, edge=edge)[NODES])
"""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def cell(nodes: int) -> Any:
    return compile_source(Source("one_cell.tsp", CELL.replace("NODES", str(nodes)))).load()


Term = tuple[Any, ...]


def network(ops: Sequence[str], layers: Sequence[int]) -> Term:
    """The sum that a cell computes: terms of operation, layer and inner sum; `layers` names the weights of edges."""
    nodes: list[Term] = [("x",)]
    edges = iter(zip(ops, layers, strict=True))
    while True:
        terms: list[Any] = []
        for source in nodes:
            if (edge := next(edges, None)) is None:
                return nodes[-1]
            op, layer = edge
            if op == "skip":
                terms += source
            elif op != "none" and source:  # what the input does not reach is zero
                terms.append((op, layer if op.startswith("conv") else -1, source))
        nodes.append(tuple(sorted(terms, key=repr)))


def layers_of(value: Term) -> set[int]:
    inner = [term for term in value if term != "x"]
    return {term[1] for term in inner if term[1] >= 0}.union(*(layers_of(term[2]) for term in inner))


def canonical(ops: Sequence[str]) -> str:
    """The network of a cell, its weights renamed in all ways, and the first of the results."""
    live = sorted(layers_of(network(ops, range(len(ops)))))
    names = [dict(zip(live, order)) for order in permutations(range(len(live)))]
    return min(repr(network(ops, [name.get(edge, -1) for edge in range(len(ops))])) for name in names)


def classes(space: Any) -> set[frozenset[tuple[str, ...]]]:
    found = unique(space.Arch, space.Supernet)
    return {frozenset(tuple(OPS[i] for i in indices) for indices in one) for one in found}


def expected(edges: int) -> set[frozenset[tuple[str, ...]]]:
    networks: dict[str, set[tuple[str, ...]]] = {}
    for ops in product(OPS, repeat=edges):
        networks.setdefault(canonical(ops), set()).add(ops)
    return set(map(frozenset, networks.values()))


def test_cells_are_one_network_where_their_sums_are() -> None:
    assert classes(cell(2)) == expected(3)


@pytest.mark.slow
def test_nasbench_201_has_5260_networks_and_6466_published_names() -> None:
    """The benchmark compares texts: sums keep their zeros and their nesting there, and weights have no names."""
    wanted = expected(6)
    assert classes(cell(3)) == wanted
    assert len(wanted) == 5260
    assert len({published(ops) for ops in product(OPS, repeat=6)}) == 6466


def published(ops: Sequence[str]) -> str:
    """The text by which the benchmark's code tells cells apart (`to_unique_str` with zeros considered)."""
    nodes, edges = ["0"], iter(ops)
    for _ in range(3):
        terms = []
        for source in nodes:
            op = next(edges)
            zero = op == "none" or source == "#"
            terms.append("#" if zero else source if op == "skip" else f"({source})@{op}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def test_one_network_is_as_likely_as_another() -> None:
    space = cell(2)
    sampler = UniqueSampler(space.Arch, space.Supernet, seed=0)
    network_of = {ops: canonical(ops) for ops in product(OPS, repeat=3)}
    drawn = [sampler() for _ in range(40 * len(sampler.classes))]
    uses = Counter(network_of[arch.op] for arch in drawn)
    assert set(uses) == set(network_of.values())
    assert 12 < min(uses.values()) and max(uses.values()) < 80
    assert len({arch.op for arch in drawn}) > len(uses)  # the names of one network are drawn, too


def test_sizes_are_networks_of_their_own() -> None:
    """Two layers of one size after the other are not two of other sizes, and a narrower one is another network."""
    assert [len(one) for one in unique(tiny.Arch, tiny.Supernet)] == [1] * 42


def test_making_a_sampler_moves_no_other_generator() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    UniqueSampler(tiny.Arch, tiny.Supernet)
    assert torch.equal(torch.rand(3), expected)


def test_a_seed_gives_one_sequence_and_a_state_goes_on_with_it() -> None:
    first, second, third = (UniqueSampler(tiny.Arch, tiny.Supernet, seed) for seed in (1, 1, 2))
    assert [first.paths() for _ in range(5)] == [second.paths() for _ in range(5)]
    third.load_state_dict(first.state_dict())
    assert [third() for _ in range(5)] == [first() for _ in range(5)]


LARGE = Space(
    "large", dims=[Dim("op", ["a", "b"], per="edge", positions=17)], inputs=[], output=("vector", (1,))
)


@dataclass(frozen=True)
class Large(ArchBase, space=LARGE):
    op: tuple[str, ...]


def test_a_large_space_is_refused() -> None:
    with pytest.raises(TooManyArchitectures, match="large has more than 100,000; spos draws from any"):
        UniqueSampler(Large, tiny.Supernet)


def test_all_architectures_are_enumerated_once() -> None:
    archs = list(architectures(tiny.Arch))
    assert len(archs) == len(set(archs)) == 42
    allowed = [arch for arch in archs if arch.width * arch.depth <= 16]
    assert [arch.to_json() for arch in architectures(Small)] == [arch.to_json() for arch in allowed]
