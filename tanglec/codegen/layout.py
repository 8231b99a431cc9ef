"""Breaks lines that are too long the way the field's formatters do."""

from __future__ import annotations

WIDTH = 110
INDENT = "    "


def wrapped(line: str) -> list[str]:
    """The line, or its outermost brackets opened: their content on one line if it fits, else one item a line."""
    if len(line) <= WIDTH or line.lstrip().startswith("#"):
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    if line.lstrip().startswith("if ") and line.endswith(":"):
        pieces = _split(line.strip()[3:-1])
        return [f"{indent}if (", *(f"{indent}{INDENT}{piece}" for piece in pieces), f"{indent}):"]
    terms = _terms(line)
    if len(terms) > 1:
        head, _, first = terms[0].partition("= ")
        pieces = [first, *terms[1:]]
        together = f"{indent}{INDENT}{' '.join(pieces)}"
        body = [together] if len(together) <= WIDTH else [f"{indent}{INDENT}{t}" for t in pieces]
        return [f"{head}= (", *body, f"{indent})"]
    opened = _opening(line)
    if opened is None:
        return [line]
    start, end = opened
    head, content, tail = line[: start + 1], line[start + 1 : end], line[end:]
    inner = indent + INDENT
    if len(inner + content) <= WIDTH and not content.endswith(","):
        return [head, inner + content, indent + tail]
    clauses = _clauses(content)
    if len(clauses) > 1:
        return [head, *(part for clause in clauses for part in wrapped(inner + clause)), indent + tail]
    items = _items(content)
    if (
        len(items) == 1 and not content.endswith(",") and _groups(line, start)
    ):  # a comma would make it a tuple
        return [head, *(part for piece in _split(content) for part in wrapped(inner + piece)), indent + tail]
    lines = [part for item in items for part in _item(inner + item)]
    return [head, *lines, indent + tail]


def _groups(line: str, start: int) -> bool:
    """Whether the bracket at a place only groups an expression: no call, no list."""
    before = line[:start].rstrip()
    return line[start] == "(" and not (before and (before[-1].isalnum() or before[-1] in "_)]\"'"))


# Operators that a long value is split before, those that bind least first.
_LEVELS = ((" or ",), (" and ",), (" == ", " <= ", " >= ", " < ", " > ", " != "), (" + ", " - "))


def _terms(line: str) -> list[str]:
    """An assigned value, split before its outermost operators; the first piece holds what it is assigned to."""
    name, assigned, value = line.partition("= ")
    if not assigned:
        return [line]
    first, *rest = _split(value)
    return [f"{name}= {first}", *rest]


def _split(value: str) -> list[str]:
    """An expression before its outermost operators."""
    for operators in _LEVELS:
        pieces: list[str] = []
        depth, start = 0, 0
        for i, c in enumerate(value):
            depth += (c in "([{") - (c in ")]}")
            if depth == 0 and value.startswith(operators, i):
                pieces.append(value[start:i])
                start = i + 1
        if pieces:
            return [*pieces, value[start:]]
    return [value]


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


def _clauses(content: str) -> list[str]:
    """A comprehension, split before `for` and `if`; anything else is one piece."""
    pieces: list[str] = []
    depth, start = 0, 0
    for i, c in enumerate(content):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and (content.startswith(" for ", i) or pieces and content.startswith(" if ", i)):
            pieces.append(content[start:i])
            start = i + 1
    return [*pieces, content[start:]]
