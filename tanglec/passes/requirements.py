"""`require`: conditions on every architecture, at every position or over aggregates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import field, replace

from tanglec.diagnostics import Abort, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position, Scalar
from tanglec.ir.nodes import Aggregate, Dimension, Requirement, Term
from tanglec.passes.arithmetic import ARITY, check_arity, combine, described, sort_of
from tanglec.passes.names import FileScope, nodes
from tanglec.passes.subscripts import has_subscripts, one, run, subscripted
from tanglec.record import record
from tanglec.source import Span
from tanglec.syntax import ast

_AGGREGATES = ("sum", "product", "min", "max", "count")
_COSTS = ("params", "macs")


@record(eq=False, frozen=False)
class _Condition:
    """Evaluates the condition of a `require`, with a given extent for every dimension."""

    dims: Mapping[str, Extent]
    params: Mapping[str, Scalar]
    labels: Set[str]
    sink: Sink
    places: Mapping[str, Dimension] = field(default_factory=dict)
    costs: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    aggregates: dict[Position, Aggregate] = field(default_factory=dict)
    present: list[Extent] = field(default_factory=list)  # of the single positions, `op[3]`, that were met
    inside: bool = False  # an aggregate

    def __call__(self, node: ast.Expr) -> Extent:
        match node:
            case ast.Number() | ast.Boolean():
                return ex.const(node.value)
            case ast.Nothing():
                return ex.const("none")
            case ast.Name():
                return self._name(node)
            case ast.Unary(operator="not"):
                return self._combine("not", (node.operand,), node.span)
            case ast.Unary():
                return self._combine("-", (None, node.operand), node.span)
            case ast.Binary():
                return self._combine(node.operator, (node.left, node.right), node.span)
            case ast.Ternary():
                return self._combine("where", (node.condition, node.then, node.otherwise), node.span)
            case ast.Call():
                return self._call(node)
            case ast.Index():
                return self._single(node)
            case ast.Slice():
                return self._sliced(node)
        raise self.sink.error("TSP0311", "this cannot stand in a `require`", node.span)

    def _name(self, node: ast.Name) -> Extent:
        if node.id in self.dims:
            return self.dims[node.id]
        if node.id not in self.params and node.id not in self.labels:
            raise Abort  # reported with the names
        return ex.const(self.params.get(node.id, node.id))

    def _combine(self, kind: str, operands: Sequence[ast.Expr | None], span: Span) -> Extent:
        values = [ex.const(0) if n is None else self(n) for n in operands]
        return combine(kind, values, [span if n is None else n.span for n in operands], span, self.sink.error)

    def _call(self, node: ast.Call) -> Extent:
        name, arguments = node.callee.id, [a.value for a in node.arguments]
        if name in _COSTS and not arguments:
            return self._aggregate(Aggregate("sum", self.costs[name], f"{name}()"))
        if name in _AGGREGATES and len(arguments) == 1:
            terms, over = self._terms(name, arguments[0])
            return self._aggregate(Aggregate(name, terms, node.span.text, over))
        if name in ARITY:
            check_arity(name, len(arguments), node.span, self.sink.error)
            return self._combine(name, arguments, node.span)
        if name not in _AGGREGATES and name not in _COSTS:
            raise Abort  # reported with the names
        title = f"`{name}` takes {'no arguments' if name in _COSTS else 'one argument'} in a `require`"
        raise self.sink.error("TSP0212", title, node.span, "e.g. `params() <= 5_000_000`, `sum(depth) < 12`")

    def _single(self, node: ast.Index) -> Extent:
        dim, place = one(node, self.places, self, self.sink)
        if self.inside:
            help = [f"write `{dim.name}[{place}..{place + 1}]`"]
            raise self.sink.error(
                "TSP0212", "an aggregate ranges over positions", node.span, "this is one", help=help
            )
        self.present.append(dim.present[place])
        return ex.choice(dim.positions[place])

    def _sliced(self, node: ast.Slice) -> Extent:
        dim, _ = run(node, self.places, self, self.sink)
        if self.inside:
            return self.dims[dim.name]
        text = f"for one of them, `{dim.name}[0]`; for all together, e.g. `sum({node.span.text})`"
        raise self.sink.error("TSP0311", "positions are compared one by one, or aggregated", node.span, text)

    def _terms(
        self, kind: str, argument: ast.Expr
    ) -> tuple[tuple[Term, ...], tuple[tuple[Position, ...], ...]]:
        """One term for each position that the argument speaks of, and the positions of each dimension."""
        ranges = self._ranges(kind, argument)
        found = [self.places[n] for n in ranges]
        _check_one_scope(found, argument.span, self.sink)
        terms = []
        for i in range(max(map(len, ranges.values()))):
            here = {d.name: ranges[d.name][i] if d.per else 0 for d in found}
            choices = {d.name: ex.choice(d.positions[here[d.name]]) for d in found}
            value = replace(self, dims={**self.dims, **choices}, inside=True)(argument)
            present = ex.TRUE
            for d in found:
                present = ex.apply("and", present, d.present[here[d.name]])
            terms.append(Term(present, self._counted(kind, value, argument)))
        return tuple(terms), tuple(tuple(d.positions[i] for i in ranges[d.name]) for d in found)

    def _ranges(self, kind: str, argument: ast.Expr) -> dict[str, range]:
        """The positions of each dimension that the argument of an aggregate names, by their numbers."""
        slices = [n for n in nodes(argument) if isinstance(n, ast.Slice)]
        named = [n for n in nodes(argument) if isinstance(n, ast.Name) and n.id in self.places]
        whole = [n for n in named if all(n is not s.value for s in slices)]
        ranges: dict[str, range] = {}
        spoken_of: list[ast.Name | ast.Slice] = [*slices, *whole]
        for node in spoken_of:
            dim, numbers = run(node, self.places, self, self.sink)
            if ranges.setdefault(dim.name, numbers) != numbers:
                title = f"`{kind}` ranges over `{dim.name}` in two ways"
                raise self.sink.error("TSP0212", title, argument.span)
        if not ranges:
            title = f"`{kind}` ranges over the positions of a dimension"
            raise self.sink.error("TSP0212", title, argument.span, "none is named here")
        if len({len(numbers) for n, numbers in ranges.items() if self.places[n].per}) > 1:
            title = f"`{kind}` goes over several dimensions together, here over unequal numbers of positions"
            raise self.sink.error("TSP0212", title, argument.span)
        return dict(sorted(ranges.items()))

    def _counted(self, kind: str, value: Extent, argument: ast.Expr) -> Extent:
        """What one position adds: `count(dim)` counts positions, a truth value counts as 1 where it holds."""
        if kind == "count" and isinstance(argument, ast.Name | ast.Slice):
            return ex.const(1)
        if sort_of(value) == "truth":
            return ex.apply("where", value, ex.const(1), ex.const(0))
        if sort_of(value) == "name":
            text = f"this is {described(value)}"
            raise self.sink.error("TSP0311", f"`{kind}` needs numbers or conditions", argument.span, text)
        return value

    def _aggregate(self, aggregate: Aggregate) -> Extent:
        place = Position(aggregate.text, -1 - len(self.aggregates), choices=(0, 1), scoped=False)
        self.aggregates[place] = aggregate
        return ex.choice(place)


def _is_aggregate(node: object) -> bool:
    """`params()`, `sum(heads)`, `min(depth)`; but `min(a, b)` is a function."""
    if not isinstance(node, ast.Call):
        return False
    return node.callee.id in _COSTS or node.callee.id in _AGGREGATES and len(node.arguments) == 1


def templates(
    scope: FileScope,
    lists: Mapping[str, tuple[tuple[Scalar, ...], ...]],
    params: Mapping[str, Scalar],
    sink: Sink,
) -> list[Extent]:
    """The conditions without aggregates, over positions of index -1 that stand for any position."""
    dims = {}
    for name in scope.dims:
        choices = tuple(dict.fromkeys(v for choices in lists[name] for v in choices))
        dims[name] = ex.choice(Position(name, -1, choices=choices))
    result = []
    for node in scope.requires:
        if not any(map(_is_aggregate, nodes(node))) and not has_subscripts(node):
            try:
                result.append(_Condition(dims, params, scope.labels, sink)(node.condition))
            except Abort:
                continue
    return result


def read_requirements(
    scope: FileScope,
    dimensions: Sequence[Dimension],
    params: Mapping[str, Scalar],
    sink: Sink,
    costs: Mapping[str, tuple[Term, ...]],
) -> tuple[Requirement, ...]:
    """Every `require`, spelled out for each position that it speaks of; `costs` are those of which it can."""
    result = []
    for node in scope.requires:
        try:
            _check_used(node, scope, dimensions, sink)
            result.extend(_spelled_out(node, dimensions, costs, params, scope.labels, sink))
        except Abort:
            continue
    return tuple(result)


def _check_used(node: ast.Require, scope: FileScope, dimensions: Sequence[Dimension], sink: Sink) -> None:
    used = {d.name for d in dimensions}
    for name in nodes(node.condition):
        if isinstance(name, ast.Name) and name.id in scope.dims and name.id not in used:
            title = f"nothing in the network uses `{name.id}`"
            raise sink.error("TSP0207", title, name.span, "there is no position at which this could hold")


def _check_one_scope(dimensions: Sequence[Dimension], span: Span, sink: Sink) -> None:
    """What is compared position by position must have the same positions."""
    scoped = [d for d in dimensions if d.per]
    for other in scoped[1:]:
        if other.per != scoped[0].per:
            first = scoped[0]
            title = f"`{first.name}` and `{other.name}` have different positions"
            text = f"one has a choice {first.per}, the other {other.per}"
            raise sink.error(
                "TSP0207", title, span, text, help=["compare aggregates, e.g. `max(a) <= min(b)`"]
            )


def _spelled_out(
    node: ast.Require,
    dimensions: Sequence[Dimension],
    costs: Mapping[str, tuple[Term, ...]],
    params: Mapping[str, Scalar],
    labels: Set[str],
    sink: Sink,
) -> list[Requirement]:
    named = [d for d in dimensions if d.name in _everywhere(node.condition)]
    _check_one_scope(named, node.condition.span, sink)
    _check_not_mixed(named, node.condition, sink)
    places = {d.name: d for d in dimensions}
    result = []
    for i in range(max((len(d.positions) for d in named), default=1)):
        here = {d.name: i if d.per and d in named else 0 for d in dimensions}
        choices = {d.name: ex.choice(d.positions[here[d.name]]) for d in dimensions}
        condition = _Condition(choices, params, labels, sink, places, costs)
        bare = value = condition(node.condition)
        if sort_of(value) != "truth":
            text = f"this is {described(value)}"
            raise sink.error("TSP0311", "`require` needs a condition", node.condition.span, text)
        for present in (*(d.present[here[d.name]] for d in named), *condition.present):
            value = ex.apply("or", ex.apply("not", present), value)
        result.append(Requirement(value, bare, node.condition.span.text, node.span, condition.aggregates))
    return result


def _check_not_mixed(named: Sequence[Dimension], condition: ast.Expr, sink: Sink) -> None:
    """A condition holds at every position, or speaks of single ones."""
    everywhere, single = [d.name for d in named if d.per], sorted(subscripted(condition))
    if everywhere and single:
        title = f"`{everywhere[0]}` stands for every position, `{single[0]}[…]` for one"
        help = [f"give `{everywhere[0]}` a position too"]
        raise sink.error("TSP0311", title, condition.span, help=help)


def _everywhere(node: ast.Expr) -> set[str]:
    """The names that are neither in an aggregate nor in an index: the condition holds at each of their positions."""
    inside = {id(n) for c in nodes(node) if _is_aggregate(c) or isinstance(c, ast.Index) for n in nodes(c)}
    return {n.id for n in nodes(node) if isinstance(n, ast.Name) and id(n) not in inside}
