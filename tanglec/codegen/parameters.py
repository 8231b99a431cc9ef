"""Parameters of generated classes: their values in every instance, and when two sets of values are one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Function, Slot
from tanglec.ir.types import Axis
from tanglec.record import record

Values = tuple[Slot, ...]


@record(eq=False, frozen=False)
class Parameter:
    """A parameter of a generated class: its value in every instance."""

    name: str
    values: Values
    function: str = "Activation"  # the type of functions

    @property
    def annotation(self) -> str:
        kinds = {self.function if isinstance(v, Function) else _annotation(v) for v in self.values}
        if "float" in kinds:
            kinds.discard("int")
        return " | ".join(sorted(kinds, key=lambda k: (k == "None", k)))


def _annotation(value: Slot) -> str:
    if isinstance(value, Axis):
        return "Axis" if len(value.segments) > 1 else _annotation(value.segments[0])
    if isinstance(value, Extent):
        return _annotation(value.constant) if value.is_constant else "Extent"  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return f"tuple[{', '.join('int' for _ in value)}]"
    return "None" if value is None else "float" if not isinstance(value, int | str) else type(value).__name__


def ratio(numbers: Sequence[int], known: Sequence[int], hint: str) -> str | None:
    """The rule that makes each number of the known one, as a format string."""
    pairs = list(zip(numbers, known, strict=True))
    if hint == "padding":
        return "{} // 2" if all(n == k // 2 for n, k in pairs) else None
    ratios = {Fraction(n, k) for n, k in pairs}
    ratio = ratios.pop()
    if ratios or 1 not in (ratio.numerator, ratio.denominator):
        return None
    return f"{ratio.numerator} * {{}}" if ratio > 1 else f"{{}} // {ratio.denominator}"


def same(a: Values, b: Values) -> bool:
    return all(plain(x) == plain(y) for x, y in zip(a, b, strict=True))


def plain(value: Slot) -> Slot:
    """One form for what is one thing: an axis of one segment is its extent, a constant extent its value."""
    if isinstance(value, Axis) and len(value.segments) == 1:
        value = value.segments[0]
    if isinstance(value, Extent) and value.is_constant:
        return value.constant  # type: ignore[return-value]
    return value
