"""Which positions of a dimension a `require` speaks of: all, one (`op[3]`), or a run of them (`sum(op[1..3])`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tanglec.diagnostics import Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Dimension
from tanglec.passes.arithmetic import described
from tanglec.passes.names import nodes
from tanglec.source import Span
from tanglec.syntax import ast

Evaluate = Callable[[ast.Expr], Extent]


def has_subscripts(node: object) -> bool:
    return any(isinstance(n, ast.Index | ast.Slice) for n in nodes(node))


def subscripted(node: object) -> set[str]:
    """The dimensions of which single positions are named."""
    indices = (n for n in nodes(node) if isinstance(n, ast.Index))
    return {n.value.id for n in indices if isinstance(n.value, ast.Name)}


def one(
    node: ast.Index, dims: Mapping[str, Dimension], evaluate: Evaluate, sink: Sink
) -> tuple[Dimension, int]:
    """`op[3]`: the dimension and the position's number. Aborts where there is none such."""
    dim = _numbered(node.value, dims, sink)
    place = _whole(node.index, evaluate, sink)
    if not 0 <= place < len(dim.positions):
        raise _outside(dim, f"position {place}", node.index.span, sink)
    return dim, place


def run(
    node: ast.Name | ast.Slice, dims: Mapping[str, Dimension], evaluate: Evaluate, sink: Sink
) -> tuple[Dimension, range]:
    """`op[1..3]`, the end excluded, or all of `op`. Aborts where there are none such."""
    if isinstance(node, ast.Name):
        return dims[node.id], range(len(dims[node.id].positions))
    dim = _numbered(node.value, dims, sink)
    start = 0 if node.start is None else _whole(node.start, evaluate, sink)
    stop = len(dim.positions) if node.stop is None else _whole(node.stop, evaluate, sink)
    if not 0 <= start < stop <= len(dim.positions):
        raise _outside(dim, f"positions {start}..{stop}", node.span, sink)
    return dim, range(start, stop)


def _numbered(node: ast.Expr, dims: Mapping[str, Dimension], sink: Sink) -> Dimension:
    if not isinstance(node, ast.Name) or node.id not in dims:
        raise sink.error("TSP0311", "only dimensions have positions", node.span)
    dim = dims[node.id]
    if not dim.per:
        title = f"`{node.id}` is one choice for the whole network and has no positions"
        raise sink.error("TSP0305", title, node.span, help=[f"write `{node.id}`"])
    if dim.grouped:
        title = f"the positions of `{node.id}` are numbered apart in {' and '.join(map('`{}`'.format, dim.groups))}"
        raise sink.error("TSP0305", title, node.span, "a number alone does not say which")
    return dim


def _whole(node: ast.Expr, evaluate: Evaluate, sink: Sink) -> int:
    value = evaluate(node)
    if not value.is_constant or not ex.is_whole(value.constant):
        title = "positions are numbered by whole constants"
        raise sink.error("TSP0309", title, node.span, f"this is {described(value)}")
    return int(ex.number(value.constant))


def _outside(dim: Dimension, what: str, span: Span, sink: Sink) -> Exception:
    count = len(dim.positions)
    title = f"`{dim.name}` has no {what}"
    text = f"{count} position{'s are' if count > 1 else ' is'} numbered from 0"
    return sink.error("TSP0305", title, span, text)
