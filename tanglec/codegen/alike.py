"""Parts of a cost at any place, and those that are alike except in their constants."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from tanglec.codegen.cases import Cases, Key, Labels
from tanglec.codegen.plain import anywhere, moved
from tanglec.codegen.polynomial import Monomial
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position
from tanglec.passes.intervals import Number
from tanglec.record import record

Terms = tuple[tuple[Monomial, Number], ...]
Column = tuple[Number, ...]  # of one row: a single constant, or one for each label


@record()
class Part:
    """A key with its cases. `complete`: every label has a case. No place: it stands alone, or in a loop."""

    labels: tuple[Position, ...]
    guards: tuple[Position, ...]
    condition: Extent
    cases: tuple[tuple[Labels, Terms], ...]
    complete: bool
    place: tuple[str, int] | None = None

    @classmethod
    def of(cls, key: Key, cases: Cases, place: tuple[str, int] | None) -> Part:
        settled = tuple((at, tuple(total.items())) for at, total in cases.items())
        complete = len(cases) == ex.domain_size(key.labels)
        return cls(key.labels, key.guards, key.condition, settled, complete, place)

    @property
    def uniform(self) -> bool:
        """Whether all labels that have a case have the same."""
        return len({frozenset(terms) for _, terms in self.cases}) == 1

    @property
    def dense(self) -> bool:
        """Whether its cases are best told apart by a table of coefficients: those of a monomial are rarely 0."""
        entries = [sum(m == other for _, terms in self.cases for other, _ in terms) for m in self.monomials]
        return len(entries) == 1 or min(entries) > 1

    def split(self) -> list[Part]:
        """A part for each polynomial, with the labels that have it."""
        cases: dict[frozenset[tuple[Monomial, Number]], list[tuple[Labels, Terms]]] = {}
        for case in self.cases:
            cases.setdefault(frozenset(case[1]), []).append(case)
        return [
            replace(self, cases=tuple(same), complete=self.complete and len(cases) == 1)
            for same in cases.values()
        ]

    @property
    def terms(self) -> Terms:
        """The polynomial of a uniform part."""
        return self.cases[0][1]

    @property
    def monomials(self) -> tuple[Monomial, ...]:
        """All that occur in some case, those of few factors first."""
        found = {m for _, terms in self.cases for m, _ in terms}
        return tuple(sorted(found, key=lambda m: (len(m), [ex.show(e) for e in m])))

    @property
    def positions(self) -> list[Position]:
        read = {p for m in self.monomials for e in m for p in e.positions}
        return sorted(read | {*self.labels, *self.guards, *self.condition.positions})

    def coefficient(self, labels: Labels, monomial: Monomial) -> Number:
        terms = next((t for at, t in self.cases if at == labels), ())
        return next((c for m, c in terms if m == monomial), 0)

    def moved(self) -> Part:
        """The part as the body of a loop over its place."""
        cases = tuple(
            (at, tuple((tuple(moved(e) for e in m), c) for m, c in terms)) for at, terms in self.cases
        )
        return Part(
            tuple(map(anywhere, self.labels)),
            tuple(map(anywhere, self.guards)),
            moved(self.condition),
            cases,
            self.complete,
        )


def shape(part: Part) -> Hashable:
    """The same for parts that differ in constants only (for a table: in its coefficients)."""
    if not part.uniform:
        return (part.labels, part.guards, part.condition, part.monomials) if part.dense else part
    labels = tuple(at for at, _ in part.cases)
    terms = tuple(tuple(_skeleton(e) for e in m) for m, _ in part.terms if m)
    return part.labels, part.guards, part.condition, labels, frozenset(terms)


def _skeleton(extent: Extent) -> Hashable:
    if extent.kind == "const":
        return "#"
    return extent if not extent.args else (extent.kind, *map(_skeleton, extent.args))


def constants(part: Part, labels: Sequence[Labels]) -> list[Column]:
    """The constants of a part in the order of its shape; of a table, a column for each monomial."""
    if not part.uniform:
        return [tuple(part.coefficient(at, m) for at in labels) for m in part.monomials]
    return [
        (c,) for m, coefficient in _ordered(part) for c in (coefficient, *(n for e in m for n in _numbers(e)))
    ]


def _ordered(part: Part) -> list[tuple[Monomial, Number]]:
    """The terms of a uniform part, the constant one first even if there is none; the others as the skeleton has them."""
    terms = [(m, c) for m, c in part.terms if m]
    constant = part.coefficient(part.cases[0][0], ())
    return [((), constant), *sorted(terms, key=lambda term: repr([_skeleton(e) for e in term[0]]))]


def _numbers(extent: Extent) -> Iterator[Number]:
    if extent.kind == "const":
        yield ex.number(extent.constant)
    for argument in extent.args:
        yield from _numbers(argument)


@record(eq=False, frozen=False)
class Filled:
    """A uniform part's terms with names in the place of constants, taken in the order of `constants`."""

    names: Iterator[Position | None]

    def terms(self, part: Part) -> list[tuple[Monomial, Number | Position]]:
        result: list[tuple[Monomial, Number | Position]] = []
        for monomial, coefficient in _ordered(part):
            name = next(self.names)
            named = tuple(map(self._extent, monomial))
            if coefficient or name is not None:
                result.append((named, coefficient if name is None else name))
        return result

    def _extent(self, extent: Extent) -> Extent:
        if extent.kind == "const":
            name = next(self.names)
            return extent if name is None else ex.choice(name)
        if not extent.args:
            return extent
        args = tuple(map(self._extent, extent.args))
        return replace(extent, args=args, positions=ex.union(*args))


def varying(rows: Sequence[Sequence[Column]]) -> Mapping[int, int]:
    """The columns in which rows differ, each with the number of the first that is equal to it."""
    columns = list(zip(*rows, strict=True))
    return {i: columns.index(c) for i, c in enumerate(columns) if len(set(c)) > 1}
