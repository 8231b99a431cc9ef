"""Layout: the newlines of the text become line ends, indents and dedents. Needs lark, so only `tables` imports it."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token
from lark.lark import PostLex

from tanglec.syntax.habits import DECLARATIONS

OPENING = frozenset({"LPAR", "LSQB"})
CLOSING = frozenset({"RPAR", "RSQB"})
CONTINUING = frozenset({"VBAR", "COMMA"})
LISTING = frozenset({"DIM", "USE", "NOTATION"})  # their list may begin on the line below the `:`
DECLARING = frozenset(word.upper() for word in DECLARATIONS)


class Misaligned(Exception):
    """A line is indented like no line that it could belong to; `offset` is where its text begins."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__(offset)


class Layout(PostLex):
    """Keeps the newlines that mean something, and says where blocks begin and end.

    The words that open a declaration are names anywhere but at the left margin.
    """

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        levels = [0]
        brackets = 0
        first = last = ""
        for token in stream:
            if token.type == "_NL":
                indent = len(token) - token.rindex("\n") - 1
                goes_on = last in CONTINUING or (last == "COLON" and first in LISTING)
                if brackets or (goes_on and indent > levels[-1]):
                    continue
                yield token
                yield from _steps(token, indent, levels)
            else:
                brackets = max(0, brackets + (token.type in OPENING) - (token.type in CLOSING))
                is_name = token.type in DECLARING and (levels[-1] > 0 or last != "_NL")
                token = token.update(type="NAME") if is_name else token
                first = token.type if last == "_NL" else first
                yield token
            last = token.type


def _steps(newline: Token, indent: int, levels: list[int]) -> Iterator[Token]:
    """The indent or the dedents between the line that `newline` ends and the next."""
    if indent > levels[-1]:
        levels.append(indent)
        yield Token("_INDENT", "", newline.end_pos, newline.end_line, newline.end_column)
    while indent < levels[-1]:
        levels.pop()
        yield Token("_DEDENT", "", newline.end_pos, newline.end_line, newline.end_column)
    if indent != levels[-1]:
        raise Misaligned(newline.end_pos or 0)
