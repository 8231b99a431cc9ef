"""Where choices are made: the positions of every dimension, found while the network is walked in order of execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import chain, count
from typing import Any

from tanglec.diagnostics import Abort, Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import FALSE, TRUE, Extent, Position, Scalar
from tanglec.ir.nodes import Dimension
from tanglec.passes.checks import Checker
from tanglec.passes.names import BlockDef, FileScope
from tanglec.record import record
from tanglec.source import Span
from tanglec.syntax import ast


@record(eq=False, frozen=False)
class Call:
    """One instance of a block on the way: its ordinal within each instance that encloses it."""

    block: BlockDef | None  # None for the network
    parent: Call | None
    ordinals: dict[Call, int] = field(default_factory=dict)
    counts: dict[BlockDef, int] = field(default_factory=dict)

    @classmethod
    def of(cls, block: BlockDef, parent: Call) -> Call:
        """Enter an instance: every enclosing one counts it."""
        call = cls(block, parent)
        above: Call | None = parent
        while above is not None:
            call.ordinals[above] = above.counts.get(block, 0)
            above.counts[block] = call.ordinals[above] + 1
            above = above.parent
        return call

    def nearest(self, blocks: Sequence[BlockDef]) -> Call | None:
        """The innermost instance of one of the blocks, this one included."""
        here: Call | None = self
        while here is not None and (here.block is None or here.block not in blocks):
            here = here.parent
        return here


@record(eq=False, frozen=False)
class Kept:
    """The choices of which edges a `dag` keeps: a dimension that nobody declares."""

    name: str
    span: Span
    owners: tuple[str, ...]
    # The choices at every position, by group and index.
    subsets: dict[tuple[str, int], tuple[Scalar, ...]] = field(default_factory=dict)
    # Stands for a node among the blocks, so that nodes are numbered as instances are.
    node: Any = field(default_factory=object)

    @property
    def groups(self) -> tuple[str, ...]:
        return self.owners if len(self.owners) > 1 else ("",)


@record(eq=False, frozen=False)
class Positions:
    """The dimensions of a space and the positions that were met."""

    scope: FileScope
    lists: dict[str, tuple[tuple[Scalar, ...], ...]]
    check: Checker
    present: dict[Position, Extent] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    given: dict[Position, Scalar] = field(default_factory=dict)  # inside an arm of `choose`
    # The dimensions of the edges that are kept: for each set of blocks whose instances share the choices, and each depth
    # to which a `dag` stands inside the edges of others.
    kept: dict[tuple[int, tuple[str, ...]], Kept] = field(default_factory=dict)

    def choice(self, name: ast.Name, call: Call, present: Extent) -> Extent:
        """The extent of a dimension as it is seen from an instance."""
        node = self.scope.dims[name.id]
        index, group = self._place(node, call, name.span)
        lists = self.lists[name.id]
        choices = lists[0] if len(lists) == 1 else lists[index] if index < len(lists) else lists[-1]
        position = Position(name.id, index, group, choices, scoped=node.per is not None)
        if position in self.given:
            return ex.const(self.given[position])
        self.present[position] = ex.either(self.present.get(position, FALSE), present)
        self.uses[name.id] = self.uses.get(name.id, 0) + 1
        return ex.choice(position)

    def keep(
        self, edge: BlockDef, subsets: tuple[Scalar, ...], call: Call, present: Extent, span: Span, depth: int
    ) -> Extent:
        """The choice of incoming edges of one node, shared wherever the choices `per edge` are; without any, by block.

        `depth` is the number of `dag`s inside whose edges this one stands.
        """
        owners = self._sharers(edge, call)
        owner = self._owner(call, owners)
        if owner is None:
            blocks = " or ".join(f"`{b.name}`" for b in owners)
            title = f"the nodes of this `dag` share their choices within {blocks}"
            raise self.check.error("TSP0207", title, span, "this is not inside one")
        kept = self._kept_by(tuple(b.name for b in owners), edge, depth, span)
        node = Call.of(kept.node, call)
        group = owner.block.name if len(owners) > 1 and owner.block is not None else ""
        position = Position(kept.name, node.ordinals[owner], group, subsets, scoped=True)
        known = kept.subsets.setdefault((group, position.index), subsets)
        if known != subsets:
            title = "two `dag`s that share their choices differ in their nodes"
            ways = f"{len(known)} and {len(subsets)} ways to keep edges"
            raise self.check.error("TSP0219", title, span, ways)
        self.present[position] = ex.either(self.present.get(position, FALSE), present)
        self.uses[position.dim] = self.uses.get(position.dim, 0) + 1
        return ex.choice(position)

    def _kept_by(self, owners: tuple[str, ...], edge: BlockDef, depth: int, span: Span) -> Kept:
        """The dimension of the edges that are kept within some blocks: `keep`, or by another name where that is taken."""
        if (depth, owners) not in self.kept:
            taken = {*self.scope.dims, *self.scope.params, *self.scope.inputs}
            taken |= {kept.name for kept in self.kept.values()}
            names = chain(("keep", f"keep_{edge.name}"), (f"keep_{edge.name}_{i}" for i in count(2)))
            self.kept[depth, owners] = Kept(next(n for n in names if n not in taken), span, owners)
        return self.kept[depth, owners]

    def _sharers(self, edge: BlockDef, call: Call) -> list[BlockDef]:
        """The blocks whose instances share the choices of edges; none where every dag has its own."""
        scoped = [d for d in self.scope.dims.values() if d.per is not None and self._block(d.per) is edge]
        if not scoped:
            return [call.block] if call.block is not None else []
        return [self._block(n) for n in scoped[0].of]

    def _place(self, node: ast.Dim, call: Call, span: Span) -> tuple[int, str]:
        if node.per is None:
            return 0, ""
        instance = call.nearest([self._block(node.per)])
        owners = [self._block(n) for n in node.of]
        owner = None if instance is None or instance.parent is None else self._owner(instance.parent, owners)
        if instance is None or owner is None:
            raise self._outside(node, instance, call, span)
        group = owner.block.name if len(owners) > 1 and owner.block is not None else ""
        return instance.ordinals[owner], group

    def _outside(self, node: ast.Dim, instance: Call | None, call: Call, span: Span) -> Abort:
        """There is no instance to which the choice could belong: say which one is missing."""
        title = f"`{node.name.id}` has a choice {scope_text(node)}, but this is not inside one"
        scope = node.per.id if node.per is not None else ""
        if instance is None:
            here = f"block `{call.block.name}`" if call.block is not None else "the network itself"
            text = f"this is {here}, which no `{scope}` has called"
            help = [f"use it inside block `{scope}`, or pass its value on as an argument"]
        else:
            owners = " or ".join(f"`{n.id}`" for n in node.of)
            text = f"this `{scope}` was not called inside {owners}"
            help = [f"call `{scope}` inside {owners} only, or declare `dim {node.name.id} per {scope}`"]
        labels = [Label(node.name.span, "declared here")]
        return self.check.error("TSP0207", title, span, text, help=help, labels=labels)

    @staticmethod
    def _owner(call: Call, owners: list[BlockDef]) -> Call | None:
        if owners:
            return call.nearest(owners)
        while call.parent is not None:
            call = call.parent
        return call

    def _block(self, name: ast.Name) -> BlockDef:
        return self.scope.blocks.get(name.id) or self.scope.used[name.id]

    def dimensions(self, sampled: Mapping[str, tuple[str, Span]], sink: Sink) -> tuple[Dimension, ...]:
        """The dimensions that were used, each with its positions in order; checks the lists given per position."""
        result = []
        for name, node in self.scope.dims.items():
            met = {(p.group, p.index): p for p in self.present if p.dim == name}
            if not met:
                continue
            groups = [n.id for n in node.of] if len(node.of) > 1 else [""]
            positions, present = [], []
            for group in groups:
                indices = [index for g, index in met if g == group]
                for index in range(max(indices, default=-1) + 1):
                    position = met.get((group, index))
                    lists = self.lists[name]
                    choices = lists[min(index, len(lists) - 1)]
                    positions.append(
                        position or Position(name, index, group, choices, scoped=node.per is not None)
                    )
                    present.append(FALSE if position is None else self.present[position])
            if all(map(_always, present)):
                present = [TRUE] * len(present)
            self._check_lists(node, [p.group for p in positions], sink)
            why = sampled.get(name, ("", None))[0]
            result.append(
                Dimension(
                    name,
                    tuple(positions),
                    scope_text(node),
                    node.span,
                    tuple(present),
                    self.uses.get(name, 0),
                    why,
                )
            )
        return (*result, *map(self._kept, self.kept.values()))

    def _kept(self, kept: Kept) -> Dimension:
        """A dimension of edges that are kept."""
        met = [p for p in self.present if p.dim == kept.name]
        positions = tuple(sorted(met, key=lambda p: (kept.groups.index(p.group), p.index)))
        present = [self.present[p] for p in positions]
        if all(map(_always, present)):
            present = [TRUE] * len(present)
        scope = "per node" + (f" of {', '.join(kept.owners)}" if kept.owners else "")
        uses = self.uses[kept.name]
        return Dimension(kept.name, positions, scope, kept.span, tuple(present), uses, gates=True)

    def _check_lists(self, node: ast.Dim, groups: Sequence[str], sink: Sink) -> None:
        """One list for all positions, or one for each; where groups are kept apart, for each of a group."""
        for group in dict.fromkeys(groups):
            count = groups.count(group)
            if len(node.lists) not in (1, count):
                where = f" in `{group}`" if group else ""
                lists, places = f"{len(node.lists)} lists of choices", f"{count} position{'s' * (count != 1)}"
                title = f"`{node.name.id}` has {lists} for {places}{where}"
                sink.error(
                    "TSP0210", title, node.lists[-1].span, "one list for all, or one for each position"
                )
                return


def _always(present: Extent) -> bool:
    """Whether every architecture has the position."""
    try:
        return ex.always(present)
    except ex.TooLarge:
        return False


def scope_text(node: ast.Dim) -> str:
    """`per layer`, `per edge of normal, reduction`; empty for the whole network."""
    if node.per is None:
        return ""
    return f"per {node.per.id}" + (f" of {', '.join(n.id for n in node.of)}" if node.of else "")
