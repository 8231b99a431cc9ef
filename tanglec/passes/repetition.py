"""`repeat`: its body entered as often as its count can get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Carried, Repeat, Value
from tanglec.passes.arithmetic import sort_of
from tanglec.passes.binding import describe
from tanglec.passes.bound import statements
from tanglec.passes.evaluate import Poison
from tanglec.passes.frame import Frame
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator

MOST_ITERATIONS = 1_000


class Repetitions:
    """Runs `repeat` in a frame of the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check

    def __call__(self, node: ast.Repeat, frame: Frame) -> None:
        count = self.elaborator.evaluate.extent(node.count, frame)
        counts = self._counts(count, node.count.span)
        before = dict(frame.locals)
        state, bodies, history = dict(frame.locals), [], []
        for i in range(max(counts)):
            self.elaborator.step(node.span)
            inner = replace(
                frame,
                locals=dict(state),
                steps=[],
                present=ex.apply("and", frame.present, ex.apply(">", count, ex.const(i))),
            )
            if node.index is not None:
                inner.locals[node.index.id] = ex.const(i)
            if self.elaborator.run(node.body, inner) is not None:
                place = next((n.span for n in statements(node.body) if isinstance(n, ast.Return)), node.span)
                raise self.check.error(
                    "TSP0215", "`return` inside `repeat`", place, "a repetition cannot be left early"
                )
            state = {name: inner.locals[name] for name in before}
            bodies.append(tuple(inner.steps))
            history.append(state)
            if len(counts) > 1:
                self._check_kept(before, state, node)
        self._finish(node, count, counts, before, bodies, history, frame)

    def _counts(self, count: Extent, span: Span) -> list[int]:
        if sort_of(count) != "number":
            raise self.check.error("TSP0311", "`repeat` needs a number", span, f"this is {describe(count)}")
        minimum = ex.apply(">=", count, ex.const(0))
        whole = ex.apply("==", ex.apply("%", count, ex.const(1)), ex.const(0))
        message = "a repetition runs a whole number of times, at least 0"
        self.check.hold(ex.apply("and", minimum, whole), "TSP0307", message, span, ex.show(count))
        counts = sorted({int(ex.number(n)) for n in ex.table(count) if ex.number(n) >= 0})
        if counts[-1] > MOST_ITERATIONS:
            raise self.check.error(
                "TSP0402", f"{counts[-1]:,} iterations are too many", span, f"at most {MOST_ITERATIONS:,}"
            )
        return counts

    def _check_kept(self, before: dict[str, Any], after: dict[str, Any], node: ast.Repeat) -> None:
        for name, old in before.items():
            new = after[name]
            if new is old or isinstance(new, Poison) or isinstance(old, Poison):
                continue
            kept = (
                isinstance(old, Value)
                and isinstance(new, Value)
                and self.elaborator.same_type(old.type, new.type)
            )
            if not kept:
                message = f"an elastic `repeat` must keep the type of `{name}`"
                notes = [f"before: {describe(old)}", f"after: {describe(new)}"]
                if isinstance(old, Value) and isinstance(new, Value):
                    notes += self.elaborator.contrast(old.type, new.type)
                help = [
                    "any iteration may be the last: change the type before the `repeat`, or keep it in the body"
                ]
                raise self.check.error("TSP0306", message, node.span, notes=notes, help=help)

    def _finish(
        self,
        node: ast.Repeat,
        count: Extent,
        counts: list[int],
        before: dict[str, Any],
        bodies: list[Any],
        history: list[dict[str, Any]],
        frame: Frame,
    ) -> None:
        carried = []
        for name, old in before.items():
            states = [h[name] for h in history]
            if not states or states[-1] is old:
                continue
            if isinstance(old, Value) and all(isinstance(s, Value) for s in states):
                result = states[-1] if len(counts) == 1 else self._mixed(name, old, states, node.span)
                carried.append(Carried(name, old, tuple(states), result))
                frame.locals[name] = result
            else:
                frame.locals[name] = states[-1]
        frame.steps.append(Repeat(count, tuple(bodies), tuple(carried), node.span))

    @staticmethod
    def _mixed(name: str, before: Value, states: Sequence[Value], span: Span) -> Value:
        zero = all(v.type.padding == "zero" for v in (before, *states))
        return Value(replace(before.type, padding="zero" if zero else "anything"), name, span)
