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
    """Endless batches over `count` items, each epoch in an order of its own.

    A step takes `accumulate` batches of `size` items in each of `ranks` processes, all different; this is the share
    of process `rank`. Together they are what one process takes that has the product for its batch size. What does
    not fill a step at the end of an epoch is left out; the order is another one every time.

    DataError if there is not an item for each of these batches.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        seed: int,
        purpose: str,
        *,
        rank: int = 0,
        ranks: int = 1,
        accumulate: int = 1,
    ) -> None:
        shares = ranks * accumulate
        if count < shares:
            raise DataError(
                f"a step takes {accumulate} batches in each of {ranks} processes, but the {purpose} part has only"
                f" {count} samples"
            )
        self.count, self.accumulate, self.ranks, self.rank = count, accumulate, ranks, rank
        self.size = min(batch_size, count // shares)
        self.per_epoch = count // (self.size * shares)
        self._seed, self._purpose = seed, purpose
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __getitem__(self, step: int) -> Tensor:
        """What this process takes in step number `step`, counted from the beginning of training: indices of all its
        batches, (accumulate · size,).
        """
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, permutation(self.count, self._seed, self._purpose, epoch)
        mine = self.accumulate * self.size
        start = (place * self.ranks + self.rank) * mine
        return self._order[start : start + mine]

    def parts(self, step: int) -> tuple[Tensor, ...]:
        """The same, a batch at a time: `accumulate` times indices (size,)."""
        return self[step].view(self.accumulate, self.size).unbind()
