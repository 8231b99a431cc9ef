"""`require`: conditions on every architecture, at every position or over aggregates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tanglec.diagnostics import Abort, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position, Scalar
from tanglec.ir.nodes import Aggregate, Dimension, Instance, Requirement, Term
from tanglec.passes.checks import sort_of
from tanglec.passes.cost import multiply_add_terms, parameter_terms
from tanglec.passes.names import FileScope, nodes
from tanglec.syntax import ast

_AGGREGATES = ("sum", "product", "min", "max", "count")
_FUNCTIONS = ("min", "max", "ceil", "floor", "round_to")


@dataclass(slots=True)
class _Condition:
    """Evaluates the condition of a `require`, with a given extent for every dimension."""

    dims: Mapping[str, Extent]
    params: Mapping[str, Scalar]
    sink: Sink
    every: Mapping[str, Sequence[tuple[Extent, Extent]]] = field(default_factory=dict)  # dim -> (present, choice) of each position
    costs: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    aggregates: dict[Position, Aggregate] = field(default_factory=dict)

    def __call__(self, node: ast.Expr) -> Extent:
        match node:
            case ast.Number() | ast.Boolean():
                return ex.const(node.value)
            case ast.Nothing():
                return ex.const("none")
            case ast.Name():
                return self._name(node)
            case ast.Unary():
                value = self(node.operand)
                return ex.apply("not", value) if node.operator == "not" else ex.apply("-", ex.const(0), value)
            case ast.Binary():
                return self._apply(node.operator, (node.left, node.right), node)
            case ast.Ternary():
                return self._apply("where", (node.condition, node.then, node.otherwise), node)
            case ast.Call():
                return self._call(node)
        raise self.sink.error("TSP0311", "this cannot stand in a `require`", node.span)

    def _name(self, node: ast.Name) -> Extent:
        if node.id in self.dims:
            return self.dims[node.id]
        return ex.const(self.params.get(node.id, node.id))

    def _apply(self, kind: str, operands: Sequence[ast.Expr], node: ast.Expr) -> Extent:
        try:
            return ex.apply(kind, *map(self, operands))
        except ex.Undefined as error:
            raise self.sink.error("TSP0311", f"this has no value: {error}", node.span) from None

    def _call(self, node: ast.Call) -> Extent:
        name, arguments = node.callee.id, [a.value for a in node.arguments]
        if name in ("params", "macs") and not arguments:
            return self._aggregate(Aggregate("sum", self.costs[name], f"{name}()"))
        if name in _AGGREGATES and len(arguments) == 1:
            return self._aggregate(Aggregate(name, self._terms(name, arguments[0]), node.span.text))
        if name in _FUNCTIONS:
            return self._apply(name, arguments, node)
        raise self.sink.error("TSP0212", f"`{name}` is not used like this in a `require`", node.span, "e.g. params(), sum(dim), min(dim)")

    def _terms(self, kind: str, argument: ast.Expr) -> tuple[Term, ...]:
        """One term for each position of the dimension that the argument speaks of."""
        names = sorted({n.id for n in nodes(argument) if isinstance(n, ast.Name) and n.id in self.every})
        if not names:
            raise self.sink.error("TSP0212", f"`{kind}` ranges over the positions of a dimension", argument.span)
        terms = []
        for i in range(max(len(self.every[n]) for n in names)):
            here = {n: self.every[n][i if len(self.every[n]) > 1 else 0] for n in names}
            value = replace(self, dims={**self.dims, **{n: choice for n, (_, choice) in here.items()}})(argument)
            present = ex.TRUE
            for condition, _ in here.values():
                present = ex.apply("and", present, condition)
            if sort_of(value) == "truth":
                value = ex.apply("where", value, ex.const(1), ex.const(0))
            terms.append(Term(present, ex.const(1) if kind == "count" and isinstance(argument, ast.Name) else value))
        return tuple(terms)

    def _aggregate(self, aggregate: Aggregate) -> Extent:
        place = Position(aggregate.text, -1 - len(self.aggregates), choices=(0, 1), scoped=False)
        self.aggregates[place] = aggregate
        return ex.choice(place)


def _uses_aggregates(node: ast.Require) -> bool:
    return any(isinstance(n, ast.Call) and (n.callee.id not in _FUNCTIONS or len(n.arguments) == 1 and n.callee.id in _AGGREGATES) for n in nodes(node))


def templates(scope: FileScope, lists: Mapping[str, tuple[tuple[Scalar, ...], ...]], params: Mapping[str, Scalar], sink: Sink) -> list[Extent]:
    """The conditions without aggregates, over positions of index -1 that stand for any position."""
    dims = {
        name: ex.choice(Position(name, -1, choices=tuple(dict.fromkeys(v for choices in lists[name] for v in choices))))
        for name in scope.dims
    }
    result = []
    for node in scope.requires:
        if not _uses_aggregates(node):
            try:
                result.append(_Condition(dims, params, sink)(node.condition))
            except Abort:
                continue
    return result


def read_requirements(
    scope: FileScope, dimensions: Sequence[Dimension], params: Mapping[str, Scalar], sink: Sink, network: Instance
) -> tuple[Requirement, ...]:
    """Every `require`, spelled out for each position that it speaks of."""
    every = {d.name: list(zip(d.present, map(ex.choice, d.positions), strict=True)) for d in dimensions}
    costs = {"params": parameter_terms(network), "macs": multiply_add_terms(network)}
    result = []
    for node in scope.requires:
        try:
            result.extend(_spelled_out(node, every, costs, params, dimensions, sink))
        except Abort:
            continue
    return tuple(result)


def _spelled_out(
    node: ast.Require, every: Mapping[str, Sequence[tuple[Extent, Extent]]], costs: Mapping[str, tuple[Term, ...]],
    params: Mapping[str, Scalar], dimensions: Sequence[Dimension], sink: Sink,
) -> list[Requirement]:  # fmt: skip
    scoped = [d.name for d in dimensions if d.per and d.name in _outside_aggregates(node.condition)]
    count = max((len(every[name]) for name in scoped), default=1)
    result = []
    for i in range(count):
        here = {name: places[i] if name in scoped and i < len(places) else places[0] for name, places in every.items()}
        condition = _Condition({n: choice for n, (_, choice) in here.items()}, params, sink, every, costs)
        value = condition(node.condition)
        if sort_of(value) != "truth":
            raise sink.error("TSP0311", "`require` needs a condition", node.condition.span, f"this is {ex.show(value)}")
        bare = value
        for name in _outside_aggregates(node.condition) & every.keys():
            value = ex.apply("or", ex.apply("not", here[name][0]), value)
        result.append(Requirement(value, bare, node.condition.span.text, node.span, condition.aggregates))
    return result


def _outside_aggregates(node: ast.Expr) -> set[str]:
    inside = {id(n) for c in nodes(node) if isinstance(c, ast.Call) and len(c.arguments) == 1 and c.callee.id in _AGGREGATES for n in nodes(c)}
    return {n.id for n in nodes(node) if isinstance(n, ast.Name) and id(n) not in inside}
