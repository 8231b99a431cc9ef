"""Random search: the baseline that every other search has to beat (Li and Talwalkar 2019)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from tanglert.arch import ArchBase
from tanglert.protocols import Sampler

A = TypeVar("A", bound=ArchBase)

_REPEATS = 1000


class RandomSearch(Generic[A]):
    """Evaluates sampled architectures, none of them twice.

    history: architecture -> its metrics, in the order of evaluation. With one sampler (one seed) and one
    measure it is always the same; its state makes it go on where it stopped. It ends after `evaluations`, or
    when a thousand draws in a row brought nothing new: the space is used up.
    """

    def __init__(
        self,
        arch_class: type[A],
        sampler: Sampler,
        measure: Callable[[A], dict[str, float]],
        score: Callable[[Mapping[str, float]], float],
        evaluations: int,
    ) -> None:
        self.arch_class, self.sampler = arch_class, sampler
        self.measure, self.score, self.evaluations = measure, score, evaluations
        self.history: dict[A, dict[str, float]] = {}
        self.exhausted = False

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.exhausted or len(self.history) >= self.evaluations

    def advance(self) -> A | None:
        """Evaluates one more architecture and returns it; None if there is no new one."""
        arch = self._draw()
        if arch is None:
            self.exhausted = True
        else:
            self.history[arch] = self.measure(arch)
        return arch

    def best(self) -> A:
        """The one with the highest score, the earliest of equals. ValueError if none is evaluated yet."""
        return max(self.history, key=lambda arch: self.score(self.history[arch]))

    def state_dict(self) -> dict[str, Any]:
        """History and sampler, plain values."""
        history = [(arch.to_json(), metrics) for arch, metrics in self.history.items()]
        return {"history": history, "sampler": self.sampler.state_dict(), "exhausted": self.exhausted}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.history = {self.arch_class.from_json(text): dict(m) for text, m in state["history"]}
        self.sampler.load_state_dict(state["sampler"])
        self.exhausted = state["exhausted"]

    def _draw(self) -> A | None:
        for _ in range(_REPEATS):
            arch = self.sampler()
            if isinstance(arch, self.arch_class) and arch not in self.history:
                return arch
        return None
