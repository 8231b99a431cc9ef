"""What recurrent cells need."""

from __future__ import annotations

from tanglec.ir import extents as ex
from tanglec.ir.types import TensorType, axis
from tanglec.ops.registry import Bound, Inferred, operation, same


@operation("zero state", "x: tokens, width: whole", notation="scan(…, init=width)")
def zero_state(call: Bound) -> Inferred:
    """`scan(cell, x, 64)`: the state begins as 64 zeros."""
    width = ex.const(call["width"])
    call.check.whole(width, call.span_of("width"), "the width of the state")
    type = TensorType("vector", axis(width))
    return Inferred(type, **same(f"{{0}}.new_zeros({{0}}.shape[0], {ex.show(width)})"), lowerings=("once",))
