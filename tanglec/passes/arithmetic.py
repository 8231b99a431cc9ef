"""Operators and functions of numbers, truth values and names: what they take is checked before they are applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tanglec.diagnostics import Abort
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.source import Span

# Functions of numbers, with the fewest and the most arguments that they take.
ARITY = {"min": (1, 99), "max": (1, 99), "ceil": (1, 1), "floor": (1, 1), "round_to": (2, 2)}

_TRUTHS = ("==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "keeps")
_OVER = ("/", "//", "%")

# Reports (code, title, span, text) and returns what is to be raised.
Report = Callable[[str, str, Span, str], Abort]


def sort_of(extent: Extent) -> str:
    """Whether an extent is a "number", a "truth" value or a "name"."""
    if extent.kind in _TRUTHS:
        return "truth"
    if extent.kind == "where":
        return sort_of(extent.args[1])
    if extent.kind in ("const", "choice"):
        value = extent.constant if extent.kind == "const" else extent.positions[0].choices[0]
        return "truth" if isinstance(value, bool) else "name" if isinstance(value, str) else "number"
    return "number"


def described(extent: Extent) -> str:
    """An extent in words, for messages."""
    words = {"number": "the number", "truth": "the truth value", "name": "the name"}
    return f"{words[sort_of(extent)]} `{ex.show(extent)}`"


def combine(
    kind: str, operands: Sequence[Extent], spans: Sequence[Span], span: Span, report: Report
) -> Extent:
    """An operator or function applied to extents. `spans` are those of the operands, `span` that of the whole.

    Raises:
        Abort: an operand is of the wrong sort, the result has no value, or the expression is too large; after
            the error was reported.
    """
    _check_sorts(kind, operands, spans, span, report)
    try:
        if kind in _OVER and not operands[1].is_constant and 0 in ex.table(operands[1]):
            raise ex.Undefined(f"`{ex.show(operands[1])}` can be 0")
        return ex.apply(kind, *operands)
    except ex.Undefined as error:
        raise report("TSP0311", f"this has no value: {error}", span, "") from None
    except ex.TooLarge as error:
        raise report("TSP0402", f"this expression is too large: {error}", span, "") from None


def _check_sorts(
    kind: str, operands: Sequence[Extent], spans: Sequence[Span], span: Span, report: Report
) -> None:
    if kind in ("==", "!=", "where"):
        if kind == "where":
            _must_be("truth", "a condition is true or false", operands[:1], spans, report)
        first, second = operands[-2:]
        if sort_of(first) != sort_of(second):
            message = f"{described(first)} and {described(second)} cannot be compared"
            if kind == "where":
                message = f"{described(first)} or {described(second)}: both must be of one sort"
            raise report("TSP0311", message, span, "")
    elif kind in ("and", "or", "not", "keeps"):
        _must_be("truth", f"`{kind}` needs conditions", operands, spans, report)
    else:
        _must_be("number", f"`{kind}` needs numbers", operands, spans, report)


def _must_be(
    sort: str, title: str, operands: Sequence[Extent], spans: Sequence[Span], report: Report
) -> None:
    for operand, place in zip(operands, spans, strict=False):
        if sort_of(operand) != sort:
            raise report("TSP0311", title, place, f"this is {described(operand)}")


def check_arity(name: str, given: int, span: Span, report: Report) -> None:
    """A function of numbers must be given as many as it takes."""
    least, most = ARITY[name]
    if not least <= given <= most:
        wanted = f"{least} number{'s' * (least > 1)}" if least == most else f"{least} number or more"
        raise report(
            "TSP0212", f"`{name}` takes {wanted}", span, f"here {'is' if given == 1 else 'are'} {given}"
        )
