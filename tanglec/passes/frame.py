"""A body on the way through elaboration."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from tanglec.ir.extents import TRUE, Extent
from tanglec.ir.nodes import Decision, Step
from tanglec.passes.names import FileScope
from tanglec.passes.positions import Call
from tanglec.record import record


@record(eq=False, frozen=False)
class Frame:
    """A body on the way: the names that it sees, the steps so far, and under which conditions it runs."""

    file: FileScope
    call: Call
    locals: dict[str, Any]
    steps: list[Step] = field(default_factory=list)
    present: Extent = TRUE
    decisions: dict[tuple[str, int], Decision | None] = field(default_factory=dict)  # of the whole block

    def inner(self, present: Extent) -> Frame:
        """A body inside this one: sees a copy of its names, collects steps of its own."""
        return Frame(self.file, self.call, dict(self.locals), [], present, self.decisions)
