"""`scan(block, xs, init)`: a recurrent cell, one block called for one token after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Label
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Call, Operation, Scan, Value, rewrite
from tanglec.ir.types import Axis, TensorType
from tanglec.passes import binding
from tanglec.passes.binding import describe
from tanglec.passes.names import BlockDef
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator
    from tanglec.passes.frame import Frame

_PARAMETERS = [("block", True), ("xs", True), ("init", True)]


class Scans:
    """Evaluates `scan` in a frame of the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check

    def __call__(
        self, arguments: Sequence[tuple[ast.Name | None, Any, Span]], frame: Frame, span: Span, name: str
    ) -> Value:
        bound = binding.match("scan", _PARAMETERS, arguments, span, self.check)
        block = self._block(*bound["block"])
        xs = self._tokens(*bound["xs"])
        initial = self._initial(xs, *bound["init"], frame)
        token = Value(TensorType("vector", xs.type.features, padding=xs.type.padding), "x", span)
        state = Value(replace(initial.type, padding="anything"), "state", span)
        inner = frame.inner(frame.present)
        self.elaborator.call_block(block, [(None, token, span), (None, state, span)], inner, span, ())
        call = self._repeated(inner.steps, xs.type.sizes[0])
        self._check_results(call, bound["block"][1])
        self._check_state(call, state, bound)
        output = call.results[0].type
        type = TensorType("tokens", output.features, xs.type.sizes, padding=output.padding)
        result = Value(type, name, span)
        frame.steps.append(Scan(call, token, state, xs, initial, result, span))
        return result

    def _block(self, value: Any, span: Span) -> BlockDef:
        if not isinstance(value, BlockDef):
            help = ["e.g. `block cell(x, h): return …` and `scan(cell, xs, 64)`"]
            raise self.check.error(
                "TSP0220", "`scan` runs a block", span, f"this is {describe(value)}", help=help
            )
        title = "the block of a `scan` is called with a token and the state"
        binding.check_callable(value, 2, "TSP0220", title, span, self.check)
        return value

    def _tokens(self, value: Any, span: Span) -> Value:
        if not isinstance(value, Value) or value.type.kind != "tokens":
            raise self.check.error("TSP0220", "`scan` goes over tokens", span, f"this is {describe(value)}")
        self.check.sampled_only(
            value.type.sizes[0].positions, "`scan` goes over an elastic number of tokens", span
        )
        return value

    def _initial(self, xs: Value, value: Any, span: Span, frame: Frame) -> Value:
        """The first state: a vector, or as many zeros as a number says."""
        if isinstance(value, Value) and value.type.kind == "vector":
            return value
        if isinstance(value, Extent | Axis):
            return self.elaborator.evaluate.apply("zero state", frame, span, "", x=xs, width=value)
        title = "the state of `scan` begins as a vector, or as zeros of a width"
        raise self.check.error("TSP0220", title, span, f"this is {describe(value)}")

    def _repeated(self, steps: Sequence[Any], length: Extent) -> Call:
        """The call, its multiply-adds counted for every token."""

        def often(operation: Operation) -> Operation:
            return replace(operation, macs=ex.apply("*", length, operation.macs))

        (call,) = rewrite(tuple(steps), often)
        assert isinstance(call, Call)
        return call

    def _check_results(self, call: Call, span: Span) -> None:
        kinds = [r.type.kind for r in call.results]
        if len(kinds) > 2 or set(kinds) != {"vector"}:
            title = "the block of a `scan` returns the next state, or an output and the next state"
            odd = next((r.type for r in call.results if r.type.kind != "vector"), None)
            returned = (
                f"{len(kinds)} tensors" if odd is None or len(kinds) > 2 else f"{odd}, which is no vector"
            )
            raise self.check.error("TSP0220", title, span, f"this returns {returned}")

    def _check_state(self, call: Call, state: Value, bound: Mapping[str, tuple[Any, Span]]) -> None:
        after = call.results[-1].type
        if not self.elaborator.same_type(after, state.type):
            title = "the block of a `scan` changes the type of its state"
            labels = [Label(bound["init"][1], f"the state begins as {state.type}")]
            notes = self.elaborator.contrast(state.type, after)
            help = ["the state that comes out goes in with the next token"]
            text = f"this returns {after}"
            raise self.check.error(
                "TSP0312", title, bound["block"][1], text, labels=labels, notes=notes, help=help
            )
