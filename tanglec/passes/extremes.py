"""The smallest and the largest cost of any architecture, without enumerating them.

Every condition and every term of a cost is a table over the few positions that it depends on. Positions are eliminated one
after the other, those first that meet fewest others (bucket elimination: Dechter 1999): the tables in which a position
occurs become one table without it, of the least and the most that its choices can add. Memory is that of the largest table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position
from tanglec.ir.nodes import Space, Term
from tanglec.passes.intervals import Number, interval
from tanglec.record import record

MOST_ENTRIES = 1_000_000  # looked at while eliminating

Range = tuple[Number, Number] | None  # None: no architecture chooses so


class TooManyEntries(Exception):
    """Too many positions meet one another to be eliminated in reasonable time."""


@record()
class Table:
    """A range for every joint choice of its positions, the first position slowest."""

    positions: tuple[Position, ...]
    entries: Sequence[Range]

    def over(self, positions: Sequence[Position]) -> Sequence[Range]:
        """The entries for every joint choice of more positions."""
        return ex.spread(self.entries, self.positions, positions)


def cost_range(space: Space, terms: Sequence[Term]) -> tuple[int, int]:
    """The smallest and largest sum of terms over all architectures (conditions on aggregates left aside).

    Where the terms depend on too many choices together, bounds: what each term can be by itself.
    """
    conditions = [r.condition for r in space.requirements if not r.aggregates]
    try:
        tables = [*_conditions([*absence(space), *conditions]), *_costs(terms)]
        one = {p: p for p in space.positions}  # the same objects everywhere: comparing them is slow
        low, high = _eliminated([Table(tuple(one[p] for p in t.positions), t.entries) for t in tables])
    except (TooManyEntries, ex.DomainTooLarge):
        return _bounds(terms)
    return int(low), int(high)


def absence(space: Space) -> list[Extent]:
    """What is absent is not counted: an absent position has its first choice and no other."""
    return [
        ex.apply("or", present, ex.apply("==", ex.choice(p), ex.const(p.choices[0])))
        for p, present in space.presence.items()
    ]


# --- tables ----------------------------------------------------------------------------------------------------------


def _values(extent: Extent, positions: Sequence[Position]) -> Sequence[ex.Scalar | None]:
    """The value for every joint choice; None where it has none."""
    values: Sequence[ex.Scalar | None]
    try:
        values = ex.table(extent)
    except ex.Undefined:
        values = [_value(extent, a) for a in ex.assignments(extent.positions)]
    return ex.spread(values, extent.positions, positions)


def _value(extent: Extent, assignment: ex.Assignment) -> ex.Scalar | None:
    try:
        return extent.at(assignment)
    except ex.Undefined:
        return None


def _conditions(conditions: Iterable[Extent]) -> list[Table]:
    found = [c for c in conditions if c.positions and c != TRUE]
    return [Table(c.positions, [(0, 0) if v else None for v in _values(c, c.positions)]) for c in found]


def _costs(terms: Sequence[Term]) -> list[Table]:
    """One table for each set of positions, terms under one condition added up before."""
    sums: dict[Extent, dict[Extent, int]] = {}
    for term in terms:
        values = sums.setdefault(term.present, {})
        values[term.value] = values.get(term.value, 0) + 1
    added: dict[tuple[Position, ...], list[Range]] = {}
    for present, values in sums.items():
        holds: dict[tuple[Position, ...], list[bool]] = {}
        for value, times in values.items():
            positions = ex.union(present, value)
            _check(positions, 1)
            if positions not in holds:
                holds[positions] = _holds(present, positions)
            costs = _term(holds[positions], _values(value, positions), times)
            before = added.get(positions)
            added[positions] = costs if before is None else list(map(_sum, before, costs))
    return [Table(positions, entries) for positions, entries in added.items()]


def _holds(present: Extent, positions: Sequence[Position]) -> list[bool]:
    """A conjunction, each operand looked at over its own positions only."""
    columns = [_values(part, positions) for part in ex.conjuncts(present)]  # nothing of what always holds
    return [all(row) for row in zip(*columns, strict=True)] if columns else [True] * ex.domain_size(positions)


def _term(holds: Sequence[bool], values: Sequence[ex.Scalar | None], times: int) -> list[Range]:
    """A choice for which a cost has no value is one that a `require` excludes."""
    costs = (
        None if v is None else times * ex.number(v) if here else 0
        for here, v in zip(holds, values, strict=True)
    )
    return [None if c is None else (c, c) for c in costs]


def _sum(a: Range, b: Range) -> Range:
    return None if a is None or b is None else (a[0] + b[0], a[1] + b[1])


def _check(positions: Sequence[Position], tables: int) -> int:
    size = ex.domain_size(positions) * tables
    if size > MOST_ENTRIES:
        raise TooManyEntries
    return size


# --- elimination -----------------------------------------------------------------------------------------------------


def _eliminated(tables: Sequence[Table]) -> tuple[Number, Number]:
    """The least and the most that the tables add up to; (0, 0) where no choice is possible."""
    left = _Left(tables)
    done = [t for t in tables if not t.positions]
    work = 0
    while (position := left.next()) is not None:
        rest, found = left.take(position)
        work += _check([*rest, position], len(found))
        if work > MOST_ENTRIES:
            raise TooManyEntries
        table = _without(position, rest, found)
        left.put(table)
        done += [table] if not rest else []
    ranges = [t.entries[0] or (0, 0) for t in done]
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


class _Left:
    """The tables that are left, by position; a queue knows the position that meets the fewest joint choices.

    Each step takes as long as the position meets others: a depth that meets every layer is not gone through for each.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        positions = sorted({p for t in tables for p in t.positions})
        self.order = {p: n for n, p in enumerate(positions)}
        self.touching: dict[Position, dict[int, Table]] = {p: {} for p in positions}
        self.met: dict[Position, set[Position]] = {p: set() for p in positions}
        self.sizes = dict.fromkeys(positions, 1)  # joint choices of those that it meets
        for table in tables:
            self._connect(table)
        self.queue = [(self.sizes[p], n, p) for p, n in self.order.items()]
        heapify(self.queue)

    def next(self) -> Position | None:
        """The position to be eliminated; None at the end."""
        while self.queue:
            size, _, position = heappop(self.queue)
            if self.sizes.get(position) == size:  # else it is gone, or meets others by now
                return position
        return None

    def take(self, position: Position) -> tuple[tuple[Position, ...], list[Table]]:
        """A position with its tables taken out: the others that it meets, and the tables."""
        rest, tables = tuple(sorted(self.met.pop(position))), self.touching.pop(position)
        del self.sizes[position]
        for other in rest:
            self.met[other].remove(position)
            self.sizes[other] //= len(position.choices)
        for key, table in tables.items():
            for other in table.positions:
                if other is not position:
                    del self.touching[other][key]
        return rest, list(tables.values())

    def put(self, table: Table) -> None:
        """A table over positions that may have changed, all of which are queued again."""
        self._connect(table)
        for position in table.positions:
            heappush(self.queue, (self.sizes[position], self.order[position], position))

    def _connect(self, table: Table) -> None:
        for position in table.positions:
            self.touching[position][id(table)] = table
            for other in table.positions:
                if other is not position and other not in self.met[position]:
                    self.met[position].add(other)
                    self.sizes[position] *= len(other.choices)


def _without(position: Position, rest: tuple[Position, ...], tables: Sequence[Table]) -> Table:
    """The tables of a position as one, its choices made as well or as badly as can be."""
    joint = list(tables[0].over([*rest, position]))
    for table in tables[1:]:
        joint = list(map(_sum, joint, table.over([*rest, position])))
    n = len(position.choices)
    return Table(rest, [_hull(joint[i : i + n]) for i in range(0, len(joint), n)])


def _hull(ranges: Sequence[Range]) -> Range:
    found = [r for r in ranges if r is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def _bounds(terms: Sequence[Term]) -> tuple[int, int]:
    low: Number = 0
    high: Number = 0
    for term in terms:
        least, most = interval(term.value)
        absent, present = interval(term.present)
        low += least if absent else min(least, 0)
        high += most if present else 0
    return int(low), int(high)
