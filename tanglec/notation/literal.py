"""Values as people paste them, each of which knows where it was written, so that a message can point at it.

JSON, and what the field prints besides: Python's literals (single quotes, `True`, `None`, tuples, commas at the end), also
`range(2, 6)` and `Genotype(normal=[…])`, the quotes of typesetters, and `key: value` or `key = value` without braces.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction

from tanglec.ir.extents import Scalar
from tanglec.record import record
from tanglec.source import Source, Span

DEEPEST = 20
LONGEST_NUMBER = 40
LONGEST_RANGE = 1_000


@record()
class Item:
    """One value. Numbers are exact: `3.5` is 7/2. `keys` are those of an object, repeated ones too.

    `call` is the name before the parentheses of an object such as `Genotype(normal=[…])`.
    """

    value: Scalar | None | list[Item] | dict[str, Item]
    span: Span
    keys: tuple[tuple[str, Span], ...] = ()
    call: str = ""


class Unreadable(ValueError):
    """A text that is no such value; `span` is where reading stopped."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


def read_literal(source: Source) -> Item:
    """The value that a text holds. Raises `Unreadable`."""
    return _Scanner(source).whole()


_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\\\n]*'|[‘’][^‘’\n]*’|[“”][^“”\n]*”")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?(?![\w.])", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_KEY = re.compile(rf"(?:{_STRING.pattern}|[A-Za-z_]\w*(?:[ \t]+[A-Za-z_]\w*)*)(?=\s*[:=])", re.ASCII)
_PIECE = re.compile(r"[^\s,:=()\[\]{}]+|.", re.DOTALL)
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_CLOSING = {"{": "}", "[": "]", "(": ")"}


class _Scanner:
    """Reads a text from its beginning; `at` is how far it came."""

    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self.at = self.depth = 0

    def whole(self) -> Item:
        self._skip()
        if self.at == len(self.text):
            raise self._error("there is nothing")
        item = self._members("", "") if _KEY.match(self.text, self.at) else self._value()
        self._skip()
        if self.at < len(self.text):
            raise self._error("nothing may follow here")
        [only] = item.value.values() if isinstance(item.value, dict) and len(item.value) == 1 else [item]
        return only if only.call and not item.call else item  # `DARTS = Genotype(…)`

    def _value(self) -> Item:
        self._skip()
        start, opening = self.at, self.text[self.at : self.at + 1]
        if opening and opening in _CLOSING:
            return self._members("}", "") if opening == "{" else self._list(_CLOSING[opening])
        if match := self._take(_STRING):
            return Item(self._string(match), self._span(start))
        if match := self._take(_NUMBER):
            return Item(self._number(match), self._span(start))
        if match := self._take(_WORD):
            return self._word(match, start)
        raise self._error("a value is missing")

    def _word(self, match: re.Match[str], start: int) -> Item:
        if match[0] in _WORDS:
            return Item(_WORDS[match[0]], self._span(start))
        self._skip()
        if self.text[self.at : self.at + 1] != "(":
            self.at = start
            raise self._error("a name stands in quotes")
        return self._range(start) if match[0] == "range" else self._members(")", match[0], start)

    def _range(self, start: int) -> Item:
        numbers = self._list(")").value
        bounds = [n.value for n in numbers if type(n.value) is int] if isinstance(numbers, list) else []
        span = self._span(start)
        if not isinstance(numbers, list) or len(bounds) != len(numbers) or not 0 < len(bounds) < 4:
            raise Unreadable("a range has one to three whole numbers", span)
        if len(bounds) == 3 and bounds[2] == 0 or len(range(*bounds)) > LONGEST_RANGE:
            raise Unreadable("a range without end", span)
        return Item([Item(n, span) for n in range(*bounds)], span)

    def _list(self, closing: str) -> Item:
        """A list or tuple; `(3)` is a list too."""
        start, items = self.at, []
        self._enter(1)
        while not self._closes(closing):
            if _KEY.match(self.text, self.at):
                raise self._error(f"`{closing}` is missing before this")
            items.append(self._value())
            self._separate(closing)
        self.at += 1
        self.depth -= 1
        return Item(items, self._span(start))

    def _members(self, closing: str, call: str, begin: int | None = None) -> Item:
        """The keys and values of an object up to `closing`, or to the end of the text."""
        start, members, keys = self.at if begin is None else begin, {}, []
        self._enter(1 if closing else 0)
        while not self._closes(closing):
            place = self.at
            key = self._take(_KEY)
            if key is None:
                raise self._error("a name and its choice are missing, such as `depth: 3`")
            name = self._string(key) if key[0][0] in "\"'‘’“”" else key[0]
            keys.append((name, self._span(place)))
            self._skip()
            self.at += 1
            members[name] = self._value()
            self._separate(closing)
        self.at += len(closing)
        self.depth -= 1
        return Item(members, self._span(start), tuple(keys), call)

    # --- signs -------------------------------------------------------------------------------------------------------

    def _enter(self, length: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error("nested too deeply")
        self.at += length

    def _closes(self, closing: str) -> bool:
        self._skip()
        if self.at == len(self.text) and closing:
            raise self._error(f"`{closing}` is missing")
        return self.text[self.at : self.at + 1] == closing

    def _separate(self, closing: str) -> None:
        """Pass over a comma; without brackets a blank will do."""
        self._skip()
        if self.text[self.at : self.at + 1] == ",":
            self.at += 1
        elif closing and not self.text.startswith(closing, self.at):
            raise self._error(f"`,` or `{closing}` is missing")

    def _skip(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match

    # --- scalars -----------------------------------------------------------------------------------------------------

    def _string(self, match: re.Match[str]) -> str:
        if "\\" not in match[0]:
            return match[0][1:-1]
        try:
            return str(json.loads(match[0])).encode(errors="replace").decode()
        except ValueError:
            raise Unreadable("an escape that JSON does not have", self._span(match.start())) from None

    def _number(self, match: re.Match[str]) -> Scalar:
        if len(match[0]) > LONGEST_NUMBER:
            raise Unreadable("a number that no space needs", self._span(match.start()))
        exact = Fraction(match[0])
        return exact.numerator if exact.denominator == 1 else exact

    def _span(self, start: int) -> Span:
        return Span(self.source, start, self.at)

    def _error(self, message: str) -> Unreadable:
        """Points at what stands here; at the end of the text, at the last sign."""
        match = _PIECE.match(self.text, self.at)
        start, end = match.span() if match else (max(0, len(self.text.rstrip()) - 1), len(self.text.rstrip()))
        return Unreadable(message, Span(self.source, start, end))
