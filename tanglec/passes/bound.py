"""Which names statements bind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tanglec.syntax import ast


def bound_names(node: object) -> list[str]:
    """The names that a statement (or several) binds."""
    names: list[str] = []
    for n in statements(node if isinstance(node, tuple) else (node,)):
        if isinstance(n, ast.Assign):
            names.extend(t.id for t in n.targets)
        elif isinstance(n, ast.AugAssign):
            names.append(n.target.id)
    return names


def statements(body: Sequence[Any]) -> Iterator[Any]:
    """Statements, and those inside them."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from statements((*node.then, *node.otherwise))
        elif isinstance(node, ast.Repeat):
            yield from statements(node.body)
