"""The abstract syntax tree: what the user wrote, every node with its span.

Nodes compare by content; spans are left out of comparison, so that a tree that was formatted and parsed again is equal.
"""

from __future__ import annotations

from dataclasses import field
from fractions import Fraction

from tanglec.record import record
from tanglec.source import Span


@record()
class Node:
    span: Span = field(compare=False, repr=False, kw_only=True)


# --- expressions -----------------------------------------------------------------------------------------------------


@record()
class Number(Node):
    value: int | Fraction
    text: str = field(compare=False)  # as written, e.g. `3.50`


@record()
class Boolean(Node):
    value: bool


@record()
class Nothing(Node):
    """`none`, where it is not a label of a `choose`."""


@record()
class Name(Node):
    id: str


@record()
class Argument(Node):
    name: Name | None
    value: Expr


@record()
class Call(Node):
    callee: Name
    arguments: tuple[Argument, ...]


@record()
class Unary(Node):
    """`-x`, `not x`."""

    operator: str
    operand: Expr


@record()
class Binary(Node):
    """`+ - * / // %`, `== != < <= > >=`, `and or`."""

    operator: str
    left: Expr
    right: Expr


@record()
class Ternary(Node):
    then: Expr
    condition: Expr
    otherwise: Expr


@record()
class Index(Node):
    """`x[0]`, `nodes[3]`."""

    value: Expr
    index: Expr


@record()
class Slice(Node):
    """`x[1..]`, `x[..3]`, `x[1..3]` (the end excluded)."""

    value: Expr
    start: Expr | None
    stop: Expr | None


@record()
class List(Node):
    items: tuple[Expr, ...]


@record()
class Arm(Node):
    """`label: value`; the label is a Name, Nothing, Number or Boolean."""

    label: Expr
    value: Expr


@record()
class Entangled(Node):
    arms: tuple[Arm, ...]


@record()
class Choose(Node):
    dim: Name
    arms: tuple[Arm | Entangled, ...]


Expr = Number | Boolean | Nothing | Name | Call | Unary | Binary | Ternary | Index | Slice | List | Choose


# --- statements ------------------------------------------------------------------------------------------------------


@record()
class Assign(Node):
    """`a, b = b, f(a)`; as many values as targets."""

    targets: tuple[Name, ...]
    values: tuple[Expr, ...]


@record()
class AugAssign(Node):
    """`x += value`; the operator is `+`, `-`, `*` or `/`."""

    target: Name
    operator: str
    value: Expr


@record()
class Return(Node):
    values: tuple[Expr, ...]


@record()
class If(Node):
    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@record()
class Repeat(Node):
    count: Expr
    index: Name | None
    body: tuple[Stmt, ...]


Stmt = Assign | AugAssign | Return | If | Repeat


# --- declarations ----------------------------------------------------------------------------------------------------


@record()
class Header(Node):
    """`space name "title"`."""

    name: Name
    title: str


@record()
class Use(Node):
    library: Name
    names: tuple[Name, ...]


@record()
class Param(Node):
    name: Name
    value: Expr


@record()
class Input(Node):
    """`input image: pixels(3, 224, 224)`."""

    name: Name
    kind: Name
    arguments: tuple[Expr, ...]


@record()
class Range(Node):
    """`128..512 step 64`, the end included."""

    start: Expr
    stop: Expr
    step: Expr | None


@record()
class Choices(Node):
    """The choices of one position: `16 | 24`, `none | conv`, `8..64 step 8`."""

    items: tuple[Expr | Range, ...]


@record()
class Dim(Node):
    """`dim name per scope of owners: choices, choices, …`; several lists give one for each position."""

    name: Name
    per: Name | None
    of: tuple[Name, ...]
    lists: tuple[Choices, ...]


@record()
class Require(Node):
    condition: Expr


@record()
class Renaming(Node):
    """`ks=kernel`, `channels=[c1, c2]`: a key of a notation, and the dimension (in brackets, those) that it stands for."""

    key: Name
    dims: tuple[Name, ...]
    listed: bool


@record()
class Notation(Node):
    """`notation ofa: ks=kernel, e=expand`: other names under which architectures are published."""

    name: Name
    keys: tuple[Renaming, ...]


@record()
class Parameter(Node):
    """A parameter of a block; `default` is None where it must be given."""

    name: Name
    default: Expr | None


@record()
class Block(Node):
    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Stmt, ...]


@record()
class Network(Node):
    body: tuple[Stmt, ...]


Declaration = Use | Param | Input | Dim | Require | Notation | Block | Network


@record()
class Module(Node):
    """One file. A library has no header and no network."""

    header: Header | None
    declarations: tuple[Declaration, ...]
