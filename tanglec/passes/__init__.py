"""The passes over the IR, in order. Each is a pure function `run(space, sink, lowering) -> space`."""

from __future__ import annotations

from tanglec.passes.gains import drop_cancelled_gains
from tanglec.passes.lower import choose_lowerings
from tanglec.passes.satisfy import refuse_unsatisfiable

PASSES = (
    ("gains", drop_cancelled_gains),
    ("lower", choose_lowerings),
    ("satisfy", refuse_unsatisfiable),
)
