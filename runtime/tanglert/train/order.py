"""The order of data as a function of seed and epoch: nothing to save, resuming is exact at every step."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from tanglert.data.errors import DataError


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A seed of its own for every purpose, so that no two random streams are the same."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def permutation(count: int, seed: int, *purpose: str | int) -> Tensor:
    """A random order of `count` items, int64 (count,)."""
    generator = torch.Generator().manual_seed(derived_seed(seed, *purpose))
    return torch.randperm(count, generator=generator)


def split(count: int, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of a random split: what is left, and `fraction` set apart. DataError if one is empty."""
    apart = round(count * fraction)
    if not 0 < apart < count:
        raise DataError(
            f"a validation part of {fraction:g} of {count} training samples leaves one part empty"
        )
    order = permutation(count, seed, "split")
    return order[apart:], order[:apart]


class Batches:
    """Endless batches of equal size over `count` items, each epoch in an order of its own.

    What does not fill a batch at the end of an epoch is left out; the order is another one every time.
    """

    def __init__(self, count: int, batch_size: int, seed: int, purpose: str) -> None:
        self.count = count
        self.size = min(batch_size, count)
        self.per_epoch = count // self.size
        self._seed, self._purpose = seed, purpose
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __getitem__(self, step: int) -> Tensor:
        """Indices (size,) of batch number `step`, counted from the beginning of training."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, permutation(self.count, self._seed, self._purpose, epoch)
        return self._order[place * self.size : (place + 1) * self.size]
