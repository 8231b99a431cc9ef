"""The cost model of mixing: masks on a weight, or scales on what goes into the operation and comes out of it.

Generated code decides by the tensor at hand (`tanglert.nn.lowering`, which has the same numbers); this says beforehand
what it will do.
"""

from __future__ import annotations

import math
from fractions import Fraction

from tanglec.ir.nodes import Operation, Weight
from tanglec.ir.types import Axis

ADVANTAGE = Fraction("1.7")
WIDE = 120


def scaled_up_to(operation: Operation) -> int | None:
    """The largest batch for which scales are the cheaper way, 0 if there is none; None if it is no way at all."""
    if "scale" not in operation.lowerings or not operation.sums_over:
        return None
    size, channels, places = _weight(operation).size, _channels(operation), operation.inputs[0].type.places
    return math.ceil(ADVANTAGE * size / (channels * places)) - 1 if channels else None


def scaled_in_architecture_steps(operation: Operation) -> bool:
    """Whether scales are the cheaper way on a CPU where the weight wants no gradient, whatever the batch."""
    return scaled_up_to(operation) is not None and _weight(operation).size > WIDE * _channels(operation)


def _weight(operation: Operation) -> Weight:
    layer = operation.tied or operation.layer  # what is tied has at most a bias of its own
    assert layer is not None
    return layer.weights[0]


def _channels(operation: Operation) -> int:
    """How many channels go in and come out along axes that vary, and have a gain."""
    make = operation.supernet.layer
    silent = make is not None and ("gain", False) in make.options
    out, *others = _weight(operation).axes
    axes = [axis for axis in (*([] if silent else [out]), *others) if isinstance(axis, Axis)]
    return sum(axis.size for axis in axes if axis.positions)
