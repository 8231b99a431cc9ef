"""`--notation`: an architecture as the field writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tanglec.cli.messages import BadOption

if TYPE_CHECKING:
    from tanglec.ir.extents import Assignment
    from tanglec.ir.nodes import Space


class Shown(NamedTuple):
    """The name of a notation, and an architecture in it."""

    name: str
    text: str


def in_notation(space: Space, assignment: Assignment, name: str | None) -> Shown | None:
    """An architecture in the notation of a name, or in the first that the space has; None where it has none.

    Raises:
        CompileError: TSP0915, the space has no such notation.
    """
    from tanglec.notation import written

    texts = written(space, assignment)
    if name is None:
        return next((Shown(*item) for item in texts.items()), None)
    if name not in texts:
        help = f"it has: {', '.join(texts)}" if texts else "declare one: `notation paper: key=dimension, …`"
        raise BadOption(f"`{space.name}` has no notation `{name}`", help)
    return Shown(name, texts[name])
