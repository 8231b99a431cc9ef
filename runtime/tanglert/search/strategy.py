"""What all searches are: architectures evaluated one by one, none of them twice, with a memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

from tanglert.arch import ArchBase
from tanglert.protocols import Sampler
from tanglert.search.budget import Budget, NothingAdmitted

A = TypeVar("A", bound=ArchBase)

_REPEATS = 1_000
_REFUSALS = 10_000
_PATIENCE = 100


class Strategy(ABC, Generic[A]):
    """A search over architectures: `advance()` until `done`, then `best()`.

    measure: metrics of an architecture. score: one number from them, higher is better; an architecture whose
    score is no number or infinite stays in the history, but is never bred from. evaluations: how many
    architectures to measure. admit: which architectures come into question (a `Budget`); None is all.

    history: architecture -> its metrics, in the order of evaluation. With the same seeds and one measure it
    is always the same, and the state makes a search go on where it stopped, bit for bit. It ends after
    `evaluations`, or once the space seems used up: a thousand random draws were known already, or ten
    thousand not admitted, before one was new.

    Random architectures that a `Budget` refuses are drawn again, so that those within it stay uniform; from the
    hundredth in a row on, which only a tight budget brings about, they are made cheaper until they fit.

    `advance` raises NothingAdmitted if no random architecture is admitted at the start.
    """

    def __init__(
        self,
        arch_class: type[A],
        sampler: Sampler,
        measure: Callable[[A], dict[str, float]],
        score: Callable[[Mapping[str, float]], float],
        evaluations: int,
        *,
        admit: Callable[[A], bool] | None = None,
    ) -> None:
        self.arch_class, self.sampler = arch_class, sampler
        self.measure, self.score, self.evaluations = measure, score, evaluations
        self.admit = admit
        self.history: dict[A, dict[str, float]] = {}
        self.exhausted = False

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.exhausted or len(self.history) >= self.evaluations

    def advance(self) -> A | None:
        """Evaluates one more architecture and returns it; None if there is no new one."""
        arch = self._next()
        if arch is None:
            self.exhausted = True
        else:
            self.history[arch] = self.measure(arch)
        return arch

    def best(self) -> A:
        """The one with the highest score, the earliest of equals. ValueError if none is evaluated yet."""
        return max(self.history, key=self.worth)

    def worth(self, arch: A) -> float:
        """The score of an evaluated architecture; what is no number is worse than all numbers."""
        score = self.score(self.history[arch])
        return -math.inf if math.isnan(score) else score

    def sound(self) -> list[A]:
        """The evaluated architectures with a finite score, in the order of evaluation."""
        return [arch for arch in self.history if math.isfinite(self.worth(arch))]

    def state_dict(self) -> dict[str, Any]:
        """History and sampler, tensors and plain values."""
        history = [(arch.to_json(), metrics) for arch, metrics in self.history.items()]
        return {"history": history, "sampler": self.sampler.state_dict(), "exhausted": self.exhausted}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.history = {self.arch_class.from_json(text): dict(m) for text, m in state["history"]}
        self.sampler.load_state_dict(state["sampler"])
        self.exhausted = state["exhausted"]

    @abstractmethod
    def _next(self) -> A | None:
        """The architecture to evaluate next, not in the history; None if there seems to be none."""

    def _admits(self, arch: A) -> bool:
        return self.admit is None or self.admit(arch)

    def _draw(self, besides: Collection[A] = ()) -> A | None:
        """A random architecture that is admitted and new; None if there seems to be none."""
        repeats = refusals = 0
        while repeats < _REPEATS and refusals < _REFUSALS:
            if refusals == _PATIENCE and isinstance(self.admit, Budget) and not (self.history or besides):
                self.admit.check()
            arch = self._candidate(tight=refusals >= _PATIENCE)
            if arch is None:
                refusals += 1
            elif arch in self.history or arch in besides:
                repeats += 1
            else:
                return arch
        if not self.history and not besides:
            raise NothingAdmitted(
                f"none of {_REFUSALS:,} random architectures of {self.arch_class.space.name} is within the"
                f" limits ({self.admit}); raise them above the cost of its smallest architecture"
            )
        return None

    def _candidate(self, tight: bool) -> A | None:
        """What the sampler draws, if it is admitted; in a tight budget, what it can be made into."""
        arch = self.sampler()
        assert isinstance(arch, self.arch_class), f"the sampler is of another space: {arch!r}"
        if self._admits(arch):
            return arch
        return self.admit.repaired(arch) if tight and isinstance(self.admit, Budget) else None
