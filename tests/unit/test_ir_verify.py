"""The IR is legal after every pass, on shipped and on random spaces; and `verify` would notice if it were not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tanglec.diagnostics import CompileError, Sink
from tanglec.driver import Options, analyse
from tanglec.ir.dump import dump
from tanglec.ir.extents import Position
from tanglec.ir.nodes import Operation, Space, rewrite
from tanglec.ir.verify import Malformed, verify
from tanglec.library import find_space, libraries_for, shipped
from tanglec.passes import PASSES
from tanglec.source import Source
from tests.random_spaces import spaces
from tests.spacetext import compiled

GOLDEN = Path(__file__).parents[1] / "golden" / "ir"


def verified(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile with `verify` before and after every pass."""

    def held(run: Callable[[Space, Sink, str], Space]) -> Callable[[Space, Sink, str], Space]:
        def checked(space: Space, sink: Sink, lowering: str) -> Space:
            verify(space)
            result = run(space, sink, lowering)
            verify(result)
            return result

        return checked

    monkeypatch.setattr("tanglec.driver.PASSES", tuple((name, held(run)) for name, run in PASSES))
    for lowering in ("auto", "loop"):
        analyse(source, libraries_for(Path(source.path)), Options({}, lowering), Sink())


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_space_is_legal_after_every_pass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verified(find_space(name), monkeypatch)


@given(spaces())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_spaces_are_legal_after_every_pass(text: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        verified(Source("random.tsp", text), monkeypatch)


SMALL = """space small
input image: vector(4)
dim width: 2 | 4
dim depth: 0 | 1
dim hidden per layer: 2 | 3
require params() <= 200

block layer(x):
    return x + linear(relu(linear(x, hidden)), width(x))

network:
    x = linear(image, width)
    repeat depth:
        x = layer(x)
    if width == 2:
        x = relu(x)
    return linear(x, 3)
"""


def test_golden_dump_shows_dimensions_steps_types_and_how_each_is_mixed() -> None:
    text = dump(compiled(SMALL))
    if os.environ.get("TANGLEC_UPDATE_GOLDEN"):
        (GOLDEN / "small.txt").write_text(text, encoding="utf-8")
    assert text == (GOLDEN / "small.txt").read_text(encoding="utf-8")


# --- what verify notices ---------------------------------------------------------------------------------------------


def changed(space: Space, op: str, **fields: object) -> Space:
    """The space with some fields of every operation of a name replaced."""

    def change(operation: Operation) -> Operation:
        return replace(operation, **fields) if operation.op == op else operation  # type: ignore[arg-type]

    return replace(space, network=replace(space.network, body=rewrite(space.network.body, change)))


def test_a_value_is_made_before_it_is_read() -> None:
    space = compiled(SMALL)
    body = tuple(reversed(space.network.body))
    with pytest.raises(Malformed, match="before it is made"):
        verify(replace(space, network=replace(space.network, body=body)))


def test_a_lowering_is_one_of_those_that_the_operation_has() -> None:
    with pytest.raises(Malformed, match="lowering 'moments' is none of"):
        verify(changed(compiled(SMALL), "linear", lowering="moments"))


def test_the_sum_covers_the_positions_of_the_weights() -> None:
    with pytest.raises(Malformed, match="the sum leaves out"):
        verify(changed(compiled(SMALL), "linear", sums_over=()))


def test_sums_are_over_positions_of_the_space() -> None:
    stranger = Position("stranger", choices=(1, 2))
    with pytest.raises(Malformed, match="depends on stranger"):
        verify(changed(compiled(SMALL), "relu", sums_over=(stranger,)))


def test_every_position_has_a_presence() -> None:
    space = compiled(SMALL)
    dimensions = tuple(replace(d, present=()) for d in space.dimensions)
    with pytest.raises(Malformed, match="positions without presence"):
        verify(replace(space, dimensions=dimensions))


def test_a_space_that_is_refused_has_no_ir() -> None:
    with pytest.raises(CompileError):
        compiled(SMALL.replace("200", "2"))
