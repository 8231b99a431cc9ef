"""Arguments of a call: matched to parameters, then checked for their kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tanglec.diagnostics import Abort, Label
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Scalar
from tanglec.ir.nodes import Layer, Value
from tanglec.ir.types import KINDS, Axis, axis
from tanglec.ops.registry import Op, Parameter, fixed
from tanglec.passes.arithmetic import described, sort_of
from tanglec.passes.checks import Checker
from tanglec.passes.names import BlockDef
from tanglec.record import record
from tanglec.source import Span
from tanglec.spelling import closest
from tanglec.syntax import ast


@record(eq=False, frozen=False)
class NamedLayer:
    """An operation that was given everything but its tensor: applied later, perhaps several times, on one set of weights."""

    op: Op
    arguments: tuple[tuple[str | None, Any, Span], ...]
    span: Span
    name: str = ""
    layer: Layer | None = None


@record()
class Several:
    """A list of tensors."""

    items: tuple[Any, ...]


def describe(value: Any) -> str:
    """What a value is, for messages."""
    if isinstance(value, Value):
        return f"a tensor, {value.type}"
    if isinstance(value, Axis):
        return f"the width {value}"
    if isinstance(value, Extent):
        return described(value)
    if isinstance(value, Op):
        return f"the operation `{value.name}`"
    if isinstance(value, BlockDef):
        return f"the block `{value.name}`"
    if isinstance(value, NamedLayer):
        return f"a layer (`{value.op.name}`)"
    return "a list" if isinstance(value, Several) else "none"


def match(
    callee: str,
    parameters: Sequence[tuple[str, bool]],
    arguments: Sequence[tuple[ast.Name | None, Any, Span]],
    span: Span,
    check: Checker,
) -> dict[str, tuple[Any, Span]]:
    """Arguments by parameter name. `parameters` are (name, required) in order.

    Raises:
        Abort: after an error about a missing, extra, doubled or unknown argument was recorded.
    """
    names = [name for name, _ in parameters]
    bound: dict[str, tuple[Any, Span]] = {}
    for place, (name, value, at) in enumerate(arguments):
        if name is None and place >= len(names):
            count = f"{len(names) or 'no'} argument{'' if len(names) == 1 else 's'}"
            notes = [f"it takes {', '.join(names)}"] if names else []
            raise check.error("TSP0212", f"`{callee}` takes {count}", at, "one too many", notes=notes)
        target = names[place] if name is None else name.id
        if target not in names:
            near = closest(target, names)
            help = [f"did you mean `{near}`?"] if near else [f"it takes {', '.join(names)}"]
            raise check.error(
                "TSP0212", f"`{callee}` has no argument `{target}`", name.span if name else at, help=help
            )
        if target in bound:
            labels = [Label(bound[target][1], "first here")]
            raise check.error("TSP0212", f"`{callee}` is given `{target}` twice", at, labels=labels)
        bound[target] = (value, at)
    missing = [name for name, required in parameters if required and name not in bound]
    if missing:
        raise check.error(
            "TSP0212", f"`{callee}` needs `{missing[0]}`", span, notes=[f"it takes {', '.join(names)}"]
        )
    return bound


def check_callable(block: BlockDef, tensors: int, code: str, title: str, span: Span, check: Checker) -> None:
    """A block that the language itself calls: with so many arguments by position, and no others.

    Raises:
        Abort: after an error with this code and title was recorded.
    """
    parameters = block.node.parameters
    more = [p.name.id for p in parameters[tensors:] if p.default is None]
    if not more and len(parameters) >= tensors:
        return
    text = f"this is `{block.name}({', '.join(p.name.id for p in parameters)})`"
    help = [f"give `{more[0]}` a default, or leave it out"] if more else []
    labels = [Label(block.node.name.span, "this block")]
    raise check.error(code, title, span, text, labels=labels, help=help)


def coerce(op: Op, parameter: Parameter, value: Any, span: Span, check: Checker) -> Any:
    """The value in the form that the parameter's kind asks for; see `tanglec.ops.registry`."""
    if value is None:
        if parameter.optional:
            return None
        raise _wrong(op, parameter, value, span, check)
    if parameter.is_tensor:
        return _tensor(op, parameter, value, span, check)
    if parameter.kind == "layer":
        if isinstance(value, NamedLayer):
            return value
        raise _wrong(op, parameter, value, span, check)
    if parameter.kind == "size":
        return _size(op, parameter, value, span, check)
    extent = value.width if isinstance(value, Axis) else value
    wanted = "name" if parameter.names else "truth" if parameter.kind == "flag" else "number"
    if not isinstance(extent, Extent) or sort_of(extent) != wanted:
        raise _wrong(op, parameter, value, span, check)
    return extent if parameter.kind == "extent" else _constant(op, parameter, extent, span, check)


def _tensor(op: Op, parameter: Parameter, value: Any, span: Span, check: Checker) -> Value:
    if not isinstance(value, Value):
        raise _wrong(op, parameter, value, span, check)
    kinds = [k for k in KINDS if k != "ids"] if parameter.kind == "tensor" else parameter.kind.split("|")
    if value.type.kind not in kinds:
        message = f"`{op.title}` takes {' or '.join(kinds)} for `{parameter.name}`, not {value.type.kind}"
        help = _conversion(value.type.kind, kinds)
        raise check.error("TSP0302", message, span, f"this is {value.type}", help=help)
    return value


# What turns a kind of tensor into another.
_CONVERSIONS = {
    ("pixels", "tokens"): "`to_tokens(x)` makes every pixel a token",
    ("pixels", "vector"): "`mean(x)` averages over space",
    ("tokens", "vector"): "`mean(x)` averages over the tokens",
    ("tokens", "pixels"): "`to_pixels(x)` puts the tokens of a grid back",
}


def _conversion(kind: str, wanted: Sequence[str]) -> list[str]:
    if kind == "ids" and "ids" not in wanted:
        return ["embed them first: `embedding(ids, vocab, width)`"]
    found = [_CONVERSIONS[kind, w] for w in wanted if (kind, w) in _CONVERSIONS]
    return [", ".join(found)] if found else []


def _size(op: Op, parameter: Parameter, value: Any, span: Span, check: Checker) -> Axis:
    if isinstance(value, Axis):
        return value
    if not isinstance(value, Extent) or sort_of(value) != "number":
        raise _wrong(op, parameter, value, span, check)
    check.whole(value, span, f"`{parameter.name}`")
    return axis(fixed(value))


def _constant(op: Op, parameter: Parameter, extent: Extent, span: Span, check: Checker) -> Scalar | float:
    if len(set(ex.table(extent))) != 1:
        raise check.error(
            "TSP0309",
            f"`{parameter.name}` of `{op.title}` must be a constant",
            span,
            f"this is {ex.show(extent)}, which varies",
        )
    value = ex.table(extent)[0]
    if parameter.kind == "whole" and not ex.is_whole(value):
        raise check.error(
            "TSP0303", f"`{parameter.name}` of `{op.title}` must be a whole number", span, ex.show(extent)
        )
    if parameter.names and value not in parameter.names:
        raise _wrong(op, parameter, extent, span, check)
    return float(ex.number(value)) if parameter.kind == "number" else value


_WANTED = {
    "size": "a width",
    "extent": "a number",
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "layer": "a layer",
}


def _wrong(op: Op, parameter: Parameter, value: Any, span: Span, check: Checker) -> Abort:
    if parameter.names:
        wanted = f"one of {', '.join(parameter.names)}"
    else:
        wanted = "a tensor" if parameter.is_tensor else _WANTED[parameter.kind]
    return check.error(
        "TSP0213", f"`{parameter.name}` of `{op.title}` must be {wanted}", span, f"this is {describe(value)}"
    )


@lru_cache(maxsize=1_000)
def default(parameter: Parameter) -> Extent | None:
    """The default as the signature has it."""
    text = parameter.default or "none"
    if text == "none":
        return None
    if parameter.names:
        return ex.const(text)
    return (
        ex.const(text == "true")
        if text in ("true", "false")
        else ex.const(float(text) if not text.isdigit() else int(text))
    )


@lru_cache(maxsize=1_000)
def signature(op: Op | BlockDef) -> tuple[tuple[str, bool], ...]:
    """The parameters in order, each with whether it must be given."""
    if isinstance(op, Op):
        return tuple((p.name, p.default is None) for p in op.parameters)
    return tuple((p.name.id, p.default is None) for p in op.node.parameters)


def as_mapping(
    op: Op, bound: Mapping[str, tuple[Any, Span]], check: Checker, span: Span
) -> tuple[dict[str, Any], dict[str, Span]]:
    """Every parameter with its coerced value (or default), and where it was written."""
    values, spans = {}, {}
    for parameter in op.parameters:
        value, at = bound.get(parameter.name, (None, span))
        if parameter.name not in bound:
            value = default(parameter)
            values[parameter.name] = None if value is None else coerce(op, parameter, value, at, check)
            continue
        spans[parameter.name] = at
        if parameter.variadic:
            values[parameter.name] = tuple(coerce(op, parameter, v, at, check) for v in value)
        else:
            values[parameter.name] = coerce(op, parameter, value, at, check)
    return values, spans
