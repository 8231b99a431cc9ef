"""Latency tables as CSV: a header, then a row for what is measured.

    position,kernel,expand,latency
    0,3,4,1.25
    0,5,4,1.31

`latency` is in milliseconds. There is a column for every dimension; an empty cell says that the choice does
not matter to the row. For a dimension with a choice per layer (edge, …) `position` says which, from 0 in order of
execution, over all groups; without it a row holds at every position that it fits. `heads[2]` is a column of one
position, so that whole architectures fit into a row.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from tanglert.dim import Dim
from tanglert.extent import Position
from tanglert.search.latency import LatencyError, Place, Row, possible
from tanglert.space import Space


def rows(path: str | Path, space: Space) -> dict[Place, dict[tuple[int, ...], Row]]:
    """The rows of a file, by the positions they settle and the numbers of the choices there.

    Raises LatencyError on a column that is no dimension, a dimension without a column, a cell that is no choice, and
    rows that never match or say the same; OSError where there is no file.
    """
    reader = _Reader(str(path), space)
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, strict=True)
        try:
            reader.header(next(lines, []))
            for cells in lines:
                if any(cell.strip() for cell in cells):
                    reader.row(lines.line_num, cells)
        except (csv.Error, UnicodeDecodeError) as error:
            raise LatencyError(f"{path}:{lines.line_num + 1}: this is no CSV text ({error})") from None
    if not reader.rows:
        raise LatencyError(f"{path}: a table without any row")
    return reader.rows


class _Reader:
    """Collects rows, and knows where it is when one is wrong."""

    def __init__(self, path: str, space: Space) -> None:
        self.path, self.space = path, space
        self.line = 1
        self.rows: dict[Place, dict[tuple[int, ...], Row]] = {}

    def fail(self, message: str) -> NoReturn:
        raise LatencyError(f"{self.path}:{self.line}: {message}")

    def header(self, cells: Sequence[str]) -> None:
        """The columns' names: dimensions, `position`, `latency`."""
        self.columns = [cell.strip() for cell in cells]
        for name in self.columns:
            if self.columns.count(name) > 1:
                self.fail(f"two columns `{name}`")
            if name not in ("latency", "position"):
                self._column(name)
        if "latency" not in self.columns:
            self.fail("no column `latency`, in milliseconds")
        for dim in self.space.dims:
            if not any(self._column(name)[0] is dim for name in self._dimensions()):
                self.fail(
                    f"no column for dimension `{dim.name}`; where it does not matter, leave the cells of its column empty"
                )

    def _dimensions(self) -> list[str]:
        return [name for name in self.columns if name not in ("latency", "position")]

    def _column(self, name: str) -> tuple[Dim, int | None]:
        """The dimension of a column, and the position that it is for: `heads[2]`."""
        match = re.fullmatch(r"(.*)\[(\d+)\]", name)
        dims = {dim.name: dim for dim in self.space.dims}
        dim = dims.get(match[1] if match else name)
        if dim is None:
            self.fail(f"column `{name}` is no dimension of {self.space.name}; it has {', '.join(dims)}")
        if match and (dim.per is None or int(match[2]) >= len(dim.positions)):
            self.fail(f"column `{name}`: `{dim.name}` has {_positions(dim)}")
        return dim, int(match[2]) if match else None

    def row(self, line: int, cells: Sequence[str]) -> None:
        """One row, at every position where it holds."""
        self.line = line
        if len(cells) != len(self.columns):
            self.fail(f"{len(cells)} cells under {len(self.columns)} columns")
        texts = {name: cell.strip() for name, cell in zip(self.columns, cells)}
        row = Row(self._latency(texts.pop("latency")), line)
        position = texts.pop("position", "")
        given = {name: text for name, text in texts.items() if text}
        found = [choices for choices in self._matches(given, position) if possible(self.space, choices)]
        if not found:
            self.fail("no architecture ever takes these choices")
        for choices in found:
            self._add(choices, row)

    def _add(self, choices: dict[Position, int], row: Row) -> None:
        place = tuple(p for p in self.space.positions if p in choices)
        own, key = self.rows.setdefault(place, {}), tuple(choices[p] for p in place)
        if key in own:
            self.fail(f"the same choices as in line {own[key].line}")
        own[key] = row

    def _latency(self, text: str) -> float:
        try:
            latency = float(text)
        except ValueError:
            latency = math.nan
        if not 0 <= latency < math.inf:
            self.fail(f"latency {text!r} is no number of milliseconds")
        return latency

    def _matches(self, given: dict[str, str], position: str) -> Iterator[dict[Position, int]]:
        """The choices of a row, for every position that it is about."""
        fixed: dict[Position, int] = {}
        running: dict[Dim, str] = {}
        for name, text in given.items():
            dim, index = self._column(name)
            if dim.per is not None and index is None:
                running[dim] = text
            else:
                fixed |= self._choice(dim.positions[index or 0], text)
        for index in self._places(list(running), position):
            own = {dim.positions[index]: text for dim, text in running.items()}
            if position or not running or all(_number(p, text) is not None for p, text in own.items()):
                choices = dict(fixed)
                for p, text in own.items():
                    if p in choices:
                        self.fail(f"two cells for `{p.dim}` at position {p.index}")
                    choices |= self._choice(p, text)
                yield choices
        for dim, text in running.items():
            if all(_number(p, text) is None for p in dim.positions):
                self._choice(dim.positions[0], text)

    def _places(self, running: Sequence[Dim], position: str) -> Sequence[int]:
        """The positions that a row is about; of a row without choices per layer one, which does not matter."""
        if not running:
            if position:
                self.fail(f"position {position} of what? no dimension with several positions has a cell here")
            return [0]
        if not position:
            if len({len(dim.positions) for dim in running}) > 1:
                names = ", ".join(f"`{dim.name}` has {_positions(dim)}" for dim in running)
                self.fail(f"say which position: {names}")
            return range(len(running[0].positions))
        for dim in running:
            if not position.isdecimal() or int(position) >= len(dim.positions):
                self.fail(f"position {position!r}: `{dim.name}` has {_positions(dim)}")
        return [int(position)]

    def _choice(self, position: Position, text: str) -> dict[Position, int]:
        number = _number(position, text)
        if number is None:
            choices = ", ".join(map(_text, position.choices))
            self.fail(f"{text!r} is no choice of `{position.dim}` (choices: {choices})")
        return {position: number}


def _number(position: Position, text: str) -> int | None:
    """The number of the choice that is written so."""
    for number, choice in enumerate(position.choices):
        if _text(choice) == text or not isinstance(choice, bool | str) and _fraction(text) == choice:
            return number
    return None


def _text(choice: object) -> str:
    """A choice as spaces write it."""
    if isinstance(choice, bool):
        return str(choice).lower()
    return str(float(choice)) if isinstance(choice, Fraction) else str(choice)


def _fraction(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def _positions(dim: Dim) -> str:
    if dim.per is None:
        return "one choice for the whole network"
    return f"{len(dim.positions)} positions, from 0"
