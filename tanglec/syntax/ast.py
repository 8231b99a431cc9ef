"""The abstract syntax tree: what the user wrote, every node with its span.

Nodes compare by content; spans are left out of comparison, so that a tree that was formatted and parsed again is equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tanglec.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(compare=False, repr=False)


# --- expressions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: Fraction
    text: str = field(compare=False)  # as written, e.g. `3.50`


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Nothing(Node):
    """`none`, where it is not a label of a `choose`."""


@dataclass(frozen=True, slots=True)
class Name(Node):
    id: str


@dataclass(frozen=True, slots=True)
class Argument(Node):
    name: Name | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    callee: Name
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x`, `not x`."""

    operator: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`+ - * / // %`, `== != < <= > >=`, `and or`."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    then: Expr
    condition: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`x[0]`, `nodes[3]`."""

    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`x[1..]`, `x[..3]`, `x[1..3]` (the end excluded)."""

    value: Expr
    start: Expr | None
    stop: Expr | None


@dataclass(frozen=True, slots=True)
class List(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Arm(Node):
    """`label: value`; the label is a Name, Nothing, Number or Boolean."""

    label: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Entangled(Node):
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Choose(Node):
    dim: Name
    arms: tuple[Arm | Entangled, ...]


Expr = Number | Boolean | Nothing | Name | Call | Unary | Binary | Ternary | Index | Slice | List | Choose


# --- statements ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`a, b = b, f(a)`; as many values as targets."""

    targets: tuple[Name, ...]
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class AugAssign(Node):
    """`x += value`; the operator is `+`, `-`, `*` or `/`."""

    target: Name
    operator: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Return(Node):
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class If(Node):
    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Repeat(Node):
    count: Expr
    index: Name | None
    body: tuple[Stmt, ...]


Stmt = Assign | AugAssign | Return | If | Repeat


# --- declarations ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header(Node):
    """`space name "title"`."""

    name: Name
    title: str


@dataclass(frozen=True, slots=True)
class Use(Node):
    library: Name
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Param(Node):
    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Input(Node):
    """`input image: pixels(3, 224, 224)`."""

    name: Name
    kind: Name
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`128..512 step 64`, the end included."""

    start: Expr
    stop: Expr
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Choices(Node):
    """The choices of one position: `16 | 24`, `none | conv`, `8..64 step 8`."""

    items: tuple[Expr | Range, ...]


@dataclass(frozen=True, slots=True)
class Dim(Node):
    """`dim name per scope of owners: choices, choices, …`; several lists give one for each position."""

    name: Name
    per: Name | None
    of: tuple[Name, ...]
    lists: tuple[Choices, ...]


@dataclass(frozen=True, slots=True)
class Require(Node):
    condition: Expr


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A parameter of a block; `default` is None where it must be given."""

    name: Name
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Block(Node):
    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Network(Node):
    body: tuple[Stmt, ...]


Declaration = Use | Param | Input | Dim | Require | Block | Network


@dataclass(frozen=True, slots=True)
class Module(Node):
    """One file. A library has no header and no network."""

    header: Header | None
    declarations: tuple[Declaration, ...]
