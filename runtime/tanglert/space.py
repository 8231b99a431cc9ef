"""What a search space is at run time: its dimensions, inputs and output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tanglert.dim import Dim
from tanglert.extent import Extent, Position


@dataclass(frozen=True)
class Input:
    """One input of the network. Kinds: pixels (C, H, W); tokens (L, D); vector (D,); ids (vocabulary, L)."""

    name: str
    kind: str
    shape: tuple[int, ...]


class Space:
    """A search space: dimensions in order of declaration, inputs, output type, and the hash of its source.

    output: kind and shape as of an input; `("several", ())` where the network returns more than one tensor.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str = "",
        dims: Sequence[Dim],
        inputs: Sequence[Input],
        output: tuple[str, tuple[int, ...]],
        source: str = "",
    ) -> None:
        self.name = name
        self.title = title
        self.dims = tuple(dims)
        self.inputs = tuple(inputs)
        self.output = output
        self.source = source
        self.positions: tuple[Position, ...] = tuple(p for dim in dims for p in dim.positions)
        self.sampled_only = frozenset(dim.name for dim in dims if dim.sampled)
        self._dims = {dim.name: dim for dim in dims}

    def dim(self, name: str) -> Dim:
        """The dimension of that name; KeyError names those that there are."""
        if name not in self._dims:
            raise KeyError(f"space {self.name} has no dimension `{name}`; it has {', '.join(self._dims)}")
        return self._dims[name]

    def present(self, position: Position) -> Extent:
        """Where the position exists, as a condition on the other choices."""
        return self._dims[position.dim].present[position.index]

    def __repr__(self) -> str:
        return f"Space({self.name}: {', '.join(dim.name for dim in self.dims)})"
