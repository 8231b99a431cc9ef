"""What a sum computes more than once, to be given a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tanglec.codegen.polynomial import Monomial, divisor
from tanglec.ir.extents import Extent


def repeated(monomials: Iterable[Monomial]) -> list[Extent]:
    """What is no choice and is computed more than once, parts of others first; not what only a branch computes."""
    left = [factor for monomial in monomials for factor in monomial]
    found: list[Extent] = []
    while True:
        counted = Counter(e for factor in left for e in _computed(factor, found))
        several = [e for e, n in counted.items() if n > 1]
        if not several:
            return found[::-1]
        largest = max(several, key=lambda e: e.parts)
        found.append(largest)
        left += largest.args


def _computed(extent: Extent, known: Sequence[Extent]) -> Iterator[Extent]:
    if extent in known:
        return
    if extent.args and divisor(extent) is None:
        yield extent
    for argument in () if extent.kind in ("where", "and", "or") else extent.args:
        yield from _computed(argument, known)


def replaced(extent: Extent, names: Mapping[Extent, Extent]) -> Extent:
    if extent in names:
        return names[extent]
    args = tuple(replaced(a, names) for a in extent.args)
    return extent if args == extent.args else replace(extent, args=args)
