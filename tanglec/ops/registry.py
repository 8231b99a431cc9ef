"""The registry of operations: signatures, and what an operation says of one call.

A family of operations is one file in this package: functions decorated with `operation`, found by `registry()` without
being listed anywhere. The decorated function gets a `Bound` call, whose arguments have the kinds of the signature, and
returns an `Inferred`: result type, weights and their axes, multiply-adds, ways to mix, and the code in both dialects.

Kinds of arguments in a signature:
    pixels, tokens, vector, ids, heads   a tensor of that kind; `tensor` any; alternatives with `|`; a leading `*` takes several
    size      a width: an extent, or the layout of another tensor (`width(x)`); arrives as an `Axis`
    extent    a number that may depend on choices; arrives as an `Extent`
    whole     a whole constant (`int`);  number  any constant (`float`);  flag  a constant truth value (`bool`)
    layer     a named layer
    name(a|b) one of these names, a constant (`str`)
A trailing `?` admits `none`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from fractions import Fraction
from functools import cache
from typing import Any, Protocol, TypedDict

from tanglec.diagnostics import Abort
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position
from tanglec.ir.nodes import Code, Layer, Slot, Value, Weight
from tanglec.ir.types import KINDS, Axis
from tanglec.record import record
from tanglec.source import Span


@record()
class Parameter:
    name: str
    kind: str
    optional: bool = False
    default: str | None = None
    variadic: bool = False

    is_tensor: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        is_tensor = self.kind == "tensor" or self.kind.split("|")[0] in KINDS
        object.__setattr__(self, "is_tensor", is_tensor)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it takes, if it takes names."""
        return tuple(self.kind[5:-1].split("|")) if self.kind.startswith("name(") else ()

    def __str__(self) -> str:
        return self.name + ("" if self.default is None else f"={self.default}")


def parse_signature(text: str) -> tuple[Parameter, ...]:
    parameters = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        head, _, default = part.partition("=")
        name, _, kind = head.partition(":")
        kind = kind.strip()
        parameters.append(
            Parameter(
                name.strip().lstrip("*"),
                kind.rstrip("?"),
                kind.endswith("?"),
                default.strip() or None,
                name.strip().startswith("*"),
            )
        )
    return tuple(parameters)


class Checks(Protocol):
    """What an operation may ask of the compiler while it looks at a call."""

    def error(
        self, code: str, title: str, span: Span, text: str = "", *, notes: Sequence[str] = ()
    ) -> Abort: ...

    def hold(self, condition: Extent, code: str, title: str, span: Span, text: str = "") -> None:
        """The condition must hold for every joint choice (that `require` admits); else an error naming one that fails."""
        ...

    def equal(self, a: Extent, b: Extent) -> bool: ...

    def whole(
        self, extent: Extent, span: Span, what: str, *, divisor: tuple[str, str] | None = None
    ) -> None: ...

    def sampled_only(self, positions: Sequence[Position], why: str, span: Span) -> None: ...


@record()
class Bound:
    """One call with its arguments: tensors, axes, extents and constants by parameter name."""

    op: Op
    arguments: Mapping[str, Any]
    spans: Mapping[str, Span]
    span: Span
    check: Checks

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def span_of(self, name: str) -> Span:
        return self.spans.get(name, self.span)

    def error(
        self, code: str, title: str, argument: str = "", text: str = "", notes: Sequence[str] = ()
    ) -> Abort:
        return self.check.error(code, title, self.span_of(argument), text, notes=notes)


@record()
class Inferred:
    """What an operation says of a call. `type` is None for a layer that is not applied yet."""

    type: Any
    supernet: Code
    plain: Code
    weights: tuple[Weight, ...] = ()
    macs: Extent = field(default_factory=lambda: ex.const(0))
    sums_over: tuple[Position, ...] | None = None  # default: the positions of its weights
    lowerings: tuple[str, ...] = ("mask", "loop")
    tied: Layer | None = None
    shape_comment: bool = False


@record(eq=False)
class Op:
    name: str
    parameters: tuple[Parameter, ...]
    infer: Callable[[Bound], Inferred]
    notation: str
    doc: str

    @property
    def internal(self) -> bool:
        """Whether it stands for an operator of the language and cannot be called."""
        return bool(self.notation)

    @property
    def title(self) -> str:
        """What a user knows it by."""
        return self.notation or self.name

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(map(str, self.parameters))})"


_OPERATIONS: dict[str, Op] = {}


def operation(
    name: str, signature: str, *, notation: str = ""
) -> Callable[[Callable[[Bound], Inferred]], Callable[[Bound], Inferred]]:
    """Register an operation. One with a `notation` is what `a + b`, `x[0]` and the like stand for."""

    def register(infer: Callable[[Bound], Inferred]) -> Callable[[Bound], Inferred]:
        _OPERATIONS[name] = Op(
            name, parse_signature(signature), infer, notation, (infer.__doc__ or "").strip()
        )
        return infer

    return register


@cache
def registry() -> Mapping[str, Op]:
    """All operations of this package's files, by name."""
    import tanglec.ops

    for module in sorted(pkgutil.iter_modules(tanglec.ops.__path__), key=lambda m: m.name):
        importlib.import_module(f"tanglec.ops.{module.name}")
    return dict(sorted(_OPERATIONS.items()))


@cache
def option_names() -> frozenset[str]:
    """Names that options of operations take, such as `interpolate`."""
    return frozenset(name for op in registry().values() for p in op.parameters for name in p.names)


# --- small pieces that families share --------------------------------------------------------------------------------


class Both(TypedDict):
    """The code of both dialects."""

    supernet: Code
    plain: Code


def same(call: str, values: tuple[tuple[str, Slot], ...] = ()) -> Both:
    """The same line of plain PyTorch in both dialects."""
    code = Code(call, values=values)
    return {"supernet": code, "plain": code}


def given(**options: tuple[Slot, Slot]) -> tuple[tuple[str, Slot], ...]:
    """Keyword arguments that differ from their default: `given(bias=(bias, True))`."""
    return tuple((name, value) for name, (value, default) in options.items() if value != default)


def plain_number(value: Fraction | int | float) -> int | float:
    return int(value) if value == int(value) else float(value)


def is_fixed(extent: Extent) -> bool:
    """Whether it has one value whatever is chosen."""
    return extent.is_constant or len(set(ex.table(extent))) == 1


def fixed(extent: Extent) -> Extent:
    """The constant that a fixed extent is."""
    return ex.const(ex.table(extent)[0]) if is_fixed(extent) else extent


def single(axis: Axis) -> bool:
    return len(axis.segments) == 1


def feature_dim(value: Value) -> int:
    """Where the features of a tensor lie: 1 for pixels, else last."""
    return 1 if value.type.kind == "pixels" else -1
