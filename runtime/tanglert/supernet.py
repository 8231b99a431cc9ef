"""The supernet: one set of weights, run as any architecture or as the superposition of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from torch import Tensor, nn

from tanglert.arch import ArchBase
from tanglert.choices import Choices, Mixed, Probabilities, Sliced, Straight, Vertex
from tanglert.leaves import Leaves
from tanglert.nn.layer import Layer
from tanglert.space import Space


class SupernetBase(nn.Module):
    """Base of a generated `Supernet`.

    leaves: while there are any, parts that architectures read of weights collect gradients of their own there.
    """

    space: ClassVar[Space]
    leaves: Leaves | None = None
    __call__: Callable[..., Tensor]

    def choices(self, arch: ArchBase | Probabilities) -> Choices:
        """What to run the network at: an architecture is sliced, probabilities are superposed.

        A `Vertex` is superposed too, with the same value and gradients, and sliced wherever that gives them.
        """
        if isinstance(arch, Vertex):
            return Straight(self.space, arch)
        if not isinstance(arch, ArchBase):
            return Mixed(self.space, arch)
        if arch.space is not self.space:
            raise TypeError(f"an architecture of space {arch.space.name} in a supernet of {self.space.name}")
        return Sliced(arch.indices(), self.leaves)

    def rebuild_weights(self, on: bool = True) -> None:
        """Superposed weights are not kept for the backward pass but made again there: a mixture then holds hardly more
        than the largest network alone, and its step takes some per cent longer. Values and gradients are the same.
        """
        for module in self.modules():
            if isinstance(module, Layer):
                module.rebuilds = on

    def export(self, arch: ArchBase, keys: Iterable[str] | None = None) -> dict[str, Tensor]:
        """The weights of the architecture's subnet: sliced, contiguous copies under the supernet's own names.

        `keys` are those of the subnet's `state_dict()`; KeyError if the supernet lacks one. Without them
        every weight is given, those of absent layers at the first of their choices.
        """
        at = self.choices(arch)
        assert isinstance(at, Sliced)
        state: dict[str, Tensor] = {}
        for prefix, module in _owners(self):
            own = module.subnet_state(at) if isinstance(module, Layer) else _own_state(module)
            state.update({f"{prefix}{name}": tensor for name, tensor in own.items()})
        if keys is None:
            return state
        wanted = list(keys)
        missing = [key for key in wanted if key not in state]
        if missing:
            raise KeyError(f"the supernet of {self.space.name} has no weight `{missing[0]}`")
        return {key: state[key] for key in wanted}


def _owners(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The modules down to entangled layers; what a layer holds to read its weights is no part of a subnet."""
    yield prefix, module
    for name, child in () if isinstance(module, Layer) else module._modules.items():
        if child is not None:
            yield from _owners(child, f"{prefix}{name}.")


def _own_state(module: nn.Module) -> dict[str, Tensor]:
    """The tensors that a plain module itself holds."""
    tensors = {**module._parameters, **module._buffers}
    skipped = module._non_persistent_buffers_set
    return {k: t.detach().clone() for k, t in tensors.items() if t is not None and k not in skipped}
