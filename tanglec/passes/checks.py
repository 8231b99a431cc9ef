"""What must hold for every architecture: decided by enumeration, reported with a combination that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tanglec.diagnostics import Abort, Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Assignment, DomainTooLarge, Extent, Position
from tanglec.source import Source, Span


@dataclass(slots=True)
class Checker:
    """Asks questions of symbolic extents under the conditions of the place that is being looked at.

    `require` conditions (over positions of index -1 that stand for any) may excuse a combination; what is right only thanks
    to them is sampled-only, for a mixture does not see a `require`.
    """

    sink: Sink
    source: Source
    dims: Mapping[str, Span]
    requirements: list[Extent] = field(default_factory=list)
    assuming: Extent = TRUE
    calls: list[Span] = field(default_factory=list)
    sampled: dict[str, tuple[str, Span]] = field(default_factory=dict)
    _seen: set[tuple[str, Span]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._seen.update((d.code, d.span) for d in self.sink.diagnostics if d.span is not None)

    def error(
        self,
        code: str,
        title: str,
        span: Span,
        text: str = "",
        *,
        notes: Sequence[str] = (),
        help: Sequence[str] = (),
        labels: Sequence[Label] = (),
    ) -> Abort:
        """Report once per place, however many instances run into it; always at a place in the user's own file."""
        if (code, span) in self._seen:
            return Abort(title)
        self._seen.add((code, span))
        if span.source is not self.source:
            call = next((c for c in reversed(self.calls) if c.source is self.source), None)
            if call is not None:
                labels = [*labels, Label(span, text or "in the library, here")]
                span, text = call, ""
        return self.sink.error(code, title, span, text, labels=labels, notes=notes, help=help)

    def hold(self, condition: Extent, code: str, title: str, span: Span, text: str = "") -> None:
        """The condition must hold for every joint choice (that `require` admits); else an error naming one that fails.

        Raises:
            Abort: after the error was recorded.
        """
        failing = self._failures(condition, span)
        if not failing:
            return
        admitted = [a for a in failing if not self.excluded(a)]
        if not admitted:
            self.sampled_only(condition.positions, "a shape is right only thanks to a `require`", span)
            return
        notes = []
        if condition.positions:
            total = ex.domain_size(condition.positions)
            fails = {tuple(a[p] for p in condition.positions) for a in admitted}
            example = show_choices({p: admitted[0][p] for p in condition.positions})
            notes.append(f"fails for {len(fails)} of {total} combinations, e.g. {example}")
        raise self.error(code, title, span, text, notes=notes, labels=self._declarations(condition))

    def _declarations(self, condition: Extent) -> list[Label]:
        """Where the dimensions of a condition are declared."""
        choices = {p.dim: p.choices for p in condition.positions}
        return [
            Label(self.dims[name], f"one of {', '.join(map(ex.show_scalar, values))}")
            for name, values in choices.items()
            if name in self.dims and len(values) < 8
        ]

    def _failures(self, condition: Extent, span: Span) -> tuple[dict[Position, ex.Scalar], ...]:
        try:
            return ex.failures(condition, self.assuming)
        except DomainTooLarge as error:
            raise self.error("TSP0402", f"too many joint choices to look at: {error}", span) from None
        except ex.Undefined as error:
            raise self.error("TSP0311", f"this has no value for some choice: {error}", span) from None

    def excluded(self, assignment: Assignment) -> bool:
        """Whether some `require` forbids the combination."""
        places = {(p.group, p.index) for p in assignment if p.scoped} or {("", 0)}
        for group, index in places:
            here = {p.dim: v for p, v in assignment.items() if not p.scoped or (p.group, p.index) == (group, index)}
            for condition in self.requirements:
                if all(p.dim in here for p in condition.positions) and not condition.at({p: here[p.dim] for p in condition.positions}):
                    return True
        return False

    def equal(self, a: Extent, b: Extent) -> bool:
        return ex.equal(a, b, self.assuming)

    def whole(self, extent: Extent, span: Span, what: str, *, divisor: tuple[str, str] | None = None) -> None:
        """The extent must be a whole number of at least 1 for every joint choice."""
        if extent.is_constant and ex.is_whole(extent.constant) and extent.constant >= 1:  # type: ignore[operator]
            return
        if sort_of(extent) != "number":
            raise self.error("TSP0213", f"{what} must be a number", span, f"this is {ex.show(extent)}")
        remainder = ex.apply("==", ex.apply("%", extent, ex.const(1)), ex.const(0))
        if divisor:
            message = f"`{divisor[0]}` is not divisible by `{divisor[1]}`"
            self.hold(remainder, "TSP0304", message, span, f"{what} must be a whole number")
        else:
            self.hold(remainder, "TSP0303", f"{what} must be a whole number", span, ex.show(extent))
        self.hold(ex.apply(">=", extent, ex.const(1)), "TSP0303", f"{what} must be at least 1", span, ex.show(extent))

    def sampled_only(self, positions: Sequence[Position], why: str, span: Span) -> None:
        """Note that the dimensions of these positions cannot be superposed."""
        for position in positions:
            self.sampled.setdefault(position.dim, (why, span))

    def decide(self, condition: Extent, span: Span) -> bool | None:
        """True or False where the condition is the same for all admitted choices, else None."""
        if not self._failures(condition, span):
            return True
        return False if not self._failures(ex.apply("not", condition), span) else None


def sort_of(extent: Extent) -> str:
    """Whether an extent is a "number", a "truth" value or a "name"."""
    if extent.kind in ("==", "!=", "<", "<=", ">", ">=", "and", "or", "not"):
        return "truth"
    if extent.kind == "where":
        return sort_of(extent.args[1])
    if extent.kind in ("const", "choice"):
        value = extent.constant if extent.kind == "const" else extent.positions[0].choices[0]
        return "truth" if isinstance(value, bool) else "name" if isinstance(value, str) else "number"
    return "number"


def show_choices(assignment: Assignment) -> str:
    """`embed=384, heads=5`; the index only where a dimension occurs twice."""
    dims = [p.dim for p in assignment]
    return ", ".join(
        f"{p if dims.count(p.dim) > 1 else p.dim}={ex.show_scalar(v)}" for p, v in assignment.items()
    )
