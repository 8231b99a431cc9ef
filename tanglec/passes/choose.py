"""`choose`: one arm for every label. Arms under `entangled` call one block on one set of weights.

What differs between entangled arms in numbers is superposed: the block is entered once, and where the arms say 3 and 5 it
sees `3 if op == a else 5`. What differs in tensors is evaluated once for each arm, by the same block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Abort, Label
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position, Scalar
from tanglec.ir.nodes import Arm, Choose, Value
from tanglec.ir.nodes import Call as CallStep
from tanglec.ir.types import Axis, TensorType
from tanglec.ops.registry import Op
from tanglec.passes import binding
from tanglec.passes.arithmetic import sort_of
from tanglec.passes.binding import NamedLayer, describe
from tanglec.passes.names import BlockDef
from tanglec.source import Span
from tanglec.spelling import closest
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator
    from tanglec.passes.frame import Frame

Arguments = dict[str, tuple[Any, Span]]
Key = tuple[bool, Scalar]

_TAKE_OUT = "put an arm beside `entangled:` to give it weights of its own"


class Choosing:
    """Evaluates `choose` in a frame of the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check

    def __call__(self, node: ast.Choose, frame: Frame, name: str) -> Any:
        on = self._on(node, frame)
        self._check_labels(node, on)
        if on.is_constant:
            key = _key(on.constant)
            taken = next(arm for group in _groups(node) for arm in group if _key(_label(arm)) == key)
            return self.elaborator.evaluate(taken.value, frame, name)
        arms: list[tuple[Extent, Any, tuple[Scalar, ...], Frame]] = []
        failed: Abort | None = None
        for group in self._shared(node, on.positions[0]):
            try:
                arms.extend(self._arms(group, node, on, frame))
            except Abort as abort:
                failed = abort
        if failed is not None:
            raise failed
        return self._joined(node, on, arms, frame, name)

    # --- labels ------------------------------------------------------------------------------------------------------

    def _on(self, node: ast.Choose, frame: Frame) -> Extent:
        """What is chosen on: the choice at one position, or a constant, which settles it."""
        on = self.elaborator.evaluate(node.dim, frame)
        if on is None:
            return ex.const("none")
        on = on.width if isinstance(on, Axis) else on
        if isinstance(on, Extent) and on.kind == "choice":
            given = self.elaborator.positions.given
            return ex.const(given[on.positions[0]]) if on.positions[0] in given else on
        if isinstance(on, Extent) and on.is_constant:
            return on
        computed = f", and `{node.dim.id}` is computed from one" if isinstance(on, Extent) else ""
        title = f"`choose` needs a dimension{computed}"
        raise self.check.error("TSP0218", title, node.dim.span, f"this is {describe(on)}")

    def _check_labels(self, node: ast.Choose, on: Extent) -> None:
        """Every label has one arm, and every arm a label."""
        seen: dict[Key, Span] = {}
        for arm in (a for group in _groups(node) for a in group):
            key = _key(_label(arm))
            if key in seen:
                labels = [Label(seen[key], "first here")]
                shown = ex.show_scalar(key[1])
                raise self.check.error("TSP0218", f"two arms for `{shown}`", arm.label.span, labels=labels)
            seen[key] = arm.label.span
        if on.is_constant:
            self._check_settled(node, on.constant, seen)
            return
        self._check_known(on.positions[0].dim, seen)
        missing = [value for value in on.positions[0].choices if _key(value) not in seen]
        if missing:
            text = f"one of {_listed(on.positions[0].choices)}"
            raise self.check.error("TSP0218", f"no arm for {_listed(missing, '`')}", node.dim.span, text)

    def _check_settled(self, node: ast.Choose, value: Scalar, seen: Mapping[Key, Span]) -> None:
        """What is known when compiling has an arm."""
        if _key(value) not in seen:
            title = f"no arm for `{ex.show_scalar(value)}`"
            help = [f"the arms are {_listed(v for _, v in seen)}"]
            text = f"`{node.dim.id}` is {ex.show_scalar(value)} here"
            raise self.check.error("TSP0218", title, node.dim.span, text, help=help)

    def _check_known(self, dim: str, seen: Mapping[Key, Span]) -> None:
        """No arm is for what the dimension never is, at any position."""
        choices = {_key(v): v for each in self.elaborator.positions.lists[dim] for v in each}
        left = [v for key, v in choices.items() if key not in seen and isinstance(v, str)]
        odd = []
        for key in (key for key in seen if key not in choices):
            near = closest(str(key[1]), left)
            help = [f"did you mean `{near}`?" if near else f"its choices are {_listed(choices.values())}"]
            title = f"`{dim}` has no choice `{ex.show_scalar(key[1])}`"
            odd.append(self.check.error("TSP0218", title, seen[key], help=help))
        if odd:
            raise odd[0]

    def _shared(self, node: ast.Choose, position: Position) -> Iterator[list[ast.Arm]]:
        """The arms that this position can take, those that share weights together."""
        choices = {_key(c) for c in position.choices}
        for group in _groups(node):
            here = [arm for arm in group if _key(_label(arm)) in choices]
            if self.elaborator.sharing == "separate":
                yield from ([arm] for arm in here)
            elif here:
                yield here

    # --- arms --------------------------------------------------------------------------------------------------------

    def _arms(
        self, group: list[ast.Arm], node: ast.Choose, on: Extent, frame: Frame
    ) -> list[tuple[Extent, Any, tuple[Scalar, ...], Frame]]:
        if len(group) > 1:
            return self._entangled(group, node, on, frame)
        label = _label(group[0])
        condition = ex.apply("==", on, ex.const(label))
        inner = frame.inner(ex.apply("and", frame.present, condition))
        with self._taken(node, on, label, inner):
            value = self.elaborator.evaluate(group[0].value, inner)
        return [(condition, value, (label,), inner)]

    @contextmanager
    def _taken(self, node: ast.Choose, on: Extent, label: Scalar, inner: Frame) -> Iterator[None]:
        """Inside arm `v`, `d` is `v`."""
        positions, given = self.elaborator.positions, self.elaborator.positions.given
        if node.dim.id in inner.locals:
            inner.locals[node.dim.id] = ex.const(label)
        positions.given = {**given, on.positions[0]: label}
        try:
            with self.elaborator.conditions.assuming(ex.apply("==", on, ex.const(label))):
                yield
        finally:
            positions.given = given

    def _entangled(
        self, group: list[ast.Arm], node: ast.Choose, on: Extent, frame: Frame
    ) -> list[tuple[Extent, Any, tuple[Scalar, ...], Frame]]:
        labels = tuple(map(_label, group))
        conditions = [ex.apply("==", on, ex.const(label)) for label in labels]
        any_label = ex.any_of(conditions)
        frames = [frame.inner(ex.apply("and", frame.present, condition)) for condition in conditions]
        calls = []
        failed: list[Abort] = []
        for arm, label, inner in zip(group, labels, frames, strict=True):
            try:
                with self._taken(node, on, label, inner):
                    calls.append(self._call(arm, inner))
            except Abort as abort:
                failed.append(abort)
        if failed:
            raise failed[0]
        callees, given = [callee for callee, _ in calls], [arguments for _, arguments in calls]
        self._check_alike(group, callees, given)
        merged = {n: self._merged(n, conditions, [g[n] for g in given], group) for n in given[0]}
        tensors = any(
            isinstance(v, Value) and any(g[n][0] is not v for g in given) for n, (v, _) in given[0].items()
        )
        present = ex.apply("and", frame.present, any_label)
        with self.elaborator.conditions.assuming(any_label):
            if not tensors and not any(f.steps for f in frames):
                inner = frame.inner(present)
                value = self._enter(callees[0], merged, inner, group[0].value.span)
                return [(any_label, value, labels, inner)]
            values = self._each(callees[0], merged, given, frames, present, group)
        return [(c, v, (n,), f) for c, v, n, f in zip(conditions, values, labels, frames, strict=True)]

    def _call(self, arm: ast.Arm, inner: Frame) -> tuple[BlockDef | Op, Arguments]:
        """What an entangled arm calls, and with which arguments."""
        calls = self.elaborator.evaluate.calls
        callee = calls.callee(arm.value.callee, inner) if isinstance(arm.value, ast.Call) else None
        if not isinstance(arm.value, ast.Call) or not isinstance(callee, BlockDef | Op):
            title = "entangled arms call one block or operation"
            text = f"this calls {describe(callee)}" if isinstance(callee, NamedLayer) else "this calls none"
            raise self.check.error("TSP0406", title, arm.value.span, text, help=[_TAKE_OUT])
        if isinstance(callee, Op) and callee.parameters[0].variadic:
            title = f"entangled arms share weights, and `{callee.name}` has none"
            raise self.check.error("TSP0406", title, arm.value.span, help=[_TAKE_OUT])
        evaluated = [
            (a.name, self.elaborator.evaluate(a.value, inner), a.value.span) for a in arm.value.arguments
        ]
        signature = binding.signature(callee)
        return callee, binding.match(callee.name, signature, evaluated, arm.value.span, self.check)

    def _check_alike(
        self, group: list[ast.Arm], callees: Sequence[BlockDef | Op], given: Sequence[Arguments]
    ) -> None:
        for arm, callee, arguments in zip(group, callees, given, strict=True):
            first = group[0].value.span
            if callee is not callees[0]:
                title = f"entangled arms call one block, not `{callees[0].name}` and `{callee.name}`"
                labels = [Label(first, f"this calls `{callees[0].name}`")]
                text = f"this calls `{callee.name}`"
                raise self.check.error(
                    "TSP0406", title, arm.value.span, text, labels=labels, help=[_TAKE_OUT]
                )
            odd = sorted(arguments.keys() ^ given[0].keys())
            if odd:
                title = f"entangled arms give the same arguments, and `{odd[0]}` is given by some only"
                gives = {True: f"this gives `{odd[0]}`", False: f"this does not give `{odd[0]}`"}
                labels = [Label(first, gives[odd[0] in given[0]])]
                help = [f"give `{odd[0]}` in every arm"]
                text = gives[odd[0] in arguments]
                raise self.check.error("TSP0406", title, arm.value.span, text, labels=labels, help=help)

    def _merged(
        self,
        name: str,
        conditions: Sequence[Extent],
        values: Sequence[tuple[Any, Span]],
        group: list[ast.Arm],
    ) -> tuple[Any, Span]:
        """One argument from those of all arms."""
        first, span = values[0]
        if (
            all(v is first for v, _ in values)
            or isinstance(first, Value)
            and all(isinstance(v, Value) for v, _ in values)
        ):
            return first, span
        plain = [v.segments[0] if isinstance(v, Axis) and len(v.segments) == 1 else v for v, _ in values]
        if all(isinstance(v, Extent) for v in plain):
            return self.select(conditions, plain), span
        axes = [v.segments for v in plain if isinstance(v, Axis)]
        if len(axes) == len(plain) and len(set(map(len, axes))) == 1:
            rows = zip(*axes, strict=True)
            return Axis(tuple(self.select(conditions, row) for row in rows)), span
        other = next(i for i, (v, _) in enumerate(values) if v is not first)
        title = f"entangled arms cannot differ in `{name}`"
        labels = [Label(span, f"this is {describe(first)}")]
        text = f"this is {describe(values[other][0])}"
        help = ["entangled arms may differ in numbers and in tensors", _TAKE_OUT]
        raise self.check.error("TSP0406", title, values[other][1], text, labels=labels, help=help)

    def _enter(self, callee: BlockDef | Op, arguments: Arguments, inner: Frame, span: Span) -> Any:
        if isinstance(callee, Op):
            return self.elaborator.apply(callee, arguments, inner, span, "")
        named = [(ast.Name(n, span=at), v, at) for n, (v, at) in arguments.items()]
        values = self.elaborator.call_block(callee, named, inner, span, ())
        if len(values) != 1:
            title = f"an arm of `choose` is one value, and `{callee.name}` returns {len(values)}"
            raise self.check.error("TSP0216", title, span)
        return values[0]

    def _each(
        self,
        callee: BlockDef | Op,
        merged: Arguments,
        given: Sequence[Arguments],
        frames: Sequence[Frame],
        present: Extent,
        group: list[ast.Arm],
    ) -> list[Any]:
        """Each arm on tensors of its own, all on the weights of the first."""
        spans = [arm.value.span for arm in group]
        if isinstance(callee, Op):
            shared = NamedLayer(callee, (), spans[0])
            return [
                self.elaborator.apply(callee, _with_tensors(merged, own), inner, span, "", shared)
                for own, inner, span in zip(given, frames, spans, strict=True)
            ]
        first = replace(frames[0], present=present)
        values = [self._enter(callee, _with_tensors(merged, given[0]), first, spans[0])]
        made = first.steps[-1]
        assert isinstance(made, CallStep)
        for own, inner, span in zip(given[1:], frames[1:], spans[1:], strict=True):
            tensors = {n: v for n, (v, _) in own.items() if isinstance(v, Value)}
            values.append(self.elaborator.call_block.again(made, tensors, inner, span, "TSP0406"))
        return values

    # --- the value ---------------------------------------------------------------------------------------------------

    def select(self, conditions: Sequence[Extent], extents: Sequence[Extent]) -> Extent:
        """The extent whose condition holds; the last where none does."""
        result = extents[-1]
        for condition, extent in zip(reversed(conditions[:-1]), reversed(extents[:-1]), strict=True):
            if extent != result:
                result = ex.apply("where", condition, extent, result)
        return result

    def _joined(
        self,
        node: ast.Choose,
        on: Extent,
        arms: list[tuple[Extent, Any, tuple[Scalar, ...], Frame]],
        frame: Frame,
        name: str,
    ) -> Any:
        conditions, values = [a[0] for a in arms], [a[1] for a in arms]
        where = {_key(_label(arm)): arm.value.span for group in _groups(node) for arm in group}
        spans = [where[_key(labels[0])] for _, _, labels, _ in arms]
        plain = [v.width if isinstance(v, Axis) else v for v in values]
        self._check_sorts(plain, spans)
        if isinstance(plain[0], Extent):
            return self.select(conditions, plain)
        type = self._type([v.type for v in values], conditions, on, spans)
        result = Value(type, name, node.span)
        made = tuple(Arm(labels, c, tuple(f.steps), v) for c, v, labels, f in arms)
        frame.steps.append(Choose(on, made, result, node.span, self.elaborator.group_weight == "inside"))
        return result

    def _check_sorts(self, values: Sequence[Any], spans: Sequence[Span]) -> None:
        """All arms are tensors, or all are numbers (names, truth values)."""
        for value, span in zip(values, spans, strict=True):
            if not isinstance(value, Value | Extent):
                title = f"an arm of `choose` is a tensor or a number, not {describe(value)}"
                help = ["`zero(x)` stands for nothing"] if value is None else []
                raise self.check.error("TSP0218", title, span, help=help)
            if _sort(value) != _sort(values[0]):
                title = "the arms of `choose` are all tensors, or all numbers"
                labels = [Label(spans[0], f"this is {describe(values[0])}")]
                raise self.check.error("TSP0218", title, span, f"this is {describe(value)}", labels=labels)

    def _type(
        self, types: Sequence[TensorType], conditions: Sequence[Extent], on: Extent, spans: Sequence[Span]
    ) -> TensorType:
        """The type of the sum: as wide as the arm that is taken, segment by segment; an arm may lack the last ones."""
        first = types[0]
        for other, span in zip(types[1:], spans[1:], strict=True):
            alike = other.kind == first.kind and other.heads == first.heads
            if not alike:
                title = "the arms of `choose` make tensors that cannot be added"
                labels = [Label(spans[0], f"this is {first}")]
                notes = self.elaborator.contrast(first, other)
                text = f"this is {other}"
                raise self.check.error("TSP0302", title, span, text, labels=labels, notes=notes)

        def one(extents: Sequence[Extent]) -> Extent:
            same = all(e == extents[0] or self.check.equal(e, extents[0]) for e in extents)
            return extents[0] if same else self.select(conditions, extents)

        layouts = [t.features.segments for t in types]
        segments = tuple(map(one, zip_longest(*layouts, fillvalue=ex.const(0))))
        sizes = tuple(map(one, zip(*(t.sizes for t in types), strict=True)))
        if sizes != first.sizes:
            why = "the arms of a `choose` differ in size"
            self.check.sampled_only(on.positions, why, spans[0])
        grid = first.grid if all(t.grid == first.grid for t in types) else None
        zero = all(t.padding == "zero" for t in types)
        return TensorType(
            first.kind, Axis(segments), sizes, grid, first.heads, "zero" if zero else "anything"
        )


def _with_tensors(merged: Arguments, own: Arguments) -> Arguments:
    return {n: own[n] if isinstance(v, Value) else (v, at) for n, (v, at) in merged.items()}


def _groups(node: ast.Choose) -> list[list[ast.Arm]]:
    """The arms as written; those under one `entangled` together."""
    return [list(a.arms) if isinstance(a, ast.Entangled) else [a] for a in node.arms]


def _sort(value: Value | Extent) -> str:
    return "tensor" if isinstance(value, Value) else sort_of(value)


def _label(arm: ast.Arm) -> Scalar:
    match arm.label:
        case ast.Name():
            return arm.label.id
        case ast.Nothing():
            return "none"
        case ast.Number() | ast.Boolean():
            return ex.const(arm.label.value).constant
    raise AssertionError(arm.label)


def _key(value: Scalar) -> Key:
    """`true` is not 1."""
    return isinstance(value, bool), value


def _listed(values: Iterable[Scalar], quote: str = "") -> str:
    return ", ".join(f"{quote}{ex.show_scalar(v)}{quote}" for v in values)
