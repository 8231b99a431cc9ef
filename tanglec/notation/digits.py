"""NAS-Bench-Macro: `01200211`, the number of the choice at every position.

Su et al.: Prioritized Architecture Sampling with Monto-Carlo Tree Search. CVPR 2021. For spaces with a single dimension that
is chosen at several positions; choices are numbered in the order of their declaration.
"""

from __future__ import annotations

from tanglec.diagnostics import Sink
from tanglec.ir.extents import TRUE, Assignment, Position
from tanglec.ir.nodes import Dimension, Space
from tanglec.notation.cells import canonical
from tanglec.notation.literal import Item
from tanglec.source import Source, Span


def dimension_of_digits(space: Space) -> Dimension | None:
    """The dimension that digits are about; None where a digit would not say all."""
    if len(space.dimensions) != 1:
        return None
    [dimension] = space.dimensions
    small = all(len(p.choices) <= 10 for p in dimension.positions)
    always = all(present == TRUE for present in dimension.present)
    return dimension if dimension.per and not dimension.grouped and small and always else None


def read_digits(source: Source, space: Space, dimension: Dimension, sink: Sink) -> Item | None:
    """The canonical object of a text of digits; None where there are errors (TSP0903, TSP0905)."""
    start = len(source.text) - len(source.text.lstrip())
    span = Span(source, start, len(source.text.rstrip()))
    positions = dimension.positions
    if len(span.text) != len(positions):
        code = "TSP0903" if len(span.text) < len(positions) else "TSP0905"
        title = f"`{dimension.name}` has {len(positions)} positions, not {len(span.text)}"
        sink.error(code, title, span)
        return None
    chosen: dict[Position, Item] = {}
    for number, (position, digit) in enumerate(zip(positions, span.text, strict=True)):
        place = Span(source, start + number, start + number + 1)
        if int(digit) < len(position.choices):
            chosen[position] = Item(position.choices[int(digit)], place)
        else:
            title = f"`{dimension.name}`, position {number}, has no choice number {digit}"
            sink.error("TSP0905", title, place, f"wanted is 0 to {len(position.choices) - 1}")
    return None if sink.failed else canonical(space, chosen, span)


def write_digits(space: Space, assignment: Assignment) -> str | None:
    """The digits of an architecture; None where the space has none."""
    dimension = dimension_of_digits(space)
    if dimension is None:
        return None
    return "".join(str(p.choices.index(assignment[p])) for p in dimension.positions)
