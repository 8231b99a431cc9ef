"""`require` on single positions (`hidden[1]`) and on runs of them (`sum(hidden[1..])`)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from tanglec.api import compile_source
from tanglec.passes.count import count
from tanglec.source import Source
from tanglert.arch import RequireError

TEXT = """space s
param last = 2
input image: vector(8)
dim hidden per layer: 4 | 8
dim flag per layer: true | false
dim depth: 2 | 3
require {}

block layer(x):
    return x + linear(linear(x, hidden) if flag else relu(linear(x, hidden)), width(x))

network:
    x = image
    repeat depth:
        x = layer(x)
    return linear(x, 10)
"""

Layers = list[tuple[int, bool] | None]


def at(place: int, test: Callable[[int, bool], bool]) -> Callable[[Layers], bool]:
    """A condition on one position; what is absent excuses."""
    return lambda layers: layers[place] is None or test(*layers[place])  # type: ignore[misc]


def run(start: int, stop: int, test: Callable[[Layers], bool]) -> Callable[[Layers], bool]:
    return lambda layers: test([layer for layer in layers[start:stop] if layer])


CASES: dict[str, Callable[[Layers], bool]] = {
    "hidden[1] == 8": at(1, lambda hidden, _: hidden == 8),
    "flag[last]": at(2, lambda _, flag: flag),
    "hidden[last] > 4 and not flag[2]": at(2, lambda hidden, flag: hidden > 4 and not flag),
    "hidden[0] < hidden[1]": lambda layers: layers[0][0] < layers[1][0],  # type: ignore[index]
    "sum(flag[..2]) == 1": run(0, 2, lambda layers: sum(flag for _, flag in layers) == 1),  # type: ignore[misc]
    "sum(hidden[1..]) >= 12": run(1, 3, lambda layers: sum(h for h, _ in layers) >= 12),  # type: ignore[misc]
    "max(hidden[1..3]) == 4": run(1, 3, lambda layers: max(h for h, _ in layers) == 4),  # type: ignore[misc]
    "count(hidden[1..]) == 1": run(1, 3, lambda layers: len(layers) == 1),
    "sum(hidden[..2] + hidden[..2]) > 20": run(0, 2, lambda layers: 2 * sum(h for h, _ in layers) > 20),  # type: ignore[misc]
}


def is_allowed(arch: Callable[..., object], **fields: object) -> bool:
    try:
        arch(**fields)
    except RequireError:
        return False
    return True


@pytest.mark.parametrize("condition", CASES)
def test_positions_are_counted_and_checked_as_they_are_read(condition: str) -> None:
    compiled = compile_source(Source("s.tsp", TEXT.format(condition)))
    module = compiled.load()
    number = 0
    for depth in (2, 3):
        for chosen in product(product((4, 8), (True, False)), repeat=depth):
            layers: Layers = [*chosen, *[None] * (3 - depth)]
            hidden, flag = (tuple(layer and layer[i] for layer in layers) for i in (0, 1))
            wanted = CASES[condition](layers)
            assert is_allowed(module.Arch, hidden=hidden, flag=flag, depth=depth) == wanted
            number += wanted
    assert count(compiled.space).number == number
