"""What the parts of a search expect of each other: structural types, no code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.choices import Probabilities
from tanglert.relax.parameters import ArchParameters
from tanglert.space import Space
from tanglert.supernet import SupernetBase


class Stateful(Protocol):
    """Something whose state goes into a checkpoint, as tensors and plain values."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Sampler(Stateful, Protocol):
    """Draws architectures that the space allows, from a random generator of its own."""

    def __call__(self) -> ArchBase: ...


class PathSampler(Sampler, Protocol):
    """A sampler that knows which architectures a training step of the supernet runs.

    distils: the first of them learns from the labels, and the others from what it says.
    """

    distils: bool

    def paths(self) -> Sequence[ArchBase]:
        """The architectures of one step, which all see the same batch; one at least."""
        ...

    def anneal(self, progress: float) -> None:
        """Told before every step how much of the training is done, 0 to 1 (progressive shrinking opens choices)."""
        ...


class Relaxation(Stateful, Protocol):
    """A method that turns architecture parameters into probabilities of choices (DARTS, GDAS, DrNAS, …).

    alphas: the parameters it learns. weight_decay: what their optimiser is to apply.
    """

    alphas: ArchParameters
    weight_decay: float

    def sample(self) -> Probabilities:
        """Probabilities for one forward pass, differentiable in the alphas."""
        ...

    def mean(self) -> Probabilities:
        """Probabilities without noise, for evaluation."""
        ...

    def penalty(self) -> Tensor:
        """What is added to the architecture's loss, a scalar."""
        ...

    def anneal(self, progress: float) -> None:
        """Told before every step how much of the training is done, 0 to 1 (GDAS lowers its temperature)."""
        ...


@runtime_checkable
class HardRelaxation(Relaxation, Protocol):
    """A relaxation whose samples are vertices (GDAS), so that the weights need no mixture to learn."""

    def sampled(self) -> ArchBase | Probabilities:
        """What a step of the weights runs at: a draw as an architecture, or a vertex where none is the same."""
        ...


class Task(Protocol):
    """What the network is trained for.

    metric: the name of the measure people read; higher: whether more of it is better.
    """

    metric: str
    higher: bool

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss of a batch, a scalar."""
        ...

    def tally(self, output: Tensor, target: Tensor) -> Tensor:
        """Sums over a batch that add up over batches, float64 (k,)."""
        ...

    def metrics(self, tally: Tensor) -> dict[str, float]:
        """Measures from the added sums, the metric among them."""
        ...

    def score(self, metrics: Mapping[str, float]) -> float:
        """One number, higher is better."""
        ...


class SpaceModule(Protocol):
    """A generated module: the same names for every space."""

    @property
    def SPACE(self) -> Space: ...

    @property
    def Arch(self) -> type[ArchBase]: ...

    @property
    def Supernet(self) -> Callable[[], SupernetBase]: ...

    @property
    def Sampler(self) -> Callable[[int], PathSampler]: ...

    @property
    def count_params(self) -> Callable[[Any], int]: ...

    @property
    def count_macs(self) -> Callable[[Any], int]: ...
