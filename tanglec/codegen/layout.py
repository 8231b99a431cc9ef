"""Breaks lines that are too long the way the field's formatters do."""

from __future__ import annotations

WIDTH = 110
INDENT = "    "


def wrapped(line: str) -> list[str]:
    """The line, or its outermost brackets opened: their content on one line if it fits, else one item a line."""
    if len(line) <= WIDTH or line.lstrip().startswith("#"):
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    terms = _terms(line)
    if len(terms) > 1:
        head, _, first = terms[0].partition("= ")
        return [f"{head}= (", *(f"{indent}{INDENT}{t}" for t in (first, *terms[1:])), f"{indent})"]
    opened = _opening(line)
    if opened is None:
        return [line]
    start, end = opened
    head, content, tail = line[: start + 1], line[start + 1 : end], line[end:]
    inner = indent + INDENT
    items = _items(content)
    if len(inner + content) <= WIDTH and not content.endswith(","):
        return [head, inner + content, indent + tail]
    if " for " in content and len(items) == 1:
        call, loop = _comprehension(content)
        return [head, *wrapped(inner + call), inner + loop, indent + tail]
    lines = [part for item in items for part in _item(inner + item)]
    return [head, *lines, indent + tail]


def _terms(line: str) -> list[str]:
    """An assigned sum, split before its outermost operators; the first piece holds what it is assigned to."""
    _, assigned, value = line.partition("= ")
    if not assigned:
        return [line]
    pieces, depth, start = [], 0, 0
    for i, c in enumerate(line):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and i > len(line) - len(value) and line[i : i + 3] in (" + ", " - "):
            pieces.append(line[start:i])
            start = i + 1
    return [*pieces, line[start:]]


def _item(line: str) -> list[str]:
    lines = wrapped(line)
    lines[-1] += ","
    return lines


def _opening(line: str) -> tuple[int, int] | None:
    """The last top-level bracket pair of the line."""
    depth, start, found, quote = 0, 0, None, ""
    for i, c in enumerate(line):
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in "([{":
            if depth == 0:
                start = i
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0 and i > start + 1:
                found = (start, i)
    return found


def _items(content: str) -> list[str]:
    items, depth, start, quote = [], 0, 0, ""
    for i, c in enumerate(content):
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            items.append(content[start:i].strip())
            start = i + 1
    return [*items, *filter(None, [content[start:].strip()])]


def _comprehension(content: str) -> tuple[str, str]:
    at = content.rindex(" for ")
    return content[:at], content[at + 1 :]
