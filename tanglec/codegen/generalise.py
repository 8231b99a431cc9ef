"""One class for many instances: what differs between them becomes a parameter of the constructor.

Every instance of a class has the same slots with values of its own. Where the values agree they are printed; where they
differ, the least general expression that fits all of them is (anti-unification): `heads[0] * 64, heads[1] * 64, …` becomes
`heads * 64` with a parameter `heads`. The user's own parameters are preferred, so that `hidden` stays `hidden`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TypeVar

from tanglec.codegen.expressions import (
    ATOM,
    Text,
    as_table,
    axis_text,
    bracketed,
    combine,
    extent_text,
    functions_in,
    ordered_arguments,
    table_text,
)
from tanglec.codegen.naming import Namer, constant_name, variable
from tanglec.codegen.parameters import Parameter, Values, plain, ratio, same
from tanglec.codegen.runs import Run, Runs, offset
from tanglec.ir.extents import Extent, Position
from tanglec.ir.nodes import Decision, Function, Slot
from tanglec.ir.types import Axis
from tanglec.record import record

MULTIPLY = 6  # how strongly `*` and `//` bind

# How strongly the operators of conditions bind.
_LEVELS = {"or": 1, "and": 2, "not": 3, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4}
Item = TypeVar("Item")


class Unfit(Exception):
    """What only some instances have would need a parameter of its own, which the others could not give."""


@record(eq=False, frozen=False)
class Generaliser:
    """Finds the text of each slot of a class, and the parameters that they need.

    `some` are the instances that the values belong to, where not all have the slot.
    """

    offered: Sequence[tuple[str, Values]]  # the user's parameters, preferred where they fit
    runs: Runs = field(default_factory=dict)  # where the positions of every instance begin
    integers: bool = False  # widths are plain integers (a stand-alone module), not the runtime's extents
    parameters: list[Parameter] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    some: Sequence[int] | None = None
    strict: bool = False  # a new parameter does not fit
    _firsts: dict[tuple[int, ...], str] = field(default_factory=dict)
    _namer: Namer = field(default_factory=lambda: Namer({"self", "at", "F", "nn", "torch"}))

    def __call__(self, values: Values, hint: str) -> str:
        return self._text(values, hint)[0]

    @staticmethod
    def alike(values: Values) -> bool:
        """Whether all instances have one value, which is printed."""
        first = values[0]
        return all(v is first or v == first and type(v) is type(first) for v in values)

    def _text(self, values: Values, hint: str) -> Text:
        first = values[0]
        if self.alike(values):
            return self._literal(first)
        if all(isinstance(v, Decision) for v in values):
            return self._decided(values)  # type: ignore[arg-type]
        chosen = self._offered(values)
        if chosen is not None:
            return chosen, ATOM
        if all(isinstance(v, Axis) for v in values):
            return self._axes(values, hint)  # type: ignore[arg-type]
        if all(isinstance(v, Extent) and v.kind == "choice" for v in values):
            found = self.choice([v.positions[0] for v in values])  # type: ignore[union-attr]
            if found is not None:
                return found
        if isinstance(first, Extent) and first.kind == "where":
            looked_up = self._table(values, hint)
            if looked_up is not None:
                return looked_up
        if all(isinstance(v, Extent) for v in values) and self._one_operation(values):  # type: ignore[arg-type]
            extents = [ordered_arguments(v) for v in values]  # type: ignore[arg-type]
            self.functions |= functions_in(Extent(first.kind, ()))  # type: ignore[union-attr]
            return combine(first.kind, [self._text(args, hint) for args in zip(*extents, strict=True)])  # type: ignore[union-attr]
        return self._multiple(values, hint) or (self._parameter(values, hint), ATOM)

    def _table(self, values: Values, hint: str) -> Text | None:
        """The same table of constants, looked up at another position by every instance."""
        tables = [as_table(v) if isinstance(v, Extent) else None for v in values]
        known = [table for table in tables if table is not None]
        if len(known) < len(tables) or len({table for _, table in known}) > 1:
            return None
        self.functions.add("lookup")
        return table_text(self(tuple(on for on, _ in known), hint), known[0][1])

    def _multiple(self, values: Values, hint: str) -> Text | None:
        """`out // 2`, `4 * width`: a width that is a multiple or a part of a known one in all instances; "same" padding."""
        numbers = [plain(v) for v in values]
        sources = [(p.name, p.values) for p in self.parameters if hint == "padding" and p.name == "kernel"]
        if hint.startswith("width") or self.some is not None:
            sources = list(self.offered)
        for name, theirs in sources if all(type(n) is int for n in numbers) else ():
            known = [plain(v) for v in self._own(theirs)]
            if all(type(k) is int and k > 0 for k in known):
                text = ratio(numbers, known, hint)  # type: ignore[arg-type]
                if text is not None:
                    return text.format(self._offered(self._own(theirs)) or name), MULTIPLY
        return None

    def _decided(self, decisions: Sequence[Decision]) -> Text:
        """The user's condition on parameters that there are, `stride == 1 and width == out`; else one parameter for it."""
        known, self.strict = len(self.parameters), True
        try:
            return self._condition([d.condition for d in decisions])
        except Unfit:
            self.forget(known)
            return self._added(tuple(d.outcome for d in decisions), "condition"), ATOM
        finally:
            self.strict = False

    def _condition(self, conditions: Sequence[Extent]) -> Text:
        kind = conditions[0].kind
        level = _LEVELS.get(kind)
        if level is None or any(c.kind != kind for c in conditions):
            return self._text(tuple(conditions), "condition")
        sides = [self._condition(side) for side in zip(*(c.args for c in conditions), strict=True)]
        texts = [bracketed(side, level + 1) for side in sides]
        return f"{kind} {texts[0]}" if len(texts) == 1 else f"{texts[0]} {kind} {texts[1]}", level

    def _literal(self, value: Slot) -> Text:
        if isinstance(value, Extent | Axis):
            for extent in value.segments if isinstance(value, Axis) else (value,):
                self.functions |= functions_in(extent)
            if isinstance(value, Axis) and len(value.segments) > 1:
                self.functions.add("Axis")
            return axis_text(value) if isinstance(value, Axis) else extent_text(value)
        if isinstance(value, Function):
            return value.name, ATOM
        return (f'"{value}"' if isinstance(value, str) else repr(value)), ATOM

    def forget(self, known: int) -> None:
        """Take back all parameters but the first `known`: what was tried did not fit."""
        names = {parameter.name for parameter in self.parameters[known:]}
        self._firsts = {firsts: name for firsts, name in self._firsts.items() if name not in names}
        self._namer.taken -= names
        del self.parameters[known:]

    def choice(self, places: Sequence[Position], index: str = "", start: int = 0) -> Text | None:
        """`KERNEL[first + i]`, the choice at one place for each instance; None if no rule fits.

        `index` is what to count the places on by, from `start`.
        """
        place = places[0]
        if not place.scoped or any(p.dim != place.dim for p in places):
            return None
        terms, behind = [index] if index else [], place.index
        group = f'"{place.group}"' if place.group else ""
        if any(p != place for p in places):
            run = self.runs.get(place.dim)
            found = None if run is None else offset(Run(self._own(run.groups), self._own(run.firsts)), places)
            if run is None or found is None:
                return None
            behind = found
            if len(set(run.groups)) > 1:
                group = self(self._own(run.groups), "group")
            if len(set(run.firsts)) > 1:
                terms.insert(0, self._first(run.firsts))
            else:
                behind += run.firsts[0]
        behind -= start
        text = " + ".join(terms) or str(behind)
        if terms and behind:
            text += f" {'+' if behind > 0 else '-'} {abs(behind)}"
        return f"{constant_name(place.dim)}[{f'{group}, {text}' if group else text}]", ATOM

    def _first(self, firsts: tuple[int, ...]) -> str:
        """The parameter that says where an instance's positions begin: never one that is equal by chance."""
        if firsts not in self._firsts:
            dims = [dim for dim, run in self.runs.items() if run.firsts == firsts]
            several = len({run.firsts for run in self.runs.values()}) > 1
            self._firsts[firsts] = self._added(firsts, f"first_{dims[0]}" if several else "first")
        return self._firsts[firsts]

    def _one_operation(self, values: Sequence[Extent]) -> bool:
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
            if parameter.name not in self._firsts.values() and same(self._own(parameter.values), values):
                return parameter.name
        for name, theirs in self.offered:
            if same(self._own(theirs), values):
                return self._added(values if self.some is None else theirs, name)
        return None

    def _own(self, values: tuple[Item, ...]) -> tuple[Item, ...]:
        """Of the values in all instances those of `some`."""
        return values if self.some is None else tuple(values[i] for i in self.some)

    def _parameter(self, values: Values, hint: str) -> str:
        if self.strict or self.some is not None:
            raise Unfit
        dims = {v.positions[0].dim for v in values if isinstance(v, Extent) and v.kind == "choice"}
        if len(dims) == 1 and all(isinstance(v, Extent) and v.kind == "choice" for v in values):
            hint = dims.pop()
        return self._added(values, hint)

    def _added(self, values: Values, hint: str) -> str:
        function = "Callable[[Tensor], Tensor]" if self.integers else "Activation"
        parameter = Parameter(self._namer(variable(hint)), values, function)
        self.parameters.append(parameter)
        return parameter.name
