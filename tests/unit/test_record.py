"""Records are dataclasses, whose `__init__` is written once for all that have as many fields."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from tanglec.record import record, replace


def declared(make: Any) -> tuple[type, ...]:
    """The same classes, as records and as dataclasses."""

    @make
    class Base:
        span: int = field(compare=False, repr=False, kw_only=True)
        depth: int = field(default=7, kw_only=True)

    @make
    class Pair(Base):
        left: object
        right: object = "none"

    @make
    class Swapped(Base):
        right: object
        left: object = "none"

    @make
    class Lists:
        name: str
        found: list[int] = field(default_factory=list)
        seen: dict[str, int] = field(default_factory=dict)

    @make
    class Others:
        name: str
        seen: dict[str, int] = field(default_factory=lambda: {"a": 1})
        found: tuple[int, ...] = ()

    @make
    class Empty:
        pass

    @make
    class Computed:
        text: str
        length: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.text))

    return Base, Pair, Swapped, Lists, Others, Empty, Computed


RECORDS = declared(record())
PLAIN = declared(dataclass(frozen=True, slots=True))
CALLS: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((), {}), ((1,), {}), ((1, 2), {}), ((1, 2, 3), {}), ((1, 2, 3, 4), {}), ((), {"span": 1}), ((1,), {"span": 2}),
    ((1, 2), {"span": 3, "depth": 4}), ((), {"left": 1, "right": 2, "span": 3}), ((1,), {"right": 2, "span": 3}),
    ((), {"name": "x", "found": [3]}), (("x",), {"seen": {}}), (("x", []), {}), ((), {"other": 1}),
)  # fmt: skip


def content(made: object) -> dict[str, Any]:
    return {f.name: getattr(made, f.name) for f in fields(made)}  # type: ignore[arg-type]


@pytest.mark.parametrize("mine, plain", list(zip(RECORDS, PLAIN, strict=True)), ids=lambda c: c.__name__)
def test_they_are_made_as_dataclasses_are(mine: type, plain: type) -> None:
    for given, named in CALLS:
        try:
            expected = content(plain(*given, **named))
        except TypeError as error:
            with pytest.raises(TypeError) as raised:
                mine(*given, **named)
            assert str(raised.value).split("()")[-1] == str(error).split("()")[-1]
            continue
        made = mine(*given, **named)
        assert content(made) == expected
        assert made == mine(*given, **named)
        with pytest.raises(AttributeError):
            made.another = 1


def test_what_is_made_where_nothing_is_given_is_shared_by_no_two() -> None:
    lists = RECORDS[3]
    first, second = lists("x"), lists("x")
    assert first.found is not second.found and first.seen is not second.seen


def test_a_record_with_changes_shares_the_rest() -> None:
    lists = RECORDS[3]("x", [1])
    changed = replace(lists, name="y")
    assert (lists.name, changed.name) == ("x", "y") and changed.found is lists.found
    with pytest.raises(TypeError, match="no `other`"):
        replace(lists, other=1)
    with pytest.raises(TypeError, match="computes"):
        replace(RECORDS[6]("x"), text="y")
