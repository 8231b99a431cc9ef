"""Diagnostics: what the compiler tells the user, and the sink that collects it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from tanglec.record import record
from tanglec.source import Span


@record()
class Label:
    """A further place that a message points at, with a few words."""

    span: Span
    text: str


@record()
class Diagnostic:
    """One message. `text` stands under the carets of `span`; `notes` and `help` follow the excerpt."""

    code: str
    title: str
    span: Span | None = None
    text: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    severity: str = "error"


FORMATS = ("full", "concise", "json", "github")  # in which they are shown: see `tanglec.render`


class CompileError(Exception):
    """Raised where a result was asked for and there are errors; carries all of them."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{d.severity}[{d.code}]: {d.title}" for d in diagnostics))

    def __reduce__(self) -> tuple[object, ...]:
        """One process tells it to another."""
        return type(self).__new__, (type(self), *self.args), {"diagnostics": self.diagnostics}


class Abort(Exception):
    """Unwinds to the nearest place that can go on after an error that is already in the sink."""


@record(eq=False, frozen=False)
class Sink:
    """Collects diagnostics in order, each once."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    def error(
        self,
        code: str,
        title: str,
        span: Span | None = None,
        text: str = "",
        *,
        labels: Sequence[Label] = (),
        notes: Sequence[str] = (),
        help: Sequence[str] = (),
    ) -> Abort:
        """Record an error; `raise sink.error(…)` also gives up on what is being looked at."""
        self.add(Diagnostic(code, title, span, text, tuple(labels), tuple(notes), tuple(help)))
        return Abort(title)

    def warn(
        self, code: str, title: str, span: Span | None = None, text: str = "", *, help: Sequence[str] = ()
    ) -> None:
        self.add(Diagnostic(code, title, span, text, help=tuple(help), severity="warning"))

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self.diagnostics)

    def check(self) -> None:
        """Raise `CompileError` if anything collected is an error."""
        if self.failed:
            raise CompileError(self.diagnostics)
