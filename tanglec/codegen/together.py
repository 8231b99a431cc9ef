"""Which choices meet in one term of a cost: what the runtime needs to know to take an expectation of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from tanglec.codegen.expressions import position_text
from tanglec.codegen.naming import constant_name
from tanglec.codegen.polynomial import sums
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position
from tanglec.ir.nodes import Space, Term
from tanglec.record import record

MOST_CHOICES = 1_000  # joint ones of a condition that is looked at


def decorator(terms: Iterable[Term], largest: int, space: Space) -> str:
    """`@cost(SPACE, largest=481402, together=[(EMBED, HEADS), (EMBED, RATIO)])`."""
    groups = together(terms, space)
    said = f", together=[{', '.join(groups)}]" if groups else ""
    return f"@cost(SPACE, largest={largest}{said})"


def together(terms: Iterable[Term], space: Space) -> list[str]:
    """A tuple for each set of choices that meet, such as `(EMBED, HEADS)`: the same place of every scoped dimension.

    What only decides on the presence of another choice of the set is left out: the runtime knows it. Where choices
    meet at several places, all places of their dimensions are said to: that costs the runtime little time.
    """
    writer = _Writer(space)
    sets = list(dict.fromkeys(map(writer.unsaid, joint(terms))))
    largest = _largest({p: writer.closed(p) for p in sets})
    order = {p: n for n, p in enumerate(space.positions)}
    listed = [tuple(sorted(p, key=order.__getitem__)) for p in largest]
    patterns = {positions: writer.pattern(positions) for positions in listed}
    times = Counter(patterns.values())
    texts = [
        pattern if pattern is not None and times[pattern] > 1 else _tuple(map(position_text, positions))
        for positions, pattern in patterns.items()
    ]
    return list(dict.fromkeys(texts))


def _largest(closed: Mapping[frozenset[Position], frozenset[Position]]) -> list[frozenset[Position]]:
    """The sets of several choices that are part of no other, as the runtime knows it."""
    around: dict[Position, list[frozenset[Position]]] = {}
    for key, added in closed.items():
        for position in added:
            around.setdefault(position, []).append(key)

    def covered(key: frozenset[Position]) -> bool:
        rarest = min((around[p] for p in key), key=len)  # whatever covers it has this position too
        return any(key < closed[other] for other in rarest if other != key)

    return [key for key in closed if len(key) > 1 and not covered(key)]


def joint(terms: Iterable[Term]) -> Iterator[frozenset[Position]]:
    """The positions of every monomial, and those that decide whether it counts."""
    for present, total in sums(terms).items():
        deciding = {p for part in ex.conjuncts(present) for p in _essential(part, part.positions)}
        for monomial in total:
            yield frozenset(deciding.union(*(factor.positions for factor in monomial)))


@record(eq=False, frozen=False)
class _Writer:
    """Knows what decides on the presence of every position, and where the positions of a dimension are."""

    space: Space
    deciding: Mapping[Position, frozenset[Position]] = field(init=False)
    places: Mapping[str, tuple[tuple[str, int], ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.deciding = {p: frozenset(_essential(c, ())) for p, c in self.space.presence.items()}
        self.places = {d.name: tuple((p.group, p.index) for p in d.positions) for d in self.space.dimensions}

    def closed(self, positions: frozenset[Position]) -> frozenset[Position]:
        """With those that decide on the presence of others, as the runtime adds them."""
        added = positions.union(*(self.deciding[p] for p in positions))
        return positions if added == positions else self.closed(added)

    def unsaid(self, positions: frozenset[Position]) -> frozenset[Position]:
        """Without those that decide on the presence of others."""
        return positions.difference(*(self.deciding[p] for p in positions))

    def pattern(self, positions: tuple[Position, ...]) -> str | None:
        """The set with whole dimensions in the place of their positions; None where these are at several places."""
        scoped = [p for p in positions if p.scoped]
        at = {(p.group, p.index) for p in scoped}
        if len(at) != 1 or len({self.places[p.dim] for p in scoped}) != 1:
            return None
        return _tuple(constant_name(p.dim) for p in positions)


def _essential(condition: Extent, unknown: tuple[Position, ...]) -> tuple[Position, ...]:
    """The positions that make a difference to a condition; `unknown` where it is too large to be looked at."""
    if ex.domain_size(condition.positions) > MOST_CHOICES:
        return unknown
    try:
        values = [bool(value) for value in ex.table(condition)]
    except (ex.Undefined, ex.TooLarge):
        return unknown
    positions = condition.positions
    return tuple(p for k, p in enumerate(positions) if _matters(values, positions[k], positions[k + 1 :]))


def _matters(values: Sequence[bool], position: Position, behind: Sequence[Position]) -> bool:
    """Whether a table changes along a position, behind which there are others."""
    run = ex.domain_size(behind)
    rows = [values[start : start + run] for start in range(0, len(values), run)]
    return any(row != rows[i - i % len(position.choices)] for i, row in enumerate(rows))


def _tuple(texts: Iterable[str]) -> str:
    return f"({', '.join(texts)})"
