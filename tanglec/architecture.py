"""Architectures as users write them: a choice for every position of every dimension, in JSON or a notation of the field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from tanglec.diagnostics import Label, Sink
from tanglec.ir.extents import (
    Assignment,
    Extent,
    Position,
    Scalar,
    assignments,
    plain_scalar,
    show_assignment,
    show_scalar,
    substitute,
)
from tanglec.ir.nodes import Dimension, Requirement, Space
from tanglec.notation import read_notation
from tanglec.notation.literal import Item
from tanglec.passes.count import aggregate_value, meets
from tanglec.record import record
from tanglec.source import Source, Span
from tanglec.spelling import closest


def read_architecture(
    given: str | Source | Mapping[str, Any] | tuple[Any, ...], space: Space, sink: Sink
) -> dict[Position, Scalar] | None:
    """A choice for every position of the space, an absent one taking its first; None where there are errors.

    Lists may end where the rest is absent, and may hold values at absent positions, which are ignored; a dimension of the
    whole network may be a list of equal values. Numbers are compared exactly; `4.0` is 4.

    Args:
        given: text in JSON or any notation of the space (a `Source` gives it a name in messages), what `json.loads` would make
            of one, or a named tuple such as `Genotype`.
        sink: takes the errors, each pointing into the text: TSP0903 to TSP0907.
    """
    source = _source(given, sink)
    root = None if source is None else read_notation(source, space, sink)
    if root is None:
        return None
    reading = _Reading(space, sink)
    reading.read(root)
    if sink.failed:
        return None
    assignment = {p: reading.chosen.get(p, p.choices[0]) for p in space.positions}
    for position in reading.absent:
        assignment[position] = position.choices[0]
    _check_requirements(space, assignment, root.span, sink)
    return None if sink.failed else assignment


def show_architecture(space: Space, assignment: Assignment) -> dict[str, Any]:
    """The canonical JSON object: keys in order of declaration, `None` where a position is absent."""
    return {d.name: _shown(d, assignment) for d in space.dimensions}


def _shown(dimension: Dimension, assignment: Assignment) -> Any:
    values = {
        p: plain_scalar(assignment[p]) if present.at(assignment) else None
        for p, present in zip(dimension.positions, dimension.present, strict=True)
    }
    if not dimension.per:
        return values[dimension.positions[0]]
    lists = {g: [v for p, v in values.items() if p.group == g] for g in dimension.groups}
    return lists if dimension.grouped else list(values.values())


def _source(given: str | Source | Mapping[str, Any] | tuple[Any, ...], sink: Sink) -> Source | None:
    if isinstance(given, Source):
        return given
    if isinstance(given, str):
        return Source("architecture", given)
    if hasattr(given, "_asdict"):  # a named tuple
        return Source("architecture", repr(given))
    try:
        return Source("architecture", json.dumps(given, default=_plain, ensure_ascii=False))
    except (TypeError, ValueError) as error:
        sink.error("TSP0906", f"the architecture cannot be written as JSON: {error}")
        return None


def _plain(value: Any) -> list[int] | float:
    return list(value) if isinstance(value, range) else float(value)


@record(eq=False, frozen=False)
class _Reading:
    """What the text says of every position: a choice, something that is none, or nothing."""

    space: Space
    sink: Sink
    chosen: dict[Position, Scalar] = field(default_factory=dict)
    illegal: dict[Position, Item] = field(default_factory=dict)
    silent: dict[Position, Span] = field(default_factory=dict)  # where a choice would have stood
    absent: list[Position] = field(default_factory=list)

    def read(self, root: Item) -> None:
        assert isinstance(root.value, dict)
        for dimension in self.space.dimensions:
            item = root.value.get(dimension.name)
            if item is None:
                wanted = f"wanted is {_form(dimension)}"
                self.sink.error("TSP0903", f"no choice for `{dimension.name}`", root.span, wanted)
                continue
            for positions, entries, place in self._lists(dimension, item):
                self._read_list(dimension, positions, entries, place)
        self._judge()

    def _lists(
        self, dimension: Dimension, item: Item
    ) -> Iterator[tuple[Sequence[Position], Sequence[Item], Span]]:
        """The positions of a dimension with their entries, a pair for each group; errors about the shape."""
        value, name = item.value, dimension.name
        if not dimension.per and isinstance(value, list) and _all_equal(value):
            yield dimension.positions, value[:1], item.span
        elif not dimension.per and not isinstance(value, list | dict):
            yield dimension.positions, [item], item.span
        elif dimension.grouped and isinstance(value, dict):
            for group in dimension.groups:
                inner = value.get(group)
                if inner is None or not isinstance(inner.value, list):
                    wanted = f"wanted is {_form(dimension)}"
                    title = f"`{name}` needs a list for `{group}`"
                    self.sink.error("TSP0906", title, (inner or item).span, wanted)
                else:
                    yield [p for p in dimension.positions if p.group == group], inner.value, inner.span
            for key, span in item.keys:
                if key not in dimension.groups:
                    title = f"`{name}` has no group `{key}`"
                    self.sink.error("TSP0904", title, span, ", ".join(dimension.groups))
        elif dimension.per and not dimension.grouped and isinstance(value, list):
            yield dimension.positions, value, item.span
        else:
            scope = dimension.per or "for the whole network"
            title = f"`{name}` has one choice {scope}"
            self.sink.error("TSP0906", title, item.span, f"wanted is {_form(dimension)}")

    def _read_list(
        self, dimension: Dimension, positions: Sequence[Position], entries: Sequence[Item], place: Span
    ) -> None:
        if len(entries) > len(positions):
            title = f"`{dimension.name}` has {len(positions)} positions, and {len(entries)} choices are given"
            self.sink.error("TSP0905", title, entries[len(positions)].span, "one too many")
        for position, entry in zip(positions, entries, strict=False):
            if entry.value is None:
                self.silent[position] = entry.span
            elif _is_choice(entry.value, position.choices):
                self.chosen[position] = entry.value  # type: ignore[assignment]
            else:
                self.illegal[position] = entry
        for position in positions[len(entries) :]:
            self.silent[position] = place

    def _judge(self) -> None:
        """Find out what is absent; what is present needs a choice."""
        for position, condition in self.space.presence.items():
            present = self._outcomes(condition)
            if present == {False}:
                self.absent.append(position)
            elif position in self.illegal:
                self._report_illegal(position, self.illegal[position])
            elif position in self.silent and present == {True}:
                title = f"no choice for `{position.dim}`{_place(position)}"
                wanted = f"wanted is {_choices(position.choices)}"
                self.sink.error("TSP0903", title, self.silent[position], wanted)

    def _outcomes(self, condition: Extent) -> set[bool]:
        """The values that a condition can have, whatever stands where no choice could be read."""
        left = substitute(condition, self.chosen)  # most often that settles it
        return {bool(left.at(rest)) for rest in assignments(left.positions)}

    def _report_illegal(self, position: Position, entry: Item) -> None:
        value = entry.value
        title = f"`{position.dim}`{_place(position)} has no choice {_quoted(entry)}"
        names = [c for c in position.choices if isinstance(c, str)]
        near = closest(value, names) if isinstance(value, str) else None
        help = [f"did you mean `{near}`?"] if near else []
        self.sink.error("TSP0905", title, entry.span, f"wanted is {_choices(position.choices)}", help=help)


def _is_choice(value: Any, choices: Sequence[Scalar]) -> bool:
    """Whether it is one of them; `true` is not 1, and a list is nothing."""
    if isinstance(value, list | dict):
        return False
    return any(value == c and isinstance(value, bool) == isinstance(c, bool) for c in choices)


def _all_equal(items: Sequence[Item]) -> bool:
    """Whether a list says one thing, if often: AutoFormer repeats its width for every layer."""
    return bool(items) and all(
        i.value == items[0].value and type(i.value) is type(items[0].value) for i in items
    )


def _quoted(entry: Item) -> str:
    return "like this" if isinstance(entry.value, list | dict) else f"`{entry.span.text}`"


def _place(position: Position) -> str:
    group = f" of `{position.group}`" if position.group else ""
    return f", position {position.index}{group}," if position.scoped else ""


def _choices(choices: Sequence[Scalar]) -> str:
    return f"one of {', '.join(map(show_scalar, choices))}"


def _form(dimension: Dimension) -> str:
    """How the value of a dimension is written."""
    if not dimension.per:
        return _choices(dimension.positions[0].choices)
    if not dimension.grouped:
        return f"a list with a choice for each of {len(dimension.positions)} positions"
    return f"an object with a list for each of {', '.join(dimension.groups)}"


def _check_requirements(space: Space, assignment: Assignment, span: Span, sink: Sink) -> None:
    """One error for each `require` in the text, whose positions it is broken at."""
    broken: dict[Span, list[Requirement]] = {}
    for requirement in space.requirements:
        if not meets(requirement, assignment):
            broken.setdefault(requirement.span, []).append(requirement)
    for place, requirements in broken.items():
        notes = [_why(r, assignment) for r in requirements[:3]]
        if len(requirements) > 3:
            notes.append(f"and at {len(requirements) - 3} more positions")
        sink.error(
            "TSP0907",
            f"the architecture violates `require {requirements[0].text}`",
            span,
            labels=[Label(place, "required here")],
            notes=notes,
        )


def _why(requirement: Requirement, assignment: Assignment) -> str:
    choices = {p: assignment[p] for p in requirement.condition.positions if p not in requirement.aggregates}
    sums = [f"{a.text} = {aggregate_value(a, assignment):,}" for a in requirement.aggregates.values()]
    return ", ".join([*([show_assignment(choices)] if choices else []), *sums])
