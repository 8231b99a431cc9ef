"""Costs: of one architecture, and expected under independent probabilities at every position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from tanglert.arch import ArchBase
from tanglert.choices import ChoiceError, Probabilities
from tanglert.dim import Dim
from tanglert.extent import Extent
from tanglert.space import Space
from tanglert.terms import Table, TermsError, tables

__all__ = ["Cost", "TermsError", "cost"]

A = TypeVar("A", bound=ArchBase)


class Cost(Generic[A]):
    """A cost of architectures that adds up: `cost(arch)`, and `cost.expected(probabilities)`.

    function: the cost of one architecture, not rounded. largest: the cost of the largest architecture. together: which
    choices meet in one term. A scoped dimension stands for each of its positions, several in one tuple for the
    same place in each. What decides on the presence of a choice need not be said; a choice that is in no tuple
    meets none but these.
    """

    __name__: str

    def __init__(
        self,
        function: Callable[[A], float],
        space: Space,
        largest: int,
        together: Iterable[Sequence[Extent]] = (),
    ) -> None:
        self.function, self.space, self.largest = function, space, largest
        self.together = tuple(tuple(group) for group in together)
        self._batches: dict[tuple[torch.dtype, torch.device], list[_Batch]] = {}
        update_wrapper(self, function)

    def __call__(self, arch: A) -> int:
        """The cost of one architecture."""
        return round(self.function(arch))

    def expected(self, probabilities: Probabilities) -> Tensor:
        """The expected cost where every position is chosen independently: a scalar, differentiable, in whole units.

        At one-hot probabilities it is the cost of the architecture: what absent positions would choose does not
        matter. A `require` does not condition it: excluded choices count with their probability. Where the choices of
        which edges a cell keeps are left out, as while searching, all of them are equally probable. In the dtype
        of the probabilities, in float32 at least; float64 is exact to rounding.

        The first call takes the cost apart (some 100 ms), every other one is a few contractions. Raises ChoiceError on
        probabilities that do not fit the space, TermsError where too many choices meet in one term.
        """
        rows = self._rows(probabilities)
        key = rows.dtype, rows.device
        if key not in self._batches:
            with torch.inference_mode(False):  # or autograd could not use them later
                self._batches[key] = [batch.to(rows) for batch in self._terms]
        total = rows.new_zeros(())
        for batch in self._batches[key]:
            total = total + batch.expected(rows)
        return total

    @cached_property
    def _terms(self) -> list[_Batch]:
        """The tables whose sum is the cost, those of one shape in one batch."""
        by_shape: dict[torch.Size, list[Table]] = {}
        for table in tables(self.space, self.function, self.together):
            by_shape.setdefault(table.values.shape, []).append(table)
        number = {p: n for n, p in enumerate(self.space.positions)}
        return [
            _Batch(
                torch.stack([table.values for table in alike]),
                torch.tensor([[number[p] for p in t.positions] for t in alike], dtype=torch.long),
            )
            for alike in by_shape.values()
        ]

    def _rows(self, probabilities: Probabilities) -> Tensor:
        """The probabilities of all positions, (positions, most choices), zero padded on the right."""
        like = next((given for given in probabilities.values()), torch.zeros(()))
        dtype = torch.promote_types(like.dtype, torch.float32)
        width = max((dim.width for dim in self.space.dims), default=0)
        rows = [like.new_zeros((0, width), dtype=dtype)]
        for dim in self.space.dims:
            given = probabilities.get(dim.name)
            if given is None and dim.gates:
                given = _uniform(dim).to(rows[0]).reshape(dim.shape)
            if given is None or tuple(given.shape) != dim.shape:
                shown = "none" if given is None else tuple(given.shape)
                raise ChoiceError(f"probabilities of `{dim.name}`: wanted shape {dim.shape}, given {shown}")
            flat = given.reshape(len(dim.positions), dim.width)
            rows.append(pad(flat, (0, width - dim.width)).to(rows[0]))
        return torch.cat(rows)


def _uniform(dim: Dim) -> Tensor:
    """All choices of a position equally probable, (positions, choices) float64, zero padded on the right."""
    counts = torch.tensor([[len(p.choices)] for p in dim.positions], dtype=torch.float64)
    return (torch.arange(dim.width) < counts) / counts


@dataclass(frozen=True)
class _Batch:
    """Tables of one shape, (tables, choices, …, choices), and the number of each one's positions, (tables, axes)."""

    values: Tensor
    positions: Tensor

    def to(self, rows: Tensor) -> _Batch:
        return _Batch(self.values.to(rows), self.positions.to(rows.device))

    def expected(self, rows: Tensor) -> Tensor:
        """The sum of the tables' means: contracted with one position's probabilities after another, the last first."""
        values = self.values
        for axis in reversed(range(self.positions.shape[1])):
            row = rows[self.positions[:, axis], : values.shape[-1]]
            values = (values * row.reshape(len(row), *[1] * axis, -1)).sum(-1)
        return values.sum()


def cost(
    space: Space, *, largest: int, together: Iterable[Sequence[Extent]] = ()
) -> Callable[[Callable[[A], float]], Cost[A]]:
    """Makes a `Cost` of a function of architectures, as a decorator."""
    return lambda function: Cost(function, space, largest, together)
