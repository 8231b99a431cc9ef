"""The abstract syntax tree: what the user wrote, every node with its span.

Nodes compare by content; spans are left out of comparison, so that a tree that was formatted and parsed again is equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar, dataclass_transform

from tanglec.source import Span

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def node(cls: type[T]) -> type[T]:
    """A slotted dataclass that type checkers keep frozen. At run time it is not: that would double the time that these
    classes take to build, at every start of the program.
    """
    return dataclass(slots=True)(cls)


@node
class Node:
    span: Span = field(compare=False, repr=False, kw_only=True)


# --- expressions -----------------------------------------------------------------------------------------------------


@node
class Number(Node):
    value: Fraction
    text: str = field(compare=False)  # as written, e.g. `3.50`


@node
class Boolean(Node):
    value: bool


@node
class Nothing(Node):
    """`none`, where it is not a label of a `choose`."""


@node
class Name(Node):
    id: str


@node
class Argument(Node):
    name: Name | None
    value: Expr


@node
class Call(Node):
    callee: Name
    arguments: tuple[Argument, ...]


@node
class Unary(Node):
    """`-x`, `not x`."""

    operator: str
    operand: Expr


@node
class Binary(Node):
    """`+ - * / // %`, `== != < <= > >=`, `and or`."""

    operator: str
    left: Expr
    right: Expr


@node
class Ternary(Node):
    then: Expr
    condition: Expr
    otherwise: Expr


@node
class Index(Node):
    """`x[0]`, `nodes[3]`."""

    value: Expr
    index: Expr


@node
class Slice(Node):
    """`x[1..]`, `x[..3]`, `x[1..3]` (the end excluded)."""

    value: Expr
    start: Expr | None
    stop: Expr | None


@node
class List(Node):
    items: tuple[Expr, ...]


@node
class Arm(Node):
    """`label: value`; the label is a Name, Nothing, Number or Boolean."""

    label: Expr
    value: Expr


@node
class Entangled(Node):
    arms: tuple[Arm, ...]


@node
class Choose(Node):
    dim: Name
    arms: tuple[Arm | Entangled, ...]


Expr = Number | Boolean | Nothing | Name | Call | Unary | Binary | Ternary | Index | Slice | List | Choose


# --- statements ------------------------------------------------------------------------------------------------------


@node
class Assign(Node):
    """`a, b = b, f(a)`; as many values as targets."""

    targets: tuple[Name, ...]
    values: tuple[Expr, ...]


@node
class AugAssign(Node):
    """`x += value`; the operator is `+`, `-`, `*` or `/`."""

    target: Name
    operator: str
    value: Expr


@node
class Return(Node):
    values: tuple[Expr, ...]


@node
class If(Node):
    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@node
class Repeat(Node):
    count: Expr
    index: Name | None
    body: tuple[Stmt, ...]


Stmt = Assign | AugAssign | Return | If | Repeat


# --- declarations ----------------------------------------------------------------------------------------------------


@node
class Header(Node):
    """`space name "title"`."""

    name: Name
    title: str


@node
class Use(Node):
    library: Name
    names: tuple[Name, ...]


@node
class Param(Node):
    name: Name
    value: Expr


@node
class Input(Node):
    """`input image: pixels(3, 224, 224)`."""

    name: Name
    kind: Name
    arguments: tuple[Expr, ...]


@node
class Range(Node):
    """`128..512 step 64`, the end included."""

    start: Expr
    stop: Expr
    step: Expr | None


@node
class Choices(Node):
    """The choices of one position: `16 | 24`, `none | conv`, `8..64 step 8`."""

    items: tuple[Expr | Range, ...]


@node
class Dim(Node):
    """`dim name per scope of owners: choices, choices, …`; several lists give one for each position."""

    name: Name
    per: Name | None
    of: tuple[Name, ...]
    lists: tuple[Choices, ...]


@node
class Require(Node):
    condition: Expr


@node
class Parameter(Node):
    """A parameter of a block; `default` is None where it must be given."""

    name: Name
    default: Expr | None


@node
class Block(Node):
    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Stmt, ...]


@node
class Network(Node):
    body: tuple[Stmt, ...]


Declaration = Use | Param | Input | Dim | Require | Block | Network


@node
class Module(Node):
    """One file. A library has no header and no network."""

    header: Header | None
    declarations: tuple[Declaration, ...]
