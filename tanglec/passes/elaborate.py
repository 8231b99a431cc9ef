"""Walks the network in order of execution: the unrolled IR, every tensor with its symbolic type.

Blocks are entered at every call, with their arguments bound; a repetition is entered as often as its count can get. An
error gives up on its statement only: what it would have bound is poisoned, and what reads that stays silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tanglec.diagnostics import Abort, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import Scalar
from tanglec.ir.nodes import (
    InputTensor,
    Instance,
    Space,
    Value,
)
from tanglec.ir.types import KINDS, TensorType, axis
from tanglec.passes import binding
from tanglec.passes.application import Application
from tanglec.passes.blocks import Blocks
from tanglec.passes.bound import bound_names
from tanglec.passes.calls import number_of
from tanglec.passes.checks import Checker, show_choices
from tanglec.passes.choose import Choosing
from tanglec.passes.conditions import Conditions
from tanglec.passes.constants import read_choices, read_params
from tanglec.passes.cost import cost_terms
from tanglec.passes.dag import Dags
from tanglec.passes.evaluate import POISON, Evaluator, Poison
from tanglec.passes.frame import Frame
from tanglec.passes.names import FileScope
from tanglec.passes.notations import read_notations
from tanglec.passes.positions import Call, Positions
from tanglec.passes.repetition import Repetitions
from tanglec.passes.requirements import read_requirements, templates
from tanglec.passes.scan import Scans
from tanglec.source import Span
from tanglec.syntax import ast

MOST_STEPS = 20_000  # operations, calls and iterations of a whole network


def elaborate(
    scope: FileScope,
    overrides: Mapping[str, Scalar],
    sha256: str,
    sink: Sink,
    sharing: str = "entangled",
    group_weight: str = "outside",
) -> Space | None:
    """The IR of a resolved file; None where errors keep it from being made."""
    constants = read_params(scope, overrides, sink)
    notations = read_notations(scope, sink)
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
    walker = Elaborator(scope, constants.params, positions, check, sharing, group_weight)
    try:
        inputs, network = walker.network(scope.network)
    except (Abort, Exhausted):
        return None
    try:
        with check.guarded(scope.network.span):
            dimensions = positions.dimensions(check.sampled, sink)
            if sink.failed:
                return None
            terms = cost_terms(network)
            requirements = read_requirements(scope, dimensions, constants.params, sink, terms)
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
        parameters=terms["params"],
        multiply_adds=terms["macs"],
        notations=notations,
    )


class Exhausted(Exception):
    """Too many steps: gives up on the network, not only on a statement."""


class Elaborator:
    """Statements, calls and repetitions; expressions are the evaluator's."""

    def __init__(
        self,
        scope: FileScope,
        params: Mapping[str, Scalar],
        positions: Positions,
        check: Checker,
        sharing: str,
        group_weight: str,
    ) -> None:
        self.scope, self.params, self.positions, self.check = scope, params, positions, check
        self.sharing, self.group_weight = sharing, group_weight
        self.evaluate = Evaluator(self)
        self.conditions, self.repeat = Conditions(self), Repetitions(self)
        self.call_block, self.apply = Blocks(self), Application(self)
        self.choose = Choosing(self)
        self.dag = Dags(self)
        self.scan = Scans(self)
        self.steps_left = MOST_STEPS

    # --- the network and its inputs ----------------------------------------------------------------------------------

    def network(self, node: ast.Network) -> tuple[tuple[InputTensor, ...], Instance]:
        call = Call(None, None)
        frame = Frame(self.scope, call, {})
        inputs = self._inputs(frame)
        outputs = self.body(node.body, frame, node.span)
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

    def body(self, body: Sequence[ast.Stmt], frame: Frame, span: Span) -> tuple[Value, ...]:
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
                stopped, returned = self.conditions(node, rest, frame)
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
                    self.repeat(node, frame)
        except Abort:
            for name in bound_names(node):
                frame.locals[name] = POISON

    def _assign(self, node: ast.Assign, frame: Frame) -> None:
        names = [t.id for t in node.targets]
        values: list[Any] = []
        for i, expression in enumerate(node.values):
            own = names[i : i + 1] if len(node.values) == len(names) else names
            values.extend(self.evaluate.several(expression, frame, own[0], own))
        if len(values) != len(names):
            message = f"{number_of(values, 'value')} for {number_of(names, 'name')}"
            raise self.check.error("TSP0216", message, node.span)
        for name, value in zip(names, values, strict=True):
            frame.locals[name] = value

    # --- limits and types -------------------------------------------------------------------------------------------

    def step(self, span: Span) -> None:
        """The network may have so many steps and no more."""
        self.steps_left -= 1
        if self.steps_left < 0:
            title = f"the network unrolls into more than {MOST_STEPS:,} steps"
            help = ["every call of a block and every iteration of a `repeat` counts: repeat less"]
            self.check.error("TSP0402", title, span, "reached here", help=help)
            raise Exhausted

    def same_type(self, a: TensorType, b: TensorType) -> bool:
        """Whether two types agree for every choice."""
        sizes = a.beside(b)
        return sizes is not None and all(self.check.equal(x, y) for x, y in sizes)

    def contrast(self, a: TensorType, b: TensorType) -> list[str]:
        """Notes on why two types differ, where their texts leave it open."""
        sizes = a.beside(b)
        if sizes is None and a.kind == b.kind and "++" in f"{a}{b}":
            return ["`++` stands between segments that `concat` made: they are not one width"]
        odd = next((p for p in sizes or () if not self.check.equal(*p)), None)
        example = self.check.counterexample(ex.apply("==", *odd)) if odd else {}
        return [f"they differ for {show_choices(example)}"] if example else []
