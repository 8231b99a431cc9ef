"""A choice between operations, and the edges of a cell that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tanglert.choices import Choices, Mixed
from tanglert.dim import Axis, AxisLike, axis
from tanglert.extent import Extent, Position, Scalar, exact

_LEAST = 1e-30
"""A group of less probability has no ratios within; they are taken as uniform and constant."""


class Choose:
    """`Σ_arm p_arm · arm(x)`: of an architecture the arm of its choice, of a mixture all of them.

        op = Choose(OP[3], at)
        if arm := op.arm("skip_connect"):
            op.add(x)
        if arm := op.arm("conv_3x3", "conv_5x5"):
            op.add(self.conv(x, arm))
        return op.value()

    `arm(label)` is what to run the arm at: inside it the choice is `label`. Several labels are one entangled
    group: it is weighted by their probability together, `p_G = Σ p_arm`, and inside its weights are superposed
    with the conditional probabilities `p_arm / p_G`, so that no normalisation behind them can swallow `p_G`.
    `inside=True` is the reference implementation of TangleNAS instead: the plain `p_arm` in the weights.

    `writes`: the axis of the result where arms differ in width; narrower ones are padded along `dim`.
    """

    def __init__(
        self,
        on: Extent,
        at: Choices,
        writes: AxisLike | None = None,
        dim: int = -1,
        inside: bool = False,
    ) -> None:
        (self._position,) = on.positions
        self._at, self._dim, self._inside = at, dim, inside
        self._writes = None if writes is None else axis(writes)
        self._weight: Tensor | None = None
        self._live = True  # whether gradients flow through the arm
        self._total: Tensor | None = None

    def arm(self, *labels: Scalar) -> Choices | None:
        """What to run the arm of these labels at; None where it is not to run: not chosen, or pruned."""
        numbers = _numbers(self._position, labels)
        if not numbers:
            return None
        self._weight = None
        if not isinstance(self._at, Mixed) or self._position in self._at.fixed:
            return self._at if self._at.fixed[self._position] in numbers else None
        at = self._at
        numbers = tuple(number for number in numbers if at.plays(self._position, number))
        if not numbers:
            return None
        probabilities = at.probability(self._position)
        self._live = any(at.lives({self._position: number}) for number in numbers)
        if len(labels) == 1 or (len(numbers) == 1 and not self._inside):
            self._weight = probabilities[numbers[0]]
            return at.given(self._position, numbers[0])
        return self._group(numbers, at, probabilities)

    def _group(self, numbers: tuple[int, ...], at: Mixed, probabilities: Tensor) -> Mixed:
        members = _members(numbers, len(probabilities), probabilities.dtype, probabilities.device)
        own = probabilities * members
        if self._inside:
            return at.among(self._position, own)
        self._weight = own.sum()
        some = self._weight > _LEAST
        safe = torch.where(some, self._weight, 1.0)
        return at.among(self._position, torch.where(some, own / safe, members / len(numbers)))

    def add(self, value: Tensor, reads: AxisLike | None = None) -> None:
        """The value of the arm that was last asked for; `reads` is its axis where that is not the result's."""
        if reads is not None and self._writes is not None and isinstance(self._at, Mixed):
            value = widened(value, axis(reads), self._writes, self._dim)
        if self._weight is not None:
            value = self._weight * (value if self._live else value.detach())
        self._total = value if self._total is None else self._total + value

    def value(self) -> Tensor:
        """The sum of what was added."""
        assert self._total is not None, "no arm has run"
        return self._total


def widened(value: Tensor, reads: Axis, writes: Axis, dim: int) -> Tensor:
    """A padded tensor of one layout as one of a layout with larger segments, and perhaps more of them."""
    after = value.dim() - 1 - dim % value.dim()
    missing = [0] * (len(writes.sizes) - len(reads.sizes))
    pieces = value.split_with_sizes([*reads.sizes, *missing], dim)
    padded = [
        F.pad(piece, (0, 0) * after + (0, size - piece.shape[dim]))
        for piece, size in zip(pieces, writes.sizes, strict=True)
    ]
    return padded[0] if len(padded) == 1 else torch.cat(padded, dim)


def kept(
    choice: Extent, sources: Sequence[Tensor], edges: Iterable[nn.Module], at: Choices, *shared: nn.Module
) -> Tensor:
    """The sum of `edge(source)` over the edges that are kept: `0+2` keeps the first and the third.

    `shared` are layers of the node that all its edges use. A mixture keeps all edges while searching, and those
    of its vertex where `choice` is given one-hot.
    """
    known = all(position in at.fixed for position in choice.positions)
    subset = str(at.value(choice)).split("+") if known else [str(i) for i in range(len(sources))]
    total: Tensor | None = None
    for i, (source, edge) in enumerate(zip(sources, edges, strict=True)):
        if str(i) in subset:
            value = edge(source, *shared, at)
            total = value if total is None else total + value
    assert total is not None, f"{choice} keeps no edge"
    return total


def _numbers(position: Position, labels: Sequence[Scalar]) -> tuple[int, ...]:
    """The numbers of the labels that this position has among its choices."""
    wanted = [(isinstance(label, bool), exact(label)) for label in labels]
    return tuple(i for i, c in enumerate(position.choices) if (isinstance(c, bool), c) in wanted)


@cache
def _members(numbers: tuple[int, ...], count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """1 for the choices of a group, 0 for the others; made once, so that no step copies it to a device."""
    members = torch.zeros(count, dtype=dtype)
    members[list(numbers)] = 1
    return members.to(device)
