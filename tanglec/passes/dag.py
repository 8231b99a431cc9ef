"""`dag`: the topology of cells. Node `i` is the sum of `edge(h)` over all earlier nodes `h`, or over those that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Label
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent
from tanglec.ir.nodes import Call, Sum, Value
from tanglec.ir.types import TensorType
from tanglec.ops.registry import Op
from tanglec.passes import binding
from tanglec.passes.arithmetic import sort_of
from tanglec.passes.binding import NamedLayer, Several, describe
from tanglec.passes.constants import MOST_CHOICES
from tanglec.passes.names import BlockDef
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator
    from tanglec.passes.frame import Frame

Arguments = Sequence[tuple[ast.Name | None, Any, Span]]

MOST_NODES = 64
_PARAMETERS = [
    ("inputs", True),
    ("nodes", True),
    ("edge", True),
    ("node", False),
    ("input_stride", False),
    ("keep", False),
    ("shared", False),
]


class Dags:
    """Evaluates `dag(inputs, nodes=n, edge=block, node=block, input_stride=1, keep=none, shared=[])`.

    `shared` are named layers: the edges into one node share a copy of each, which `edge` is given behind its tensor.
    """

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check
        self.depth = 0  # inside the edges of how many others

    def __call__(self, arguments: Arguments, frame: Frame, span: Span) -> Several:
        bound = binding.match("dag", _PARAMETERS, arguments, span, self.check)
        values = list(self._inputs(*bound["inputs"]))
        inputs = len(values)
        nodes = self._whole("nodes", *bound["nodes"], MOST_NODES)
        edge = self._block("edge", *bound["edge"])
        finish = self._block("node", *bound["node"]) if bound.get("node", (None,))[0] is not None else None
        keep = self._keep(bound, inputs)
        shared = self._layers(*bound["shared"]) if "shared" in bound else ()
        self._check_called(edge, finish, len(shared), bound)
        stride = self._stride(edge, *bound["input_stride"]) if "input_stride" in bound else None
        mark = object()
        for number in range(inputs, inputs + nodes):
            strides = [stride if source < inputs else None for source in range(number)]
            total = self._sum(mark, edge, values, strides, keep, shared, frame, (span, bound["edge"][1]))
            if finish is None:
                values.append(total)
            else:
                names = (f"node_{number}",)
                results = self.elaborator.call_block(finish, [(None, total, span)], frame, span, names)
                if len(results) != 1:
                    title = f"a node is one tensor; `{finish.name}` returns {len(results)}"
                    raise self.check.error("TSP0219", title, bound["node"][1])
                values.extend(results)
        return Several(tuple(values))

    # --- arguments ---------------------------------------------------------------------------------------------------

    def _inputs(self, value: Any, span: Span) -> tuple[Value, ...]:
        items = value.items if isinstance(value, Several) else (value,)
        title = "`dag` begins with a list of tensors"
        if not items:
            raise self.check.error("TSP0219", title, span, "this list is empty")
        for item in items:
            if not isinstance(item, Value):
                holds = "holds" if isinstance(value, Several) else "is"
                raise self.check.error("TSP0219", title, span, f"this {holds} {describe(item)}")
        return tuple(items)

    def _whole(self, name: str, value: Any, span: Span, most: int) -> int:
        whole = isinstance(value, Extent) and value.is_constant and ex.is_whole(value.constant)
        if not whole or not 1 <= value.constant <= most:
            varies = ", which varies" if isinstance(value, Extent) and not value.is_constant else ""
            text = f"this is {describe(value)}{varies}"
            title = f"`{name}` of `dag` is a whole number from 1 to {most}"
            raise self.check.error("TSP0219", title, span, text)
        return int(value.constant)

    def _block(self, name: str, value: Any, span: Span) -> BlockDef:
        if isinstance(value, BlockDef):
            return value
        layer = isinstance(value, Op | NamedLayer)
        help = [f"write a block around it: `block {name}(x): return …`"] if layer else []
        title = f"`{name}` of `dag` is a block"
        raise self.check.error("TSP0219", title, span, f"this is {describe(value)}", help=help)

    def _check_called(
        self, edge: BlockDef, finish: BlockDef | None, shared: int, bound: Mapping[str, tuple[Any, Span]]
    ) -> None:
        """Edges are called with a tensor and what they share, nodes with their sum."""
        layers = f" and {shared} shared layer{'s' * (shared > 1)}" if shared else " and nothing else"
        title = f"the edges of a `dag` are called with a tensor{layers}"
        binding.check_callable(edge, 1 + shared, "TSP0219", title, bound["edge"][1], self.check)
        if finish is not None:
            title = "the nodes of a `dag` are called with a tensor and nothing else"
            binding.check_callable(finish, 1, "TSP0219", title, bound["node"][1], self.check)

    def _stride(self, edge: BlockDef, value: Any, span: Span) -> tuple[Extent, Span] | None:
        """What the edges from the inputs are given as `stride`; None for 1."""
        if not isinstance(value, Extent) or sort_of(value) != "number":
            title = "`input_stride` of `dag` is a number"
            raise self.check.error("TSP0219", title, span, f"this is {describe(value)}")
        if value == ex.const(1):
            return None
        if "stride" not in [p.name.id for p in edge.node.parameters]:
            title = "`input_stride` is handed to the edges from the inputs as `stride`"
            help = [f"give it one: `block {edge.name}(x, stride=1): …`"]
            labels = [Label(edge.node.name.span, "this block has no `stride`")]
            raise self.check.error("TSP0219", title, span, labels=labels, help=help)
        return value, span

    def _layers(self, value: Any, span: Span) -> tuple[NamedLayer, ...]:
        items = value.items if isinstance(value, Several) else (value,)
        for item in items:
            if not isinstance(item, NamedLayer):
                help = ["leave out the tensor of an operation: `shared=[linear(64)]`"]
                title = "`shared` of `dag` is a list of layers"
                holds = "holds" if isinstance(value, Several) else "is"
                raise self.check.error("TSP0219", title, span, f"this {holds} {describe(item)}", help=help)
        return tuple(items)

    def _keep(self, bound: dict[str, tuple[Any, Span]], inputs: int) -> int | None:
        """How many incoming edges a node keeps; None where it keeps all."""
        value, span = bound.get("keep", (None, None))
        if value is None or span is None:
            return None
        keep = self._whole("keep", value, span, MOST_NODES)
        if keep > inputs:
            title = f"the first node of this `dag` has {inputs} incoming edge{'s' * (inputs > 1)}, and cannot keep {keep}"
            help = [f"`keep` is at most the number of inputs, here {inputs}"]
            raise self.check.error("TSP0219", title, span, help=help)
        return keep

    # --- one node ----------------------------------------------------------------------------------------------------

    def _sum(
        self,
        mark: object,
        edge: BlockDef,
        values: Sequence[Value],
        strides: Sequence[tuple[Extent, Span] | None],
        keep: int | None,
        shared: Sequence[NamedLayer],
        frame: Frame,
        spans: tuple[Span, Span],
    ) -> Value:
        """`spans` are those of the whole and of the edge's block."""
        span, edge_span = spans
        choice = None if keep is None else self._choice(edge, len(values), keep, frame, span)
        gates = [
            TRUE if choice is None else ex.apply("keeps", choice, ex.const(i)) for i in range(len(values))
        ]
        layers = [NamedLayer(layer.op, layer.arguments, layer.span, layer.name) for layer in shared]
        calls: list[Call] = []
        for value, stride, condition in zip(values, strides, gates, strict=True):
            inner = frame.inner(ex.apply("and", frame.present, condition))
            arguments: list[tuple[ast.Name | None, Any, Span]] = [(None, v, span) for v in (value, *layers)]
            if stride is not None:
                arguments.append((ast.Name("stride", span=stride[1]), *stride))
            with self.elaborator.conditions.assuming(condition), self._inside():
                results = self.elaborator.call_block(edge, arguments, inner, span, ())
            if len(results) != 1:
                title = f"an edge makes one tensor; `{edge.name}` returns {len(results)}"
                raise self.check.error("TSP0219", title, edge_span)
            calls.extend(step for step in inner.steps if isinstance(step, Call))
        type = self._type([c.results[0].type for c in calls], span)
        result = Value(type, f"node_{len(values)}", span)
        sources = tuple(range(len(values)))
        frame.steps.append(Sum(mark, tuple(calls), tuple(gates), sources, choice, result, span))
        return result

    def _choice(self, edge: BlockDef, sources: int, keep: int, frame: Frame, span: Span) -> Extent | None:
        """The choice of `keep` edges out of all: `0+2` keeps those from nodes 0 and 2; None where all are kept."""
        if comb(sources, keep) > MOST_CHOICES:
            title = f"a node with {sources} incoming edges has {comb(sources, keep):,} ways to keep {keep}"
            raise self.check.error("TSP0402", title, span, f"at most {MOST_CHOICES:,}")
        subsets = tuple("+".join(map(str, kept)) for kept in combinations(range(sources), keep))
        choice = self.elaborator.positions.keep(edge, subsets, frame.call, frame.present, span, self.depth)
        return None if choice.is_constant else choice

    @contextmanager
    def _inside(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def _type(self, types: Sequence[TensorType], span: Span) -> TensorType:
        first = types[0]
        for source, other in enumerate(types):
            if not self.elaborator.same_type(first, other):
                title = f"the edges into node {len(types)} of this `dag` make tensors of different types"
                notes = [f"from node 0: {first}", f"from node {source}: {other}"]
                notes += self.elaborator.contrast(first, other)
                help = ["nodes are numbered from 0, inputs first; each edge must make the same type"]
                raise self.check.error("TSP0312", title, span, notes=notes, help=help)
        zero = all(t.padding == "zero" for t in types)
        return TensorType(
            first.kind,
            first.features,
            first.sizes,
            first.grid,
            first.heads,
            "zero" if zero else "anything",
        )
