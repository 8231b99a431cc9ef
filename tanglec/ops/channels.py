"""Channels: ranges of them, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tanglec.diagnostics import Abort
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Code, Constructor
from tanglec.ir.types import axis
from tanglec.ops.registry import Bound, Inferred, operation, same


@operation("channel_slice", "x: pixels, start: whole = 0, stop: whole? = none")
def channel_slice(call: Bound) -> Inferred:
    """Some channels, the end excluded: `channel_slice(x, 4, 8)`; up to the last one unless `stop` is given.

    A bound lies where it lies for every choice: not behind a segment of elastic width.
    """
    x, start, stop = call["x"].type, call["start"], call["stop"]
    width = x.features.width
    end = width if stop is None else ex.const(stop)
    fits = ex.apply("and", ex.apply("<=", end, width), ex.apply("<", ex.const(start), end))
    shown = f"{start}..{'' if stop is None else stop}"
    message = f"there are no channels {shown}: {ex.show(width)} channels are numbered from 0"
    text = "the end is excluded" if stop is not None else ""
    call.check.hold(fits if start >= 0 else ex.const(False), "TSP0305", message, call.span, text)
    head = x.features.segments if stop is None else _cut(call, x.features.segments, stop)[0]
    left = _cut(call, head, start)[1]
    if any(_least(segment) < 1 for segment in left):
        raise _no_place(call)
    features = axis(*left)
    values = (("start", ex.const(start)), ("length", features.width))
    one_size = same("{0}.narrow(1, {start}, {length})", values)
    return Inferred(
        replace(x, features=features),
        **same(f"{{0}}[:, {start}:]") if features.positions else one_size,
        lowerings=("once",),
        shape_comment=True,
    )


def _cut(call: Bound, segments: Sequence[Extent], place: int) -> tuple[list[Extent], list[Extent]]:
    """What lies before and behind the first `place` channels."""
    before: list[Extent] = []
    for i, segment in enumerate(segments):
        if place <= _least(segment) and not (segment.is_constant and place == _least(segment)):
            part = ex.const(place)
            return [*before, part] if place else before, [ex.apply("-", segment, part), *segments[i + 1 :]]
        if not segment.is_constant:
            raise _no_place(call)
        before.append(segment)
        place -= _least(segment)
    return before, []


def _least(segment: Extent) -> int:
    return min(int(ex.number(width)) for width in ex.table(segment))


def _no_place(call: Bound) -> Abort:
    return call.error(
        "TSP0401",
        "channels behind a segment of elastic width have no place of their own",
        "x",
        f"its channels are {call['x'].type.features}",
    )


@operation("channel_shuffle", "x: pixels, groups: whole")
def channel_shuffle(call: Bound) -> Inferred:
    """The channels of equal groups in turn: the first of every group, then the second ones (Zhang et al. 2018, ShuffleNet).

    An elastic width moves every channel's place, so that each width is evaluated.
    """
    x, groups = call["x"].type, ex.const(call["groups"])
    width = x.features.width
    call.check.whole(groups, call.span_of("groups"), "`groups`")
    quotient = ex.apply("/", width, groups)
    call.check.whole(
        quotient, call.span_of("groups"), "a group's width", divisor=(ex.show(width), ex.show(groups))
    )
    plain = Code("F.channel_shuffle({0}, {groups})", values=(("groups", groups),))
    positions = x.features.positions
    if not positions:
        return Inferred(x, plain, plain, lowerings=("once",))
    layer = Constructor("ChannelShuffle", (x.features,), (("groups", groups),))
    return Inferred(
        replace(x, features=axis(width), padding="zero"),
        Code("{layer}({0}, at)", layer),
        plain,
        sums_over=positions,
        lowerings=("loop",),
    )
