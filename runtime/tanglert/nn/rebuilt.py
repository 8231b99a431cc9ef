"""Superposed weights that are not kept for the backward pass but made again there: memory for time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

WORTH_REBUILDING = 2**16
"""From how many numbers on a superposed weight whose mask is a product of vectors is made again: two passes over it."""


class _Place(NamedTuple):
    """Where a saved tensor lies in the weight that is not kept."""

    size: torch.Size
    stride: Sequence[int | torch.SymInt]
    offset: int | torch.SymInt


Saved: TypeAlias = Tensor | _Place


def without_keeping(
    made: Tensor, sources: Sequence[Tensor], make: Callable[[], Tensor]
) -> saved_tensors_hooks:
    """A context in which operations do not save `made` (or views of it) for backward, which calls `make` again.

    made: what `make` gave. sources: what it is made of; RuntimeError in backward if any has changed by then.
    """
    storage, versions = made.untyped_storage().data_ptr(), [source._version for source in sources]

    def pack(tensor: Tensor) -> Saved:
        if tensor.untyped_storage().data_ptr() != storage:
            return tensor
        return _Place(tensor.size(), tensor.stride(), tensor.storage_offset())

    def unpack(saved: Saved) -> Tensor:
        if isinstance(saved, Tensor):
            return saved
        if [source._version for source in sources] != versions:
            raise RuntimeError(
                "a weight, or a probability of its choices, was changed between the forward pass and its backward pass"
            )
        with torch.no_grad():
            return make().as_strided(*saved)

    return saved_tensors_hooks(pack, unpack)
