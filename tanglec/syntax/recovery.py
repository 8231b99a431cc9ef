"""Several syntax errors in one run: a file that does not parse is parsed again, declaration by declaration."""

from __future__ import annotations

import re

from tanglec.diagnostics import Label, Sink
from tanglec.source import Source, Span
from tanglec.syntax.habits import DECLARATIONS

TOKENS = re.compile(r"#[^\n]*|\"[^\"\n]*\"|[()\[\]]|\n(?=[^\s#])")
OPENS = re.compile(rf"\n(?:{'|'.join(DECLARATIONS)})\b")
PARTNER = {")": "(", "]": "["}


def pieces(text: str) -> list[tuple[int, int]]:
    """Where the declarations begin and end: at lines without indentation, unless a bracket is open.

    A line that begins like a declaration begins one even then: the bracket was forgotten. A line after a `:`
    belongs to what the `:` opens: its indentation was forgotten.
    """
    starts, depth = [0], 0
    for token in TOKENS.finditer(text):
        if token[0] in "([":
            depth += 1
        elif token[0] in ")]":
            depth = max(0, depth - 1)
        elif token[0] == "\n" and (_is_free(text, token.start(), depth) or OPENS.match(text, token.start())):
            starts.append(token.end())
            depth = 0
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _is_free(text: str, newline: int, depth: int) -> bool:
    return depth == 0 and text[newline - 1 : newline] != ":"


def report_brackets(source: Source, start: int, end: int, sink: Sink) -> bool:
    """Report the first bracket between `start` and `end` that has no partner, if there is one."""
    stack: list[Span] = []
    for token in TOKENS.finditer(source.text, start, end):
        span = Span(source, token.start(), token.end())
        if token[0] in "([":
            stack.append(span)
        elif token[0] in ")]":
            if not stack:
                sink.error("TSP0105", f"`{token[0]}` closes nothing", span, "no bracket is open here")
                return True
            opened = stack.pop()
            if opened.text != PARTNER[token[0]]:
                label = Label(opened, "opened here")
                sink.error("TSP0105", f"`{opened.text}` is closed by `{token[0]}`", span, labels=[label])
                return True
    if stack:
        sink.error("TSP0105", f"`{stack[-1].text}` is never closed", stack[-1], "opened here")
    return bool(stack)
