"""The cost model of mixing: what `inspect` foretells is what generated code does."""

from __future__ import annotations

import pytest
import torch

from tanglec.api import Compiled, compile_source
from tanglec.ir.nodes import walk
from tanglec.passes import scaling
from tanglec.source import Source
from tanglert.nn import lowering

SPACE = """
space s
input words: tokens({tokens}, 8)
dim width: 64 | 128
dim heads: 2 | 4
network:
    x = linear(words, width)
    y = linear(x, heads * 64)
    return linear(mean(linear(y, {last})), 10)
"""


def compiled(tokens: int, last: str) -> Compiled:
    return compile_source(Source("s.tsp", SPACE.format(tokens=tokens, last=last)))


def operations(tokens: int, last: str) -> list[tuple[int | None, bool]]:
    space = compiled(tokens, last).space
    found = [o for o, _ in walk(space.network.body) if o.op == "linear"]
    return [(scaling.scaled_up_to(o), scaling.scaled_in_architecture_steps(o)) for o in found]


def test_the_numbers_are_those_of_the_runtime() -> None:
    assert (float(scaling.ADVANTAGE), scaling.WIDE) == (lowering.ADVANTAGE, lowering.WIDE)


def test_scales_are_for_few_tokens_and_axes_that_vary_by_themselves() -> None:
    (_, few, joint, _), (_, many, _, _) = operations(4, "heads * 32"), operations(400, "64")
    assert few[0] == int(1.7 * 128 * 256 / ((128 + 256) * 4))
    assert many == (0, False)
    assert joint == (None, False)


@pytest.mark.parametrize("tokens", [1, 4, 30, 400])
def test_what_is_foretold_is_what_the_runtime_does(tokens: int) -> None:
    supernet = compiled(tokens, "64").load().Supernet()
    limit, wide = operations(tokens, "64")[1]
    layer = supernet.linear_2
    for batch in (1, 2, 5, 40, 200):
        chosen = lowering.cheaper_scaled("auto", layer.entanglement("weight"), layer.weight, batch * tokens)
        assert chosen == (batch <= limit)
    layer.weight.requires_grad_(False)
    assert lowering.cheaper_scaled("auto", layer.entanglement("weight"), layer.weight, 10**6) == wide
    with torch.no_grad():
        assert not lowering.cheaper_scaled("auto", layer.entanglement("weight"), layer.weight, 10**6)
