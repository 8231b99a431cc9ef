"""Costs and conditions as generated Python: right where choices are absent, and short."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tanglec.api import Compiled, compile_source
from tanglec.codegen.formula import formula
from tanglec.codegen.plain import Plain
from tanglec.ir import extents as ex
from tanglec.ir.extents import Position
from tanglec.passes.cost import costs, parameter_terms
from tanglec.passes.count import meets
from tanglec.source import Source
from tests.spacetext import compiled

# Choices that exist inside of an arm only, widths and kernels that are read for some labels only.
NESTED = """space nested
input image: pixels(3, 4, 4)
dim op per unit: a | b | c | d
dim inner per unit: 1 | 3 | 5
dim flag per unit: true | false
dim w: 2 | 4
dim scale: 0.25 | 0.5 | 1

block f(x, out, kernel):
    return conv(relu(x), out, kernel=kernel)

block filtered(x):
    return choose inner:
        1: x
        3: depthwise(x, kernel=3)
        5: depthwise(x, kernel=5)

block unit(x):
    h = choose op:
        a: conv(x, 4, kernel=inner)
        b: x if w == 4 else conv(x, w, kernel=3)
        entangled:
            c: f(x, w + 2, kernel=3)
            d: f(x, 6, kernel=inner)
    h = conv(h, w, kernel=3)
    h += choose flag:
        true: filtered(h)
        false: h
    return h

network:
    x = unit(unit(conv(image, w, kernel=3)))
    return linear(linear(mean(x), 16 * scale), 5)
"""

CELLS = """space cells
input image: pixels(3, 8, 8)
dim op per edge of normal, reduce: none | skip | conv | sep

block edge(x, stride=1):
    return choose op:
        none: avg_pool(x, kernel=1, stride=stride) * 0
        skip: x if stride == 1 else conv(x, width(x), kernel=1, stride=2)
        conv: conv(x, width(x), kernel=3, stride=stride)
        sep: conv(depthwise(x, kernel=3, stride=stride), width(x), kernel=1)

block normal(a, b):
    nodes = dag([a, b], nodes=3, edge=edge, keep=2)
    return concat(nodes[2..])

block reduce(a, b):
    nodes = dag([a, b], nodes=3, edge=edge, input_stride=2, keep=2)
    return concat(nodes[2..])

network:
    x = conv(image, 4, kernel=3)
    x = conv(normal(x, x), 4, kernel=1)
    x = conv(normal(x, x), 4, kernel=1)
    x = reduce(x, x)
    return linear(global_pool(x), 5)
"""

REQUIRED = """space required
input image: vector(4)
dim a: 1 | 2 | 3
dim n: 0 | 1 | 2
dim c per cell: 1 | 2 | 4
dim g: 1 | 2 | 5
dim f: true | false
dim op per cell: x | y
require {}

block cell(x):
    return choose op:
        x: linear(linear(x, c), 4)
        y: linear(linear(x, g), 4) if f else linear(x, 4)

network:
    x = linear(linear(image, a), 4)
    repeat n:
        x = cell(x)
    return linear(x, 3)
"""


def module_of(text: str) -> tuple[Compiled, ModuleType]:
    space = compile_source(Source("space.tsp", text))
    return space, space.load()


def architectures(space: Compiled) -> Iterator[tuple[dict[Position, ex.Scalar], dict[str, Any]]]:
    """Every architecture: the choices of all positions, and the fields of `Arch`, None where absent."""
    presence = space.space.presence
    for choices in ex.assignments(space.space.positions):
        if all(presence[p].at(choices) or v == p.choices[0] for p, v in choices.items()):
            here = {p: v if presence[p].at(choices) else None for p, v in choices.items()}
            fields = {d.name: tuple(here[p] for p in d.positions) for d in space.space.dimensions}
            yield (
                choices,
                {d.name: fields[d.name] if d.per else fields[d.name][0] for d in space.space.dimensions},
            )


def body(text: str) -> list[str]:
    space = compiled(text)
    return list(formula(parameter_terms(space.network), space).body)


def test_costs_are_right_where_what_they_read_may_be_absent() -> None:
    space, module = module_of(NESTED)
    for choices, fields in architectures(space):
        arch, right = module.Arch(**fields), costs(space.space, choices)
        assert (module.count_params(arch), module.count_macs(arch)) == (right.params, right.macs), arch


def test_costs_are_right_for_edges_that_are_kept_or_not() -> None:
    space, module = module_of(CELLS)
    sampler = module.Sampler(0)
    for _ in range(100):
        arch = sampler()
        right = space.costs(arch)
        assert (module.count_params(arch), module.count_macs(arch)) == (right.params, right.macs), arch


def test_alike_cells_become_rows_of_what_every_label_costs() -> None:
    """Presence needs no condition: an edge that is not kept has no label."""
    assert body(CELLS) == [
        "total = 281",
        'labels = ("conv", "sep", "skip")',
        "for group, span, costs in (",
        '    ("normal", range(9), (296, 120, 0)),',
        '    ("reduce", (0, 1, 2, 3, 5, 6), (148, 60, 20)),',
        '    ("reduce", (4, 7, 8), (148, 60, 0)),',
        "):",
        "    for i in span:",
        "        op = arch.op[group][i]",
        "        if op in labels:",
        "            total += costs[labels.index(op)]",
        "return total",
    ]


def test_layers_that_differ_in_constants_become_rows_of_these() -> None:
    text = """space stages
input image: pixels(3, 4, 4)
dim n per stage: 1 | 2
dim k per layer: 1 | 3
dim e per layer: 1 | 1.5

block layer(x):
    h = conv(x, round_to(width(x) * e, 4), kernel=k)
    return conv(h, width(x), kernel=1)

block stage(x, out):
    x = conv(x, out, kernel=1)
    repeat n:
        x = layer(x)
    return x

network:
    return linear(mean(stage(stage(stage(image, 4), 8), 12)), 2)
"""
    assert body(text) == [
        "total = 190",
        "for span, c1, c2 in (",
        "    (range(2), 4, 5),",
        "    (range(2, 4), 8, 9),",
        "    (range(4, 6), 12, 13),",
        "):",
        "    for i in span:",
        "        e, k = arch.e[i], arch.k[i]",
        "        if e is not None and k is not None:",
        "            rounded = divisible(c1 * e, 4)",
        "            total += c1 + c2 * rounded + c1 * k**2 * rounded",
        "return total",
    ]


def test_one_table_for_all_positions() -> None:
    text = """space edges
input image: pixels(3, 4, 4)
dim op per edge: zero | one | three

block edge(x):
    return choose op:
        zero: x * 0
        entangled:
            one: f(x, 1)
            three: f(x, 3)

block f(x, kernel):
    return conv(x, width(x), kernel=kernel, bias=false)

network:
    x = edge(edge(edge(conv(image, 4, kernel=1))))
    return linear(mean(x), 2)
"""
    assert body(text) == [
        "total = 26",
        "for op in arch.op:",
        '    total += {"one": 16, "three": 144}.get(op, 0)',
        "return total",
    ]


@pytest.mark.parametrize(
    "requirement",
    [
        "c >= g",
        "(1 if g == 2 else a) * 2 < 5",
        "a % 2 == 1 or not (f == true)",
        "op != x or c > 1",
        "sum(c * a) <= 6",
        "sum(c + g) < 7",
        "min(c) >= 2 and max(c) <= 2",
        "count(g) + a <= 2",
        "(g == 5) == (a == 1)",
        "product(c) < 4 and params() < 80",
    ],
)
def test_a_requirement_looks_at_what_is_there_only(requirement: str) -> None:
    space, module = module_of(REQUIRED.format(requirement))
    seen = set()
    for choices, fields in architectures(space):
        right = all(meets(r, choices) for r in space.space.requirements)
        seen.add(right)
        if right:
            module.Arch(**fields)
        else:
            with pytest.raises(ValueError, match="does not meet"):
                module.Arch(**fields)
    assert seen == {True, False}


A = ex.choice(Position("a", choices=(1, 2)))
OP = ex.choice(Position("op", 0, choices=("x", "y"), scoped=True))
IN = ex.choice(Position("inner", 0, choices=(1, 3), scoped=True))
FLAG = ex.choice(Position("held", choices=(True, False)))


@pytest.mark.parametrize(
    ("extent", "text"),
    [
        (
            ex.apply("where", ex.apply("==", OP, ex.const("x")), ex.const(3), IN),
            '(3 if arch.op[0] == "x" else (arch.inner[0] or 0))',
        ),
        (ex.apply("==", FLAG, ex.const(True)), "arch.held"),
        (
            ex.apply("and", ex.apply("==", FLAG, ex.const(False)), ex.apply("<", A, ex.const(2))),
            "not arch.held and arch.a < 2",
        ),
        (
            ex.apply("and", ex.apply("or", FLAG, ex.apply(">", A, IN)), FLAG),
            "(arch.held or arch.a > (arch.inner[0] or 0)) and arch.held",
        ),
        (ex.apply("==", ex.apply("<", A, ex.const(2)), FLAG), "(arch.a < 2) == arch.held"),
        (ex.apply("not", ex.apply("keeps", OP, ex.const(1))), 'not "1" in arch.op[0].split("+")'),
        (ex.apply("==", A, ex.apply("/", ex.const(1), ex.const(3))), "arch.a == 0.3333333333333333"),
    ],
)
def test_extents_as_python(extent: ex.Extent, text: str) -> None:
    assert Plain(frozenset(IN.positions)).text(extent) == text
