"""Columns of text and numbers for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows with their columns aligned, two blanks apart."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in cells
    ]


def decimal(number: int) -> str:
    """Such as 999, 12.3 k, 5.72 M, 1.3 G: three digits."""
    value = float(number)
    for unit in ("", " k", " M", " G", " T"):
        if value < 999.5 or unit == " T":
            break
        value /= 1000
    return f"{number}" if not unit else f"{value:.3g}{unit}"


def memory(bytes: int) -> str:
    """Such as 820 B, 0.8 MiB, 2.4 GiB."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if bytes >= size:
            tenths = (20 * bytes + size) // (2 * size)  # in whole numbers: a float ends at 1e308
            return f"{tenths // 10}.{tenths % 10} {unit}"
    return f"{bytes} B"
