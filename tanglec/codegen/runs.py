"""Where the positions of an instance begin: `KERNEL[first + i]` instead of one parameter for every position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tanglec.ir.extents import Extent, Position
from tanglec.ir.nodes import Slot
from tanglec.ir.types import Axis
from tanglec.record import record


@record()
class Run:
    """A dimension's positions in every instance of a class: their group, and the index of the first."""

    groups: tuple[str, ...]
    firsts: tuple[int, ...]


def runs(instances: Sequence[Sequence[Slot]]) -> dict[str, Run]:
    """By dimension, from the slots of every instance: where each has several positions, placed alike in all."""
    found = [_positions(slots) for slots in instances]
    result = {}
    for dim, own in found[0].items():
        if len(own) > 1:
            run = _run([positions.get(dim, set()) for positions in found])
            if run is not None:
                result[dim] = run
    return result


def _positions(slots: Sequence[Slot]) -> dict[str, set[Position]]:
    positions: dict[str, set[Position]] = defaultdict(set)
    for slot in slots:
        for position in slot.positions if isinstance(slot, Extent | Axis) else ():
            if position.scoped:
                positions[position.dim].add(position)
    return positions


def _run(instances: Sequence[set[Position]]) -> Run | None:
    groups = [{p.group for p in positions} for positions in instances]
    if any(len(group) != 1 for group in groups):
        return None
    firsts = [min(p.index for p in positions) for positions in instances]
    pairs = zip(instances, firsts, strict=True)
    if len({frozenset(p.index - first for p in positions) for positions, first in pairs}) != 1:
        return None
    return Run(tuple(group.pop() for group in groups), tuple(firsts))


def offset(run: Run, places: Sequence[Position]) -> int | None:
    """How far behind the first these positions are, one for each instance; None where they are not alike."""
    if tuple(p.group for p in places) != run.groups:
        return None
    offsets = {p.index - first for p, first in zip(places, run.firsts, strict=True)}
    return offsets.pop() if len(offsets) == 1 else None


Runs = Mapping[str, Run]
