"""Measured latencies: a table whose rows add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Self, TypeAlias

from tanglert.arch import ArchBase
from tanglert.extent import Position
from tanglert.space import Space

Place: TypeAlias = tuple[Position, ...]
"""Positions that rows settle together: the kernel and the width of one layer, or all there are."""


class LatencyError(ValueError):
    """A table that does not fit the space; the message names the file, and the line where there is one."""


@dataclass(frozen=True)
class Row:
    """The latency in milliseconds that is added at some choices, and the line that says so."""

    latency: float
    line: int


class LatencyTable:
    """The latency of an architecture, in milliseconds: the sum of the rows that match it.

    A row matches where all its choices are taken, at positions that are present. So one format holds a
    table of whole architectures and one of layers (Cai et al. 2020), and what is common to all: a row
    without any choice. Nothing is left unaccounted for: every choice of an architecture is in a row that
    matches, unless no row at all mentions its dimension.

    rows: by the positions that they settle, by the numbers of the choices there.

    Raises LatencyError where joint choices have no row, neither at their place nor in a larger one.
    """

    def __init__(self, name: str, space: Space, rows: Mapping[Place, Mapping[tuple[int, ...], Row]]) -> None:
        self.name, self.space = name, space
        self.rows = {place: dict(own) for place, own in rows.items()}
        dims = {position.dim for place in self.rows for position in place}
        self._mentioned = [position for position in space.positions if position.dim in dims]
        self._check_positions()
        for place in self.rows:
            self._check_choices(place)

    @classmethod
    def read(cls, path: str | Path, space: Space) -> Self:
        """The table in a CSV file (`tanglert.search.latency_csv` says how it is written).

        Raises LatencyError on a table that does not fit the space, OSError where there is none.
        """
        from tanglert.search.latency_csv import rows  # which itself needs this module

        return cls(str(path), space, rows(path, space))

    def __call__(self, arch: ArchBase) -> float:
        """Milliseconds. LatencyError where a choice of the architecture is in no row that matches."""
        indices, total = arch.indices(), 0.0
        unaccounted = {p for p in self._mentioned if self.space.present(p).at(indices)}
        matching = [
            (place, own[key])
            for place, own in self.rows.items()
            if (key := tuple(indices[p] for p in place)) in own and self._present(place, indices)
        ]
        for place, row in matching:
            total += row.latency
            unaccounted.difference_update(place)
        if unaccounted:
            missing = {p: indices[p] for p in self._mentioned if p in unaccounted}
            raise LatencyError(f"{self.name}: no row for {said(missing)}, of the architecture {arch}")
        return total

    def _present(self, place: Place, indices: Mapping[Position, int]) -> bool:
        return all(self.space.present(p).at(indices) for p in place)

    def _check_positions(self) -> None:
        """Every position of a dimension that rows mention is in a row."""
        settled = {position for place in self.rows for position in place}
        for position in self._mentioned:
            if position not in settled and any(
                possible(self.space, {position: number}) for number in range(len(position.choices))
            ):
                raise LatencyError(f"{self.name}: no row for `{position.dim}` at position {position.index}")

    def _check_choices(self, place: Place) -> None:
        """Every joint choice that an architecture can take has a row, here or in a larger place."""
        covered = set(self.rows[place])
        for larger, own in self.rows.items():
            if set(larger) > set(place):
                where = [larger.index(position) for position in place]
                covered |= {tuple(key[i] for i in where) for key in own}
        for joint in product(*(range(len(position.choices)) for position in place)):
            choices = dict(zip(place, joint, strict=True))
            if joint not in covered and possible(self.space, choices):
                raise LatencyError(
                    f"{self.name}: no row for {said(choices)}; a table has one for all that an architecture can take"
                )


def possible(space: Space, choices: Mapping[Position, int]) -> bool:
    """Whether architectures can take these choices, as far as forbidden choices and presence tell."""
    for position, number in choices.items():
        if number not in space.dim(position.dim).allowed(position):
            return False
        present = space.present(position)
        ways = [[choices[p]] if p in choices else range(len(p.choices)) for p in present.positions]
        if not any(present.at(dict(zip(present.positions, way))) for way in product(*ways)):
            return False
    return True


def said(choices: Mapping[Position, int]) -> str:
    """Choices as people read them: `kernel=5 at position 3`."""
    return ", ".join(f"{p.dim}={p.choices[number]} at position {p.index}" for p, number in choices.items())
