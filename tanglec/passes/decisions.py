"""What the conditions of a block came to: instances that decided alike can be one piece of code, whatever was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Decision
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.evaluate import Evaluator
    from tanglec.passes.frame import Frame

_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))


def note(node: ast.Expr, known: bool, condition: Extent, frame: Frame, evaluate: Evaluator) -> None:
    """Remember a condition that is a constant, with the operands that it compares; not one that came out both ways."""
    place = (node.span.source.path, node.span.start)
    decision = Decision(_operands(node, frame, evaluate), known) if condition.is_constant else None
    if frame.decisions.setdefault(place, decision) != decision:
        frame.decisions[place] = None


def _operands(node: ast.Expr, frame: Frame, evaluate: Evaluator) -> Extent:
    """The condition as it was written, not folded to what it comes to."""
    if isinstance(node, ast.Unary) and node.operator == "not":
        return Extent("not", (_operands(node.operand, frame, evaluate),))
    if isinstance(node, ast.Binary) and node.operator in ("and", "or"):
        return Extent(
            node.operator, (_operands(node.left, frame, evaluate), _operands(node.right, frame, evaluate))
        )
    if isinstance(node, ast.Binary) and node.operator in _COMPARISONS:
        sides = [evaluate(side, frame) for side in (node.left, node.right)]
        if all(isinstance(side, Extent) and side.is_constant for side in sides):
            return Extent(node.operator, tuple(sides))
    return evaluate.condition(node, frame)
