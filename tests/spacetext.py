"""Spaces from their text: what tests of the compiler begin with."""

from __future__ import annotations

from pathlib import Path

from tanglec.diagnostics import CompileError, Sink
from tanglec.driver import Options, analyse
from tanglec.ir.nodes import Operation, Space, walk
from tanglec.library import libraries_for
from tanglec.source import Source


def compiled(text: str, lowering: str = "auto") -> Space:
    """The IR of a text after all passes. Raises `CompileError`."""
    sink = Sink()
    space = analyse(Source("space.tsp", text), libraries_for(Path("space.tsp")), Options({}, lowering), sink)
    if space is None:
        raise CompileError(sink.diagnostics)
    return space


def refused(text: str) -> list[str]:
    """The codes of the errors of a text, in order."""
    try:
        compiled(text)
    except CompileError as error:
        return [d.code for d in error.diagnostics if d.severity == "error"]
    return []


def operations(space: Space, name: str) -> list[Operation]:
    """All operations of a name, in order of execution."""
    return [operation for operation, _ in walk(space.network.body) if operation.op == name]
