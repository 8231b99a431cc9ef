"""The items of a module list as one expression in the number of the item."""

from __future__ import annotations

from collections.abc import Sequence

from tanglec.codegen.constructors import argument_name
from tanglec.codegen.expressions import ATOM, Text, combine, functions_in, ordered_arguments
from tanglec.codegen.generalise import Generaliser
from tanglec.codegen.parameters import Values
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Constructor
from tanglec.ir.types import Axis

_WORTH_A_CONDITION = 4  # shorter lists are written out


def among(places: Sequence[int]) -> str:
    """`(1, 2)`, `(1,)`."""
    return f"({', '.join(map(str, places))}{',' if len(places) == 1 else ''})"


def comprehension(
    items: Sequence[Sequence[Constructor]],
    places: Sequence[int],
    parameters: Sequence[str] | None,
    general: Generaliser,
) -> str | None:
    """`Layer(HEADS[i], RATIO[i])`, from what makes every item in every instance of a class; None if no rule fits.

    `places` are the numbers of the items in their list, `parameters` the names of the arguments, where the items are of a
    generated class.
    """
    first = items[0][0]
    known = len(general.parameters)
    rule = _Rule(places, general)
    texts = []
    for j in range(len(first.args)):
        hint = argument_name(first.name, j, parameters)
        texts.append(rule.text([tuple(m.args[j] for m in item) for item in items], hint))
    for j, (name, _) in enumerate(first.options):
        text = rule.text([tuple(m.options[j][1] for m in item) for item in items], name)
        texts.append(None if text is None else (f"{name}={text[0]}", ATOM))
    if any(text is None for text in texts):
        general.forget(known)
        return None
    return f"{first.name}({', '.join(text[0] for text in texts if text is not None)})"


class _Rule:
    """Finds the text of a slot at place `i`, from its values at every place and in every instance."""

    def __init__(self, places: Sequence[int], general: Generaliser) -> None:
        self.places, self.general = places, general
        self.conditional = False  # one slot may depend on the place by a condition, not more

    def text(self, values: Sequence[Values], hint: str) -> Text | None:
        known = len(self.general.parameters)
        found = self._single(values, hint)
        if found is None:
            self.general.forget(known)
        return found or self._either(values, hint)

    def _either(self, values: Sequence[Values], hint: str) -> Text | None:
        """`2 if i in (0, 1, 3) else 1`, where there are two values."""
        kinds: list[tuple[Values, list[int]]] = []
        for place, value in zip(self.places, values, strict=True):
            same = [places for known, places in kinds if known == value]
            if same:
                same[0].append(place)
            else:
                kinds.append((value, [place]))
        if len(kinds) != 2 or len(self.places) < _WORTH_A_CONDITION or self.conditional:
            return None
        self.conditional = True
        (one, places), (other, _) = kinds
        return f"{self.general(one, hint)} if i in {among(places)} else {self.general(other, hint)}", 0

    def _single(self, values: Sequence[Values], hint: str) -> Text | None:
        if all(v == values[0] for v in values):
            return self.general(values[0], hint), ATOM
        if all(isinstance(x, Axis) and len(x.segments) == 1 for v in values for x in v):
            return self.text([tuple(x.segments[0] for x in v) for v in values], hint)  # type: ignore[union-attr]
        if not all(isinstance(x, Extent) for v in values for x in v):
            return None
        extents: list[list[Extent]] = [list(v) for v in values]  # type: ignore[arg-type]
        first = extents[0][0]
        if all(x.kind == "choice" for row in extents for x in row):
            return self._indexed(extents)
        alike = all(x.kind == first.kind and len(x.args) == len(first.args) for row in extents for x in row)
        return self._combined(extents, hint) if alike and first.args else None

    def _combined(self, extents: list[list[Extent]], hint: str) -> Text | None:
        """One operation at every place: its operands by the same rules."""
        first = extents[0][0]
        parts = []
        for j in range(len(first.args)):
            part = self.text([tuple(ordered_arguments(x)[j] for x in row) for row in extents], hint)
            if part is None:
                return None
            parts.append(part)
        self.general.functions |= functions_in(Extent(first.kind))
        return combine(first.kind, parts)

    def _indexed(self, extents: Sequence[Sequence[Extent]]) -> Text | None:
        """`HEADS[i + 3]`, where the positions of a dimension follow one another in every instance."""
        positions = [[x.positions[0] for x in row] for row in extents]
        for i, row in zip(self.places, positions, strict=True):
            for here, first in zip(row, positions[0], strict=True):
                behind = here.index - first.index
                if (here.dim, here.group, behind) != (first.dim, first.group, i - self.places[0]):
                    return None
        return self.general.choice(positions[0], "i", self.places[0])
