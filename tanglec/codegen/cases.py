"""Costs told apart by case: sums of terms, each under a condition, as polynomials for every label that decides between them.

What an architecture lacks costs nothing, and its choice is None. So a condition that is just the presence of a choice
that the term reads need not be said, and one that depends on a few labels becomes a table: the polynomial of each label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import reduce

from tanglec.codegen.polynomial import Polynomial, accumulate, substituted, sums
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position, Scalar
from tanglec.ir.nodes import Space, Term
from tanglec.record import record

MOST_CASES = 64  # joint labels of a table

Labels = tuple[Scalar, ...]


@record()
class Key:
    """What the cases of a part have in common.

    `labels` are the positions that decide between the cases; `guards` those that must not be absent, `condition` what must
    hold besides. `place` is the group and index of the scoped positions in it, None where there are none or several.
    """

    labels: tuple[Position, ...]
    guards: tuple[Position, ...]
    condition: Extent
    place: tuple[str, int] | None


Cases = dict[Labels, Polynomial]


def parts(terms: Iterable[Term], space: Space) -> dict[Key, Cases]:
    """The terms by what decides on them, in order of appearance; a case that costs nothing is left out."""
    sorter = _Sorter(space.presence, optional_dimensions(space))
    for condition, total in sums(terms).items():
        sorter.sort(condition, total)
    found = {key: {at: total for at, total in cases.items() if total} for key, cases in sorter.found.items()}
    return {key: cases for key, cases in found.items() if cases}


def optional_dimensions(space: Space) -> frozenset[str]:
    """The dimensions that lack a choice somewhere in some architecture."""
    return frozenset(p.dim for p, present in space.presence.items() if present != TRUE)


@record(eq=False, frozen=False)
class _Sorter:
    presence: Mapping[Position, Extent]
    optional: frozenset[str]
    found: dict[Key, Cases] = field(default_factory=dict)

    def sort(self, condition: Extent, total: Polynomial) -> None:
        by_labels: dict[tuple[Position, ...], Polynomial] = {}
        for monomial, coefficient in total.items():
            labels = tuple(sorted({p for factor in monomial for p in deciding(factor)}))
            by_labels.setdefault(labels, {})[monomial] = coefficient
        for labels, group in by_labels.items():
            for layer in self._layers(condition, group):
                self._add(condition, labels, layer)

    def _layers(self, condition: Extent, total: Polynomial) -> Iterable[Polynomial]:
        """Monomials of one layer apart from the others, which join a layer that is there just when they count."""
        layers: dict[tuple[str, int] | None, Polynomial] = {}
        for monomial, coefficient in total.items():
            place = _place(p for factor in monomial for p in factor.positions)
            layers.setdefault(place, {})[monomial] = coefficient
        anywhere = layers.get(None)
        if anywhere is not None and condition != TRUE:
            for place, layer in layers.items():
                if place is not None and not self._left(condition, self._read(layer)):
                    layer |= layers.pop(None)
                    break
        return layers.values()

    def _add(self, condition: Extent, labels: tuple[Position, ...], total: Polynomial) -> None:
        """Sort in monomials that the same labels decide on."""
        guards = self._read(total)
        left = self._without_presence(self._left(condition, (*guards, *labels)), condition)
        labels = ex.union(*map(ex.choice, labels), *left)
        unsaid = [c for c in self._left(condition, labels) if c not in left]
        if not labels:
            self._sum(Key((), guards, TRUE, None), (), total)
        elif (cases := self._cases(labels, condition, left, total)) is not None:
            for at, case in cases:
                self._case(labels, guards if unsaid else (), at, case)
        else:
            spoken = reduce(_both, self._left(condition, guards), TRUE)
            self._sum(Key((), guards, spoken, None), (), total)

    def _cases(
        self, labels: Sequence[Position], condition: Extent, left: Sequence[Extent], total: Polynomial
    ) -> list[tuple[Labels, Polynomial]] | None:
        """The polynomial of each case; None where there are too many, or labels are missing in some."""
        if ex.domain_size(labels) > MOST_CASES:
            return None
        if not all(implies(condition, self.presence[p]) for p in labels):
            return None
        try:
            return [
                (tuple(at.values()), substituted(total, at))
                for at in ex.assignments(labels)
                if all(c.at(at) for c in left)
            ]
        except ex.Undefined:
            return None

    def _case(
        self, labels: tuple[Position, ...], guards: tuple[Position, ...], at: Labels, total: Polynomial
    ) -> None:
        for monomial, coefficient in total.items():
            one = {monomial: coefficient}
            needed = sorted({*guards, *self._read(one)} - set(labels))
            self._sum(Key(labels, tuple(needed), TRUE, None), at, one)

    def _sum(self, key: Key, labels: Labels, total: Polynomial) -> None:
        read = (p for monomial in total for factor in monomial for p in factor.positions)
        place = _place([*key.labels, *key.guards, *key.condition.positions, *read])
        cases = self.found.setdefault(Key(key.labels, key.guards, key.condition, place), {})
        accumulate(cases.setdefault(labels, {}), total)

    # --- presence ----------------------------------------------------------------------------------------------------

    def _read(self, total: Polynomial) -> tuple[Position, ...]:
        """The positions that may be None, and are read whatever the others are."""
        read = {p for monomial in total for factor in monomial for p in always_read(factor)}
        return tuple(sorted(p for p in read if p.dim in self.optional))

    def _left(self, condition: Extent, guards: Sequence[Position]) -> list[Extent]:
        """What of a condition does not follow from the presence of the guards."""
        return [c for c in ex.conjuncts(condition) if not self._follows(c, condition, guards)]

    def _without_presence(self, conjuncts: Sequence[Extent], condition: Extent) -> list[Extent]:
        """Without what only says that a choice is there which another conjunct looks at."""
        kept = list(conjuncts)
        for c in conjuncts:
            others = ex.union(*(d for d in kept if d is not c))
            if len(kept) > 1 and self._follows(c, condition, others):
                kept = [d for d in kept if d is not c]
        return kept

    def _follows(self, conjunct: Extent, condition: Extent, others: Sequence[Position]) -> bool:
        """Whether the condition has one of the positions, and that position's presence implies the conjunct."""
        return any(
            implies(self.presence[p], conjunct) and implies(condition, self.presence[p]) for p in others
        )


def _both(a: Extent, b: Extent) -> Extent:
    return ex.apply("and", a, b)


def _place(positions: Iterable[Position]) -> tuple[str, int] | None:
    places = {(p.group, p.index) for p in positions if p.scoped}
    return places.pop() if len(places) == 1 else None


def implies(condition: Extent, other: Extent) -> bool:
    """Whether the second holds wherever the first does; False where that cannot be decided."""
    if other == TRUE or condition == other:
        return True
    if set(ex.conjuncts(other)) <= set(ex.conjuncts(condition)):
        return True
    try:
        return ex.always(other, condition)
    except (ex.TooLarge, ex.Undefined):
        return False


def deciding(extent: Extent) -> Iterator[Position]:
    """The positions whose choices are labels in it: names, truth values, and what a condition looks at."""
    if extent.kind == "where":
        yield from extent.args[0].positions
        yield from deciding(extent.args[1])
        yield from deciding(extent.args[2])
    elif extent.kind in ("==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "keeps"):
        yield from extent.positions
    else:
        for argument in extent.args:
            yield from deciding(argument)


def always_read(extent: Extent) -> frozenset[Position]:
    """The positions that are looked at whatever the others are."""
    if extent.kind == "where":
        condition, then, otherwise = map(always_read, extent.args)
        return condition | (then & otherwise)
    if extent.kind in ("and", "or"):
        return always_read(extent.args[0])
    if extent.kind == "choice":
        return frozenset(extent.positions)
    return frozenset().union(*map(always_read, extent.args))
