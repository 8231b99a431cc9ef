"""The lines of source that a diagnostic is about, with its labels under them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from unicodedata import category, combining, east_asian_width

from tanglec.diagnostics import Diagnostic, Label
from tanglec.record import record
from tanglec.source import Source, Span
from tanglec.style import Paint, Style

TAB = 4


@record()
class Mark:
    """Marks under columns `start` to `end` of one line as shown; `^` for the place itself, `-` for a further label."""

    line: int
    start: int
    end: int
    sign: str
    text: str
    paint: Paint


def excerpt(diagnostic: Diagnostic, style: Style) -> list[str]:
    """An arrow with path, line and column, then every marked line once; `…` where lines are left out."""
    if diagnostic.span is None:
        return []
    main = Label(diagnostic.span, diagnostic.text)
    groups = _by_source([main, *diagnostic.labels])
    width = max(len(str(label.span.line)) for labels in groups for label in labels)
    lines = []
    for labels in groups:
        source = labels[0].span.source
        marks = [
            _mark(label, style.tone(diagnostic.severity) if label is main else style.label, label is main)
            for label in labels
        ]
        line, column = source.position(labels[0].span.start)
        arrow = "-->" if source is diagnostic.span.source else ":::"
        lines.append(f"{' ' * (width - 1)}{style.frame(arrow)} {source.path}:{line}:{column}")
        lines += _body(source, marks, width, style)
    return lines


def _by_source(labels: Sequence[Label]) -> list[list[Label]]:
    """The labels of each file, the diagnostic's own first."""
    groups: list[list[Label]] = []
    for label in labels:
        for group in groups:
            if group[0].span.source is label.span.source:
                group.append(label)
                break
        else:
            groups.append([label])
    return groups


def _body(source: Source, marks: Sequence[Mark], width: int, style: Style) -> list[str]:
    bar = style.frame("|")
    empty = f"{' ' * width} {bar}"
    lines = [empty]
    before = 0
    for number, group in groupby(
        sorted(marks, key=lambda mark: (mark.line, mark.start)), key=lambda mark: mark.line
    ):
        if before and number == before + 2:
            lines.append(_numbered(source, number - 1, width, style))
        elif before and number > before + 1:
            lines.append(f"{' ' * width} {style.frame('…')}")
        lines.append(_numbered(source, number, width, style))
        lines += [f"{empty} {row}" for row in _rows(list(group))]
        before = number
    return lines


def _numbered(source: Source, number: int, width: int, style: Style) -> str:
    text = "".join(_shown(source.line(number)))
    return f"{style.frame(f'{number:>{width}} |')} {text}".rstrip()


def _rows(marks: Sequence[Mark]) -> list[str]:
    """One row where a line has one mark; else the rightmost text stands beside the marks, the others under theirs."""
    rows = [_row([(mark.start, mark.sign * (mark.end - mark.start), mark.paint) for mark in marks])]
    last = max(marks, key=lambda mark: mark.end)
    if last.text:
        rows[0] += " " + last.paint(last.text)
    for mark in reversed([mark for mark in marks if mark is not last and mark.text]):
        rows.append(_row([(mark.start, mark.text, mark.paint)]))
    return rows


def _row(pieces: Sequence[tuple[int, str, Paint]]) -> str:
    """Texts at their columns; what would overlap an earlier one is cut on its left."""
    row, column = "", 0
    for start, text, paint in pieces:
        visible = text[max(0, column - start) :]
        row += " " * (start - column) + paint(visible)
        column = max(column, start) + len(visible)
    return row


def _mark(label: Label, paint: Paint, main: bool) -> Mark:
    """A span over several lines is marked to the end of its first."""
    source = label.span.source
    line, column = source.position(label.span.start)
    shown = _shown(source.line(line))
    start = sum(map(_width, shown[: column - 1]))
    end = sum(map(_width, shown[: _end_column(label.span, line, len(shown)) - 1]))
    return Mark(line, start, max(end, start + 1), "^" if main else "-", label.text, paint)


def _end_column(span: Span, line: int, length: int) -> int:
    end_line, end_column = span.source.position(span.end)
    return end_column if end_line == line else length + 1


def _shown(text: str) -> list[str]:
    """One piece of text for each character: tabs as spaces up to the next stop, control characters as `?`."""
    pieces: list[str] = []
    column = 0
    for character in text:
        piece = (
            " " * (TAB - column % TAB)
            if character == "\t"
            else "?"
            if category(character) == "Cc"
            else character
        )
        pieces.append(piece)
        column += _width(piece)
    return pieces


def _width(text: str) -> int:
    """Columns of a terminal: wide characters take two, combining and invisible ones none."""
    return sum(
        0 if combining(c) or category(c) in ("Cf", "Me") else 1 + (east_asian_width(c) in "WF") for c in text
    )
