"""Boxes: what of a tensor lies between bounds along every axis, and unions of such parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from torch import Tensor

Span: TypeAlias = tuple[int, int]
"""Where a part of an axis starts, and where it ends."""

Box: TypeAlias = tuple[Span, ...]
"""A span of every axis."""


def whole(shape: Sequence[int]) -> Box:
    """The box of a whole tensor."""
    return tuple([(0, size) for size in shape])


def sizes(box: Box) -> list[int]:
    """The shape of what lies in a box."""
    return [stop - start for start, stop in box]


def part(tensor: Tensor, box: Box) -> Tensor:
    """What of a tensor lies in a box, a view."""
    for dim, (start, stop) in enumerate(box):
        if stop - start < tensor.shape[dim]:
            tensor = tensor.narrow(dim, start, stop - start)
    return tensor


def seen_from(box: Box, outer: Box) -> Box:
    """The same box in the tensor that lies in an outer one."""
    return tuple([(start - origin, stop - origin) for (start, stop), (origin, _) in zip(box, outer)])


def hull(boxes: Iterable[Box]) -> Box:
    """The smallest box around boxes, one at least."""
    return tuple([(min(s for s, _ in spans), max(s for _, s in spans)) for spans in zip(*boxes)])


def disjoint(boxes: Iterable[Box]) -> list[Box]:
    """Boxes without common entries that hold together what these hold; those that are not cut are themselves."""
    found: list[Box] = []
    for box in sorted(boxes, key=lambda box: -math.prod(sizes(box))):
        rest = [box]
        for other in found:
            rest = [piece for left in rest for piece in without(left, other)]
        found += rest
    return found


def without(box: Box, hole: Box) -> list[Box]:
    """What of a box lies outside of another one, as boxes without common entries."""
    common = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, hole)]
    if any(start >= stop for start, stop in common):
        return [box]
    pieces = []
    for axis, ((start, stop), (low, high)) in enumerate(zip(box, common)):
        for span in ((start, low), (high, stop)):
            if span[0] < span[1]:
                pieces.append((*common[:axis], span, *box[axis + 1 :]))
    return pieces
