"""Conditions: decided at once where all choices agree, else both ways are walked and joined again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Abort
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Branch, Joined, Value
from tanglec.ir.types import Axis, TensorType
from tanglec.passes.bound import bound_names, statements
from tanglec.passes.calls import number_of
from tanglec.passes.checks import Checker
from tanglec.passes.decisions import note
from tanglec.passes.evaluate import POISON
from tanglec.passes.frame import Frame
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator


class Conditions:
    """Runs `if`, and what a ternary between tensors stands for."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check

    def __call__(
        self, node: ast.If, rest: Sequence[ast.Stmt], frame: Frame
    ) -> tuple[bool, tuple[Any, ...] | None]:
        """Run an `if`. The first result says that the rest of the body was run (or skipped) with it."""
        try:
            with self.check.guarded(node.condition.span):
                condition = self.elaborator.evaluate.condition(node.condition, frame)
                known = self.check.decide(condition, node.condition.span)
        except Abort:
            for name in (*bound_names(node.then), *bound_names(node.otherwise)):
                frame.locals[name] = POISON
            return False, None
        if known is not None:
            note(node.condition, known, condition, frame, self.elaborator.evaluate)
            returned = self.elaborator.run(node.then if known else node.otherwise, frame)
            return returned is not None, returned
        self.check.sampled_only(
            condition.positions, "a condition holds for some choices only", node.condition.span
        )
        returns = any(isinstance(n, ast.Return) for n in statements((*node.then, *node.otherwise)))
        tail = tuple(rest) if returns else ()
        sides = self.sides(
            condition,
            frame,
            lambda f: self.elaborator.run(_followed(node.then, tail), f),
            lambda f: self.elaborator.run(_followed(node.otherwise, tail), f),
        )
        (then, first), (otherwise, second) = sides
        if returns:
            return True, self._join_returns(condition, frame, then, otherwise, first, second, node.span)
        self._join(condition, frame, then, otherwise, node.span)
        return False, None

    def sides(self, condition: Extent, frame: Frame, first: Any, second: Any) -> list[tuple[Frame, Any]]:
        """Both sides of a condition, each in a frame of its own, under its assumption."""
        sides = []
        for holds, body in ((condition, first), (ex.apply("not", condition), second)):
            inner = frame.inner(ex.apply("and", frame.present, holds))
            with self.assuming(holds):
                sides.append((inner, body(inner)))
        return sides

    def assuming(self, condition: Extent) -> Assuming:
        """What is checked inside has to hold only where the condition does."""
        return Assuming(self.check, condition)

    def _join(self, condition: Extent, frame: Frame, then: Frame, otherwise: Frame, span: Span) -> None:
        """Names that the sides bound differently, under one name again; a name that only one side binds is gone."""
        joined = []
        for name in [n for n in then.locals if n in otherwise.locals]:
            first, second = then.locals[name], otherwise.locals[name]
            if first is second or frame.locals.get(name, POISON) is first is second:
                continue
            value, join = self.join(condition, first, second, name, span)
            frame.locals[name] = value
            joined.extend(join)
        frame.steps.append(Branch(condition, tuple(then.steps), tuple(otherwise.steps), tuple(joined), span))

    def _join_returns(
        self,
        condition: Extent,
        frame: Frame,
        then: Frame,
        otherwise: Frame,
        first: Any,
        second: Any,
        span: Span,
    ) -> tuple[Any, ...]:
        if first is None or second is None:
            text = "this condition does not hold for all choices alike"
            help = ["end both ways with `return`"]
            raise self.check.error("TSP0215", "one of two ways returns nothing", span, text, help=help)
        if len(first) != len(second):
            title = f"one way returns {number_of(first, 'value')}, the other {number_of(second, 'value')}"
            raise self.check.error("TSP0215", title, span)
        pairs = [self.join(condition, a, b, "", span) for a, b in zip(first, second, strict=True)]
        joined = tuple(j for _, joins in pairs for j in joins)
        frame.steps.append(Branch(condition, tuple(then.steps), tuple(otherwise.steps), joined, span))
        return tuple(value for value, _ in pairs)

    def join(
        self, condition: Extent, first: Any, second: Any, name: str, span: Span
    ) -> tuple[Any, list[Joined]]:
        """One value for what two sides made."""
        if isinstance(first, Extent) and isinstance(second, Extent):
            return ex.apply("where", condition, first, second), []
        if isinstance(first, Value) and isinstance(second, Value):
            result = Value(self._join_types(condition, first.type, second.type, span), name, span)
            return result, [Joined(first, second, result)]
        return POISON, []

    def _join_types(self, condition: Extent, a: TensorType, b: TensorType, span: Span) -> TensorType:
        alike = (
            a.kind == b.kind
            and len(a.features.segments) == len(b.features.segments)
            and a.heads == b.heads
            and a.grid == b.grid
        )
        if not alike:
            raise self.check.error(
                "TSP0302", "the sides of a condition make tensors of different kinds", span, f"{a} and {b}"
            )

        def both(x: Extent, y: Extent) -> Extent:
            return x if x == y or ex.equal(x, y) else ex.apply("where", condition, x, y)

        segments = tuple(both(x, y) for x, y in zip(a.features.segments, b.features.segments, strict=True))
        sizes = tuple(both(x, y) for x, y in zip(a.sizes, b.sizes, strict=True))
        padding = "zero" if a.padding == b.padding == "zero" else "anything"
        return TensorType(a.kind, Axis(segments), sizes, a.grid, a.heads, padding)


class Assuming:
    """Around every arm, so no generator."""

    __slots__ = ("before", "check", "condition")

    def __init__(self, check: Checker, condition: Extent) -> None:
        self.check, self.condition, self.before = check, condition, check.assuming

    def __enter__(self) -> None:
        self.before = self.check.assuming
        self.check.assuming = ex.apply("and", self.before, self.condition)

    def __exit__(self, *error: object) -> None:
        self.check.assuming = self.before


def _followed(body: tuple[ast.Stmt, ...], tail: tuple[ast.Stmt, ...]) -> tuple[ast.Stmt, ...]:
    """A side of a condition and what comes after the condition, if the side does not end in `return`."""
    return body if body and _ends(body[-1]) else (*body, *tail)


def _ends(node: ast.Stmt) -> bool:
    if isinstance(node, ast.If):
        return all(side and _ends(side[-1]) for side in (node.then, node.otherwise))
    return isinstance(node, ast.Return)
