"""What must hold for every architecture: decided by enumeration, reported with a combination that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache

from tanglec.diagnostics import Abort, Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Assignment, Extent, Position, Scalar
from tanglec.passes.arithmetic import described, sort_of
from tanglec.record import record
from tanglec.source import Source, Span


@record(eq=False, frozen=False)
class Checker:
    """Asks questions of symbolic extents under the conditions of the place that is being looked at.

    `require` conditions (over positions of index -1 that stand for any) may excuse a combination; what is right
    only thanks to them is sampled-only, for a mixture does not see a `require`.
    """

    sink: Sink
    source: Source
    dims: Mapping[str, Span]
    requirements: list[Extent] = field(default_factory=list)
    assuming: Extent = TRUE
    calls: list[tuple[Span, bool]] = field(default_factory=list)  # and whether others call the same block
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
        calls = [(call, several) for call, several in self.calls if call.source is self.source]
        if span.source is not self.source and calls:
            labels = [*labels, Label(span, text or "in the library, here")]
            (span, _), text = calls.pop(), ""
        if calls and calls[-1][1]:
            labels = [*labels, Label(calls[-1][0], "called from here")]
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
        raise self.error(
            code,
            title,
            span,
            text,
            notes=_which_fail(condition.positions, admitted),
            help=_remedies(condition.positions, admitted),
            labels=self._declarations(condition),
        )

    def _declarations(self, condition: Extent) -> list[Label]:
        """Where the dimensions of a condition are declared."""
        choices = {p.dim: p.choices for p in condition.positions}
        return [
            Label(self.dims[name], f"one of {', '.join(map(ex.show_scalar, values))}")
            for name, values in choices.items()
            if name in self.dims and len(values) < 8
        ]

    def _failures(self, condition: Extent, span: Span) -> tuple[dict[Position, ex.Scalar], ...]:
        with self.guarded(span):
            return ex.failures(condition, self.assuming)

    def guarded(self, span: Span) -> _Guarded:
        """Whatever turns out to have no value, or to be too large to look at, becomes an error at a place."""
        return _Guarded(self, span)

    def too_large(self, error: ex.TooLarge, span: Span) -> Abort:
        """Report what cannot be enumerated: how much it would be, and of what."""
        positions = error.positions if isinstance(error, ex.DomainTooLarge) else ()
        notes = [f"they are those of {show_positions(positions)}"] if positions else []
        title = "too many joint choices to look at" if positions else "this expression is too large"
        help = ["let it depend on fewer dimensions, or give ranges a larger `step`"]
        return self.error("TSP0402", f"{title}: {error}", span, notes=notes, help=help)

    def excluded(self, assignment: Assignment) -> bool:
        """Whether some `require` forbids the combination."""
        places = {(p.group, p.index) for p in assignment if p.scoped} or {("", 0)}
        for group, index in places:
            here = {
                p.dim: v
                for p, v in assignment.items()
                if not p.scoped or (p.group, p.index) == (group, index)
            }
            for condition in self.requirements:
                if all(p.dim in here for p in condition.positions) and not condition.at(
                    {p: here[p.dim] for p in condition.positions}
                ):
                    return True
        return False

    def equal(self, a: Extent, b: Extent) -> bool:
        return ex.equal(a, b, self.assuming)

    def whole(self, extent: Extent, span: Span, what: str, *, divisor: tuple[str, str] | None = None) -> None:
        """The extent must be a whole number of at least 1 for every joint choice."""
        if _plainly_whole(extent):
            return
        if sort_of(extent) != "number":
            raise self.error("TSP0213", f"{what} must be a number", span, f"this is {described(extent)}")
        remainder = ex.apply("==", ex.apply("%", extent, ex.const(1)), ex.const(0))
        if divisor:
            message = f"`{divisor[0]}` is not divisible by `{divisor[1]}`"
            self.hold(remainder, "TSP0304", message, span, f"{what} must be a whole number")
        else:
            self.hold(remainder, "TSP0303", f"{what} must be a whole number", span, ex.show(extent))
        self.hold(
            ex.apply(">=", extent, ex.const(1)),
            "TSP0303",
            f"{what} must be at least 1",
            span,
            ex.show(extent),
        )

    def counterexample(self, condition: Extent) -> dict[Position, Scalar]:
        """Choices for which the condition fails; empty where it takes none."""
        failing = ex.failures(condition, self.assuming)
        return {p: failing[0][p] for p in condition.positions} if failing else {}

    def sampled_only(self, positions: Sequence[Position], why: str, span: Span) -> None:
        """Note that the dimensions of these positions cannot be superposed."""
        for position in positions:
            self.sampled.setdefault(position.dim, (why, span))

    def decide(self, condition: Extent, span: Span) -> bool | None:
        """True or False where the condition is the same for all admitted choices, else None."""
        with self.guarded(span):
            if ex.always(condition, self.assuming):
                return True
            return False if ex.always(ex.apply("not", condition), self.assuming) else None


class _Guarded:
    """Around every statement, so no generator: those take as long as a statement does."""

    __slots__ = ("check", "span")

    def __init__(self, check: Checker, span: Span) -> None:
        self.check, self.span = check, span

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ex.TooLarge):
            raise self.check.too_large(error, self.span) from None
        if isinstance(error, ex.Undefined):
            title = f"this has no value for some choice: {error}"
            raise self.check.error("TSP0311", title, self.span) from None
        if isinstance(error, RecursionError):
            raise self.check.error("TSP0402", "this is nested too deeply", self.span) from None


@lru_cache(maxsize=50_000)
def _plainly_whole(extent: Extent) -> bool:
    """Whether every value is a whole number of at least 1, whatever may be assumed: so it is nearly always."""
    try:
        return all(ex.is_whole(v) and v >= 1 for v in ex.table(extent))  # type: ignore[operator]
    except (ex.TooLarge, ex.Undefined):
        return False


def _which_fail(positions: Sequence[Position], failing: Sequence[Assignment]) -> list[str]:
    """`fails for 2 of 6 combinations, e.g. embed=384, heads=5`."""
    if not positions:
        return []
    total = ex.domain_size(positions)
    fails = len({tuple(a[p] for p in positions) for a in failing})
    share = f"all {total:,} combinations" if total == fails else f"{fails:,} of {total:,} combinations"
    return [f"fails for {share}, e.g. {show_choices({p: failing[0][p] for p in positions})}"]


def _remedies(positions: Sequence[Position], failing: Sequence[Assignment]) -> list[str]:
    """Choices without which nothing fails, where these are few and others are left."""
    texts = {}
    for position in positions:
        bad = [c for c in position.choices if any(a[position] == c for a in failing)]
        left = len(position.choices) - len(bad)
        if left and (len(bad) == 1 or len(bad) < min(left, 5)):
            texts[position.dim] = f"drop {', '.join(map(ex.show_scalar, bad))} from `{position.dim}`"
    return [", or ".join(list(texts.values())[:2])] if texts else []


def show_positions(positions: Sequence[Position]) -> str:
    """`w[0], w[1], w[2], … (60 positions)`."""
    shown = ", ".join(str(p) for p in positions[:4])
    return shown if len(positions) <= 4 else f"{shown}, … ({len(positions)} positions)"


def show_choices(assignment: Assignment) -> str:
    """`embed=384, heads=5`; the index only where a dimension occurs twice."""
    dims = [p.dim for p in assignment]
    return ", ".join(
        f"{p if dims.count(p.dim) > 1 else p.dim}={ex.show_scalar(v)}" for p, v in assignment.items()
    )
