"""JSON in which every value knows where it was written, so that a message can point at it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction

from tanglec.ir.extents import Scalar
from tanglec.source import Source, Span


@dataclass(frozen=True, slots=True)
class Item:
    """One value. Numbers are exact: `3.5` is 7/2. `keys` are those of an object, repeated ones too."""

    value: Scalar | None | list[Item] | dict[str, Item]
    span: Span
    keys: tuple[tuple[str, Span], ...] = ()


class NotJSON(ValueError):
    """A text that is no JSON; `span` is where reading stopped."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


def read_json(source: Source) -> Item:
    """The value that a text holds. Raises `NotJSON`."""
    text = source.text
    try:
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        end = min(error.pos + 1, len(text))
        raise NotJSON(error.msg.lower(), Span(source, min(error.pos, max(end - 1, 0)), end)) from None
    except (
        ValueError,
        RecursionError,
    ) as error:  # a number of thousands of digits, NaN, brackets without end
        raise NotJSON(str(error), Span(source, 0, len(text))) from None
    try:
        return _Scanner(source).value(_SPACE.match(text).end())[0]  # type: ignore[union-attr]
    except RecursionError:
        raise NotJSON("nested too deeply", Span(source, 0, len(text))) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")


_SPACE = re.compile(r"[ \t\n\r]*")
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null')
_SIMPLE: dict[str, bool | None] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class _Scanner:
    """Reads a text that is known to be JSON. Each method gives what it read and the offset behind it."""

    source: Source

    def value(self, start: int) -> tuple[Item, int]:
        opening = self.source.text[start]
        if opening == "{":
            return self._object(start)
        if opening == "[":
            return self._list(start)
        match = _PIECE.match(self.source.text, start)
        assert match is not None
        return Item(_scalar(match[0]), self._span(start, match.end())), match.end()

    def _list(self, start: int) -> tuple[Item, int]:
        items = []
        at = self._after(start + 1)
        while self.source.text[at] != "]":
            item, at = self.value(at)
            items.append(item)
            at = self._after(at, ",")
        return Item(items, self._span(start, at + 1)), at + 1

    def _object(self, start: int) -> tuple[Item, int]:
        members: dict[str, Item] = {}
        keys = []
        at = self._after(start + 1)
        while self.source.text[at] != "}":
            key, at = self.value(at)
            assert isinstance(key.value, str)
            keys.append((key.value, key.span))
            members[key.value], at = self.value(self._after(at, ":"))
            at = self._after(at, ",")
        return Item(members, self._span(start, at + 1), tuple(keys)), at + 1

    def _after(self, start: int, sign: str = "") -> int:
        """The offset of what follows, blanks and at most one sign passed over."""
        at = _SPACE.match(self.source.text, start).end()  # type: ignore[union-attr]
        if sign and self.source.text[at] == sign:
            at = _SPACE.match(self.source.text, at + 1).end()  # type: ignore[union-attr]
        return at

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)


def _scalar(text: str) -> Scalar | None:
    if text in _SIMPLE:
        return _SIMPLE[text]
    parsed = json.loads(text)
    if isinstance(parsed, float):
        exact = Fraction(str(parsed)) if abs(parsed) < 1e300 else text
        return exact.numerator if isinstance(exact, Fraction) and exact.denominator == 1 else exact
    assert isinstance(parsed, int | str)
    return parsed
