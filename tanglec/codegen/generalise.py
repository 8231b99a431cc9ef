"""One class for many instances: what differs between them becomes a parameter of the constructor.

Every instance of a class has the same slots with values of its own. Where the values agree they are printed; where they
differ, the least general expression that fits all of them is (anti-unification): `heads[0] * 64, heads[1] * 64, …` becomes
`heads * 64` with a parameter `heads`. The user's own parameters are preferred, so that `hidden` stays `hidden`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tanglec.codegen.expressions import (
    ATOM,
    Text,
    axis_text,
    combine,
    extent_text,
    functions_in,
    ordered_arguments,
)
from tanglec.codegen.naming import Namer, variable
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Slot
from tanglec.ir.types import Axis

Values = tuple[Slot, ...]


@dataclass(slots=True)
class Parameter:
    """A parameter of a generated class: its value in every instance."""

    name: str
    values: Values

    @property
    def annotation(self) -> str:
        kinds = {_annotation(v) for v in self.values}
        return " | ".join(sorted(kinds, key=lambda k: (k == "None", k)))


def _annotation(value: Slot) -> str:
    if isinstance(value, Axis):
        return "Axis" if len(value.segments) > 1 else _annotation(value.segments[0])
    if isinstance(value, Extent):
        return _annotation(value.constant) if value.is_constant else "Extent"  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return f"tuple[{', '.join('int' for _ in value)}]"
    return "None" if value is None else "float" if not isinstance(value, int | str) else type(value).__name__


@dataclass(slots=True)
class Generaliser:
    """Finds the text of each slot of a class, and the parameters that they need."""

    offered: Sequence[tuple[str, Values]]  # the user's parameters, preferred where they fit
    integers: bool = False  # widths are plain integers (a stand-alone module), not the runtime's extents
    parameters: list[Parameter] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    _namer: Namer = field(default_factory=lambda: Namer({"self", "at", "F", "nn", "torch"}))

    def __call__(self, values: Values, hint: str) -> str:
        return self._text(values, hint)[0]

    def _text(self, values: Values, hint: str) -> Text:
        first = values[0]
        if all(v == first and type(v) is type(first) for v in values):
            return self._literal(first)
        chosen = self._offered(values)
        if chosen is not None:
            return chosen, ATOM
        if all(isinstance(v, Axis) for v in values):
            return self._axes(values, hint)  # type: ignore[arg-type]
        if all(isinstance(v, Extent) for v in values) and self._alike(values):  # type: ignore[arg-type]
            extents = [ordered_arguments(v) for v in values]  # type: ignore[arg-type]
            self.functions |= functions_in(Extent(first.kind, ()))  # type: ignore[union-attr]
            return combine(first.kind, [self._text(args, hint) for args in zip(*extents, strict=True)])  # type: ignore[union-attr]
        return self._parameter(values, hint), ATOM

    def _literal(self, value: Slot) -> Text:
        if isinstance(value, Extent | Axis):
            for extent in value.segments if isinstance(value, Axis) else (value,):
                self.functions |= functions_in(extent)
            if isinstance(value, Axis) and len(value.segments) > 1:
                self.functions.add("Axis")
            return axis_text(value) if isinstance(value, Axis) else extent_text(value)
        return (f'"{value}"' if isinstance(value, str) else repr(value)), ATOM

    def _alike(self, values: Sequence[Extent]) -> bool:
        """Whether all are the same operation, on whole numbers where only those can be printed."""
        first = values[0]
        if not first.args or any(v.kind != first.kind or len(v.args) != len(first.args) for v in values):
            return False
        return not self.integers

    def _axes(self, values: Sequence[Axis], hint: str) -> Text:
        if len({len(v.segments) for v in values}) > 1:
            return self._parameter(tuple(values), hint), ATOM
        texts = [self._text(segments, hint) for segments in zip(*(v.segments for v in values), strict=True)]
        if len(texts) == 1:
            return texts[0]
        self.functions.add("Axis")
        return f"Axis({', '.join(t for t, _ in texts)})", ATOM

    def _offered(self, values: Values) -> str | None:
        for parameter in self.parameters:
            if _same(parameter.values, values):
                return parameter.name
        for name, theirs in self.offered:
            if _same(theirs, values):
                return self._parameter(values, name)
        return None

    def _parameter(self, values: Values, hint: str) -> str:
        dims = {v.positions[0].dim for v in values if isinstance(v, Extent) and v.kind == "choice"}
        if len(dims) == 1 and all(isinstance(v, Extent) and v.kind == "choice" for v in values):
            hint = dims.pop()
        parameter = Parameter(self._namer(variable(hint)), values)
        self.parameters.append(parameter)
        return parameter.name


def _same(a: Values, b: Values) -> bool:
    return all(_plain(x) == _plain(y) for x, y in zip(a, b, strict=True))


def _plain(value: Slot) -> Slot:
    """One form for what is one thing: an axis of one segment is its extent, a constant extent its value."""
    if isinstance(value, Axis) and len(value.segments) == 1:
        value = value.segments[0]
    if isinstance(value, Extent) and value.is_constant:
        return value.constant  # type: ignore[return-value]
    return value
