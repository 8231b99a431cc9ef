"""Walks the network in order of execution: the unrolled IR, every tensor with its symbolic type.

Blocks are entered at every call, with their arguments bound; a repetition is entered as often as its count can get. An
error gives up on its statement only: what it would have bound is poisoned, and what reads that stays silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tanglec.diagnostics import Abort, Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Scalar
from tanglec.ir.nodes import (
    Branch,
    Carried,
    InputTensor,
    Instance,
    Joined,
    Layer,
    Operation,
    Repeat,
    Space,
    Step,
    Value,
    Weight,
)
from tanglec.ir.nodes import Call as CallStep
from tanglec.ir.types import KINDS, Axis, TensorType, axis
from tanglec.ops.registry import Bound, Inferred, Op
from tanglec.passes import binding
from tanglec.passes.arithmetic import sort_of
from tanglec.passes.binding import NamedLayer, Several, describe
from tanglec.passes.calls import number_of
from tanglec.passes.checks import Checker
from tanglec.passes.constants import read_choices, read_params
from tanglec.passes.evaluate import POISON, Evaluator, Poison
from tanglec.passes.names import BlockDef, FileScope
from tanglec.passes.positions import Call, Positions
from tanglec.passes.requirements import read_requirements, templates
from tanglec.source import Span
from tanglec.syntax import ast

MOST_ITERATIONS = 1_000
MOST_STEPS = 20_000  # operations, calls and iterations of a whole network
DEEPEST_CALL = 50


@dataclass(eq=False, slots=True)
class Frame:
    """A body on the way: the names that it sees, the steps so far, and under which conditions it runs."""

    file: FileScope
    call: Call
    locals: dict[str, Any]
    steps: list[Step] = field(default_factory=list)
    present: Extent = TRUE

    def inner(self, present: Extent) -> Frame:
        """A body inside this one: sees a copy of its names, collects steps of its own."""
        return Frame(self.file, self.call, dict(self.locals), [], present)


def elaborate(scope: FileScope, overrides: Mapping[str, Scalar], sha256: str, sink: Sink) -> Space | None:
    """The IR of a resolved file; None where errors keep it from being made."""
    constants = read_params(scope, overrides, sink)
    try:
        lists = read_choices(scope, constants, sink)
    except Abort:
        return None
    if any(not choices for each in lists.values() for choices in each):
        return None
    if scope.network is None or scope.module.header is None:
        return None
    check = Checker(sink, scope.source, {name: node.name.span for name, node in scope.dims.items()})
    check.requirements.extend(templates(scope, lists, constants.params, sink))
    positions = Positions(scope, lists, check)
    walker = Elaborator(scope, constants.params, positions, check)
    try:
        inputs, network = walker.network(scope.network)
    except (Abort, Exhausted):
        return None
    try:
        with check.guarded(scope.network.span):
            dimensions = positions.dimensions(check.sampled, sink)
            if sink.failed:
                return None
            requirements = read_requirements(scope, dimensions, constants.params, sink, network)
    except Abort:
        return None
    return Space(
        name=scope.module.header.name.id,
        title=scope.module.header.title,
        path=scope.source.path,
        sha256=sha256,
        params=constants.params,
        overridden=tuple(overrides),
        dimensions=dimensions,
        requirements=requirements,
        inputs=inputs,
        network=network,
    )


class Exhausted(Exception):
    """Too many steps: gives up on the network, not only on a statement."""


class Elaborator:
    """Statements, calls and repetitions; expressions are the evaluator's."""

    def __init__(
        self, scope: FileScope, params: Mapping[str, Scalar], positions: Positions, check: Checker
    ) -> None:
        self.scope, self.params, self.positions, self.check = scope, params, positions, check
        self.evaluate = Evaluator(self)
        self.steps_left = MOST_STEPS

    # --- the network and its inputs ----------------------------------------------------------------------------------

    def network(self, node: ast.Network) -> tuple[tuple[InputTensor, ...], Instance]:
        call = Call(None, None)
        frame = Frame(self.scope, call, {})
        inputs = self._inputs(frame)
        outputs = self._body(node.body, frame, node.span)
        for value in outputs:
            if value.type.positions:
                message = "the network's result must have the same type for every architecture"
                help = ["end with an operation of fixed width, e.g. `linear(x, classes)`"]
                self.check.error("TSP0308", message, node.body[-1].span, f"this is {value.type}", help=help)
        names = tuple((t.name, t.value) for t in inputs)
        return inputs, Instance("network", self.scope.source.path, {}, names, tuple(frame.steps), outputs)

    def _inputs(self, frame: Frame) -> tuple[InputTensor, ...]:
        """All inputs; the network sees those that are right."""
        inputs = []
        for node in self.scope.inputs.values():
            try:
                with self.check.guarded(node.span):
                    inputs.append(self._input(node, frame))
                frame.locals[node.name.id] = inputs[-1].value
            except Abort:
                frame.locals[node.name.id] = POISON
        return tuple(inputs)

    def _input(self, node: ast.Input, frame: Frame) -> InputTensor:
        sizes = [self.evaluate.extent(a, frame) for a in node.arguments]
        kind = node.kind.id
        if kind not in KINDS or kind == "heads":
            raise self.check.error(
                "TSP0302",
                f"there is no kind of tensor `{kind}`",
                node.kind.span,
                "pixels, tokens, vector or ids",
            )
        if len(sizes) != KINDS[kind] + 1:
            order = {"pixels": "C, H, W", "tokens": "L, D", "vector": "D", "ids": "vocab, L"}[kind]
            title = f"an input of {kind} is `{kind}({order})`"
            raise self.check.error(
                "TSP0212",
                title,
                node.span,
                f"here {'is' if len(sizes) == 1 else 'are'} {number_of(sizes, 'size')}",
            )
        for size, argument in zip(sizes, node.arguments, strict=True):
            self.check.whole(size, argument.span, "a size")
            self.check.sampled_only(size.positions, "an input has an elastic size", argument.span)
        features, places = (sizes[-1], sizes[:-1]) if kind == "tokens" else (sizes[0], sizes[1:])
        return InputTensor(
            node.name.id, Value(TensorType(kind, axis(features), tuple(places)), node.name.id, node.span)
        )

    def _body(self, body: Sequence[ast.Stmt], frame: Frame, span: Span) -> tuple[Value, ...]:
        """Run a body that must return tensors."""
        returned = self.run(body, frame)
        if returned is None:
            what = (
                "the network"
                if span.text == "network:" or not frame.call.block
                else f"block `{frame.call.block.name}`"
            )
            help = ["end it with `return …`"]
            raise self.check.error("TSP0215", f"{what} does not return anything", span, help=help)
        return tuple(self._result(v, span) for v in returned)

    def _result(self, value: Any, span: Span) -> Value:
        if isinstance(value, Poison):
            raise Abort
        if not isinstance(value, Value):
            title = "blocks and the network return tensors"
            raise self.check.error("TSP0213", title, span, f"this returns {binding.describe(value)}")
        return value

    # --- statements --------------------------------------------------------------------------------------------------

    def run(self, body: Sequence[ast.Stmt], frame: Frame) -> tuple[Any, ...] | None:
        """Run statements in a frame; the values of `return`, or None where the end was reached."""
        for place, node in enumerate(body):
            rest = body[place + 1 :]
            if isinstance(node, ast.Return):
                if rest:
                    self.check.error("TSP0215", "nothing after `return` is ever reached", rest[0].span)
                return self._returned(node, frame)
            if isinstance(node, ast.If):
                stopped, returned = self._if(node, rest, frame)
                if stopped:
                    return returned
            else:
                self._statement(node, frame)
        return None

    def _returned(self, node: ast.Return, frame: Frame) -> tuple[Any, ...]:
        values: list[Any] = []
        for expression in node.values:
            try:
                with self.check.guarded(expression.span):
                    values.extend(self.evaluate.several(expression, frame, ""))
            except Abort:
                values.append(POISON)
        return tuple(values)

    def _statement(self, node: ast.Stmt, frame: Frame) -> None:
        try:
            with self.check.guarded(node.span):
                if isinstance(node, ast.Assign):
                    self._assign(node, frame)
                elif isinstance(node, ast.AugAssign):
                    binary = ast.Binary(node.operator, node.target, node.value, span=node.span)
                    frame.locals[node.target.id] = self.evaluate(binary, frame, node.target.id)
                elif isinstance(node, ast.Repeat):
                    self._repeat(node, frame)
        except Abort:
            for name in bound_names(node):
                frame.locals[name] = POISON

    def _assign(self, node: ast.Assign, frame: Frame) -> None:
        names = [t.id for t in node.targets]
        values: list[Any] = []
        for i, expression in enumerate(node.values):
            values.extend(
                self.evaluate.several(
                    expression, frame, names[i] if len(node.values) == len(names) else names[0], names
                )
            )
        if len(values) != len(names):
            message = f"{number_of(values, 'value')} for {number_of(names, 'name')}"
            raise self.check.error("TSP0216", message, node.span)
        for name, value in zip(names, values, strict=True):
            frame.locals[name] = value

    # --- conditions --------------------------------------------------------------------------------------------------

    def _if(
        self, node: ast.If, rest: Sequence[ast.Stmt], frame: Frame
    ) -> tuple[bool, tuple[Any, ...] | None]:
        """Run an `if`. The first result says that the rest of the body was run (or skipped) with it."""
        try:
            with self.check.guarded(node.condition.span):
                condition = self.evaluate.condition(node.condition, frame)
                known = self.check.decide(condition, node.condition.span)
        except Abort:
            for name in (*bound_names(node.then), *bound_names(node.otherwise)):
                frame.locals[name] = POISON
            return False, None
        if known is not None:
            returned = self.run(node.then if known else node.otherwise, frame)
            return returned is not None, returned
        self.check.sampled_only(
            condition.positions, "a condition holds for some choices only", node.condition.span
        )
        returns = any(isinstance(n, ast.Return) for n in _statements((*node.then, *node.otherwise)))
        tail = tuple(rest) if returns else ()
        sides = self.sides(
            condition,
            frame,
            lambda f: self.run(_followed(node.then, tail), f),
            lambda f: self.run(_followed(node.otherwise, tail), f),
        )
        (then, first), (otherwise, second) = sides
        if returns:
            return True, self._join_returns(condition, frame, then, otherwise, first, second, node.span)
        self._join(condition, frame, then, otherwise, node.span)
        return False, None

    def sides(self, condition: Extent, frame: Frame, first: Any, second: Any) -> list[tuple[Frame, Any]]:
        """Both sides of a condition, each in a frame of its own, under its assumption."""
        sides = []
        for holds, body in ((condition, first), (ex.apply("not", condition), second)):
            inner = frame.inner(ex.apply("and", frame.present, holds))
            with self._assuming(holds):
                sides.append((inner, body(inner)))
        return sides

    @contextmanager
    def _assuming(self, condition: Extent) -> Iterator[None]:
        before = self.check.assuming
        self.check.assuming = ex.apply("and", before, condition)
        try:
            yield
        finally:
            self.check.assuming = before

    def _join(self, condition: Extent, frame: Frame, then: Frame, otherwise: Frame, span: Span) -> None:
        """Names that the sides bound differently, under one name again; a name that only one side binds is gone."""
        joined = []
        for name in [n for n in then.locals if n in otherwise.locals]:
            first, second = then.locals[name], otherwise.locals[name]
            if first is second or frame.locals.get(name, POISON) is first is second:
                continue
            value, join = self.join(condition, first, second, name, span)
            frame.locals[name] = value
            joined.extend(join)
        frame.steps.append(Branch(condition, tuple(then.steps), tuple(otherwise.steps), tuple(joined), span))

    def _join_returns(
        self,
        condition: Extent,
        frame: Frame,
        then: Frame,
        otherwise: Frame,
        first: Any,
        second: Any,
        span: Span,
    ) -> tuple[Any, ...]:
        if first is None or second is None:
            text = "this condition does not hold for all choices alike"
            help = ["end both ways with `return`"]
            raise self.check.error("TSP0215", "one of two ways returns nothing", span, text, help=help)
        if len(first) != len(second):
            title = f"one way returns {number_of(first, 'value')}, the other {number_of(second, 'value')}"
            raise self.check.error("TSP0215", title, span)
        pairs = [self.join(condition, a, b, "", span) for a, b in zip(first, second, strict=True)]
        joined = tuple(j for _, joins in pairs for j in joins)
        frame.steps.append(Branch(condition, tuple(then.steps), tuple(otherwise.steps), joined, span))
        return tuple(value for value, _ in pairs)

    def join(
        self, condition: Extent, first: Any, second: Any, name: str, span: Span
    ) -> tuple[Any, list[Joined]]:
        """One value for what two sides made."""
        if isinstance(first, Extent) and isinstance(second, Extent):
            return ex.apply("where", condition, first, second), []
        if isinstance(first, Value) and isinstance(second, Value):
            result = Value(self._join_types(condition, first.type, second.type, span), name, span)
            return result, [Joined(first, second, result)]
        return POISON, []

    def _join_types(self, condition: Extent, a: TensorType, b: TensorType, span: Span) -> TensorType:
        alike = (
            a.kind == b.kind
            and len(a.features.segments) == len(b.features.segments)
            and a.heads == b.heads
            and a.grid == b.grid
        )
        if not alike:
            raise self.check.error(
                "TSP0302", "the sides of a condition make tensors of different kinds", span, f"{a} and {b}"
            )

        def both(x: Extent, y: Extent) -> Extent:
            return x if x == y or ex.equal(x, y) else ex.apply("where", condition, x, y)

        segments = tuple(both(x, y) for x, y in zip(a.features.segments, b.features.segments, strict=True))
        sizes = tuple(both(x, y) for x, y in zip(a.sizes, b.sizes, strict=True))
        padding = "zero" if a.padding == b.padding == "zero" else "anything"
        return TensorType(a.kind, Axis(segments), sizes, a.grid, a.heads, padding)

    # --- repetition --------------------------------------------------------------------------------------------------

    def _repeat(self, node: ast.Repeat, frame: Frame) -> None:
        count = self.evaluate.extent(node.count, frame)
        counts = self._counts(count, node.count.span)
        before = dict(frame.locals)
        state, bodies, history = dict(frame.locals), [], []
        for i in range(max(counts)):
            self._step(node.span)
            inner = replace(
                frame,
                locals=dict(state),
                steps=[],
                present=ex.apply("and", frame.present, ex.apply(">", count, ex.const(i))),
            )
            if node.index is not None:
                inner.locals[node.index.id] = ex.const(i)
            if self.run(node.body, inner) is not None:
                place = next((n.span for n in _statements(node.body) if isinstance(n, ast.Return)), node.span)
                raise self.check.error(
                    "TSP0215", "`return` inside `repeat`", place, "a repetition cannot be left early"
                )
            state = {name: inner.locals[name] for name in before}
            bodies.append(tuple(inner.steps))
            history.append(state)
            if len(counts) > 1:
                self._check_kept(before, state, node)
        self._finish(node, count, counts, before, bodies, history, frame)

    def _counts(self, count: Extent, span: Span) -> list[int]:
        if sort_of(count) != "number":
            raise self.check.error("TSP0311", "`repeat` needs a number", span, f"this is {describe(count)}")
        minimum = ex.apply(">=", count, ex.const(0))
        whole = ex.apply("==", ex.apply("%", count, ex.const(1)), ex.const(0))
        message = "a repetition runs a whole number of times, at least 0"
        self.check.hold(ex.apply("and", minimum, whole), "TSP0307", message, span, ex.show(count))
        counts = sorted({int(ex.number(n)) for n in ex.table(count) if ex.number(n) >= 0})
        if counts[-1] > MOST_ITERATIONS:
            raise self.check.error(
                "TSP0402", f"{counts[-1]:,} iterations are too many", span, f"at most {MOST_ITERATIONS:,}"
            )
        return counts

    def _check_kept(self, before: dict[str, Any], after: dict[str, Any], node: ast.Repeat) -> None:
        for name, old in before.items():
            new = after[name]
            if new is old or isinstance(new, Poison) or isinstance(old, Poison):
                continue
            kept = isinstance(old, Value) and isinstance(new, Value) and self._same_type(old.type, new.type)
            if not kept:
                message = f"an elastic `repeat` must keep the type of `{name}`"
                notes = [f"before: {describe(old)}", f"after: {describe(new)}"]
                help = [
                    "any iteration may be the last: change the type before the `repeat`, or keep it in the body"
                ]
                raise self.check.error("TSP0306", message, node.span, notes=notes, help=help)

    def _same_type(self, a: TensorType, b: TensorType) -> bool:
        if a.kind != b.kind or a.grid != b.grid or len(a.features.segments) != len(b.features.segments):
            return False
        pairs = [
            *zip(a.features.segments, b.features.segments, strict=True),
            *zip(a.sizes, b.sizes, strict=True),
        ]
        if a.heads is not None and b.heads is not None:
            pairs.append((a.heads, b.heads))
        return all(self.check.equal(x, y) for x, y in pairs)

    def _finish(
        self,
        node: ast.Repeat,
        count: Extent,
        counts: list[int],
        before: dict[str, Any],
        bodies: list[Any],
        history: list[dict[str, Any]],
        frame: Frame,
    ) -> None:
        carried = []
        for name, old in before.items():
            states = [h[name] for h in history]
            if not states or states[-1] is old:
                continue
            if isinstance(old, Value) and all(isinstance(s, Value) for s in states):
                result = states[-1] if len(counts) == 1 else self._mixed(name, old, states, node.span)
                carried.append(Carried(name, old, tuple(states), result))
                frame.locals[name] = result
            else:
                frame.locals[name] = states[-1]
        frame.steps.append(Repeat(count, tuple(bodies), tuple(carried), node.span))

    @staticmethod
    def _mixed(name: str, before: Value, states: Sequence[Value], span: Span) -> Value:
        zero = all(v.type.padding == "zero" for v in (before, *states))
        return Value(replace(before.type, padding="zero" if zero else "anything"), name, span)

    # --- calls -------------------------------------------------------------------------------------------------------

    def call_block(
        self,
        block: BlockDef,
        arguments: Sequence[tuple[ast.Name | None, Any, Span]],
        frame: Frame,
        span: Span,
        names: Sequence[str],
    ) -> tuple[Value, ...]:
        """Enter a block; the caller's values for what it returns."""
        parameters = [(p.name.id, p.default is None) for p in block.node.parameters]
        bound = binding.match(block.name, parameters, arguments, span, self.check)
        self._check_call(block, frame.call, span)
        inner = Frame(block.file, Call.of(block, frame.call), {}, [], frame.present)
        given = self._bind_parameters(block, bound, inner, span)
        self.check.calls.append(span)
        try:
            outputs = self._body(block.node.body, inner, block.node.name.span)
        finally:
            self.check.calls.pop()
        static = {n: v for n, v, _ in given if not isinstance(v, Value | NamedLayer)}
        # A named layer that was never applied has no weights, and nothing to hand on.
        handed = [(n, _owner_or_value(a), _owner_or_value(b)) for n, a, b in given if n not in static]
        inputs = tuple((n, inside) for n, inside, _ in handed if inside is not None)
        outside = tuple(value for _, _, value in handed if value is not None)
        instance = Instance(block.name, block.file.source.path, static, inputs, tuple(inner.steps), outputs)
        results = tuple(
            Value(v.type, names[i] if i < len(names) else "", span) for i, v in enumerate(outputs)
        )
        frame.steps.append(CallStep(instance, outside, results, span))
        return results

    def _check_call(self, block: BlockDef, within: Call, span: Span) -> None:
        """A block that is handed on as an argument may call itself, which the names do not show."""
        self._step(span)
        path, above = [block.name], within
        while above.parent is not None and above.block is not None:
            path.append(above.block.name)
            if above.block is block:
                way = " -> ".join(reversed(path))
                raise self.check.error("TSP0206", f"block `{block.name}` calls itself", span, way)
            above = above.parent
        if len(path) > DEEPEST_CALL:
            title = f"blocks call one another more than {DEEPEST_CALL} deep"
            raise self.check.error("TSP0402", title, span)

    def _step(self, span: Span) -> None:
        """The network may have so many steps and no more."""
        self.steps_left -= 1
        if self.steps_left < 0:
            title = f"the network unrolls into more than {MOST_STEPS:,} steps"
            help = ["every call of a block and every iteration of a `repeat` counts: repeat less"]
            self.check.error("TSP0402", title, span, "reached here", help=help)
            raise Exhausted

    def _bind_parameters(
        self, block: BlockDef, bound: Mapping[str, tuple[Any, Span]], inner: Frame, span: Span
    ) -> list[tuple[str, Any, Any]]:
        """Give every parameter its value in the block's frame: name, value inside, value outside."""
        given = []
        for parameter in block.node.parameters:
            name = parameter.name.id
            value, at = bound.get(name, (None, span))
            if name not in bound and parameter.default is not None:
                value = self.evaluate.any(parameter.default, inner)
            if isinstance(value, Several):
                message = "a list cannot be handed to a block"
                raise self.check.error("TSP0213", message, at, "hand on its tensors one by one")
            inside = Value(value.type, name, at) if isinstance(value, Value) else value
            inner.locals[name] = inside
            given.append((name, inside, value))
        return given

    def apply(
        self,
        op: Op,
        bound: Mapping[str, tuple[Any, Span]],
        frame: Frame,
        span: Span,
        name: str,
        layer: NamedLayer | None = None,
    ) -> Value:
        """One operation, appended to the frame's steps."""
        self._step(span)
        with self.check.guarded(span):
            inferred, values = self.infer(op, bound, span)
            _tabulate(inferred)
        owner = self._owner(inferred, layer, span)
        output = Value(inferred.type, name, span)
        tensors: list[Value] = []
        for parameter in op.parameters:
            if parameter.is_tensor:
                tensors.extend(values[parameter.name] if parameter.variadic else (values[parameter.name],))
        sums = (
            ex.union(*(ex.choice(p) for w in inferred.weights for p in w.positions))
            if inferred.sums_over is None
            else inferred.sums_over
        )
        frame.steps.append(
            Operation(
                op.name, tuple(tensors), output, inferred.supernet, inferred.plain, span, owner,
                None if inferred.tied is None else inferred.tied, inferred.macs, sums, inferred.lowerings, inferred.lowerings[0],
                inferred.shape_comment,
            )
        )  # fmt: skip
        return output

    def infer(
        self, op: Op, bound: Mapping[str, tuple[Any, Span]], span: Span
    ) -> tuple[Inferred, dict[str, Any]]:
        values, spans = binding.as_mapping(op, bound, self.check, span)
        for parameter in op.parameters:
            if parameter.kind == "layer" and values[parameter.name] is not None:
                values[parameter.name] = self.evaluate.resolved(values[parameter.name], spans[parameter.name])
        return op.infer(Bound(op, values, spans, span, self.check)), values

    def _owner(self, inferred: Inferred, named: NamedLayer | None, span: Span) -> Layer | None:
        if inferred.supernet.layer is None:
            return None
        if named is None:
            return Layer("", inferred.weights, span)
        if named.layer is None:
            named.layer = Layer(named.name, inferred.weights, named.span)
        elif not self._same_weights(named.layer.weights, inferred.weights):
            title = f"`{named.name}` is used with two different widths"
            labels = [Label(named.layer.span, f"its weights are {_shapes(named.layer.weights)}")]
            text = f"here they would be {_shapes(inferred.weights)}"
            raise self.check.error("TSP0405", title, span, text, labels=labels)
        return named.layer

    def _same_weights(self, a: Sequence[Any], b: Sequence[Any]) -> bool:
        pairs = [(x, y) for v, w in zip(a, b, strict=True) for x, y in zip(v.axes, w.axes, strict=True)]
        return all(
            x == y or self.check.equal(x.width, y.width) and x.positions == y.positions for x, y in pairs
        )


def _owner_or_value(value: Value | NamedLayer) -> Value | Layer | None:
    return value.layer if isinstance(value, NamedLayer) else value


def _tabulate(inferred: Inferred) -> None:
    """Whatever a result or a weight depends on can be enumerated. Raises `TooLarge`, `Undefined`."""
    axes = [a for w in inferred.weights for a in w.axes]
    segments = [s for a in axes for s in (a.segments if isinstance(a, Axis) else (a.size,))]
    if inferred.type is not None:
        segments += [*inferred.type.features.segments, *inferred.type.sizes]
    for segment in segments:
        ex.table(segment)


def _shapes(weights: Sequence[Weight]) -> str:
    return " and ".join(f"({', '.join(map(str, w.axes))})" for w in weights)


def _followed(body: tuple[ast.Stmt, ...], tail: tuple[ast.Stmt, ...]) -> tuple[ast.Stmt, ...]:
    """A side of a condition and what comes after the condition, if the side does not end in `return`."""
    return body if body and _ends(body[-1]) else (*body, *tail)


def _ends(node: ast.Stmt) -> bool:
    if isinstance(node, ast.If):
        return all(side and _ends(side[-1]) for side in (node.then, node.otherwise))
    return isinstance(node, ast.Return)


def bound_names(node: object) -> list[str]:
    """The names that a statement (or several) binds."""
    names: list[str] = []
    for n in _statements(node if isinstance(node, tuple) else (node,)):
        if isinstance(n, ast.Assign):
            names.extend(t.id for t in n.targets)
        elif isinstance(n, ast.AugAssign):
            names.append(n.target.id)
    return names


def _statements(body: Sequence[Any]) -> Iterator[Any]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements((*node.then, *node.otherwise))
        elif isinstance(node, ast.Repeat):
            yield from _statements(node.body)
