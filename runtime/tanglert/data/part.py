"""Parts of a data set: whole on the device, batches made by index."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor


class Part(Protocol):
    """Items that can be counted, chosen by index, and batched."""

    def __len__(self) -> int: ...

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Input and target of the items `index` (B,), ready for the network."""
        ...

    def subset(self, index: Tensor) -> Self:
        """The part that holds the items `index` only, in that order."""
        ...

    def to(self, device: torch.device) -> Self:
        """The same part with its tensors on `device`."""
        ...

    def tensors(self) -> tuple[Tensor, ...]:
        """Everything that it is made of."""
        ...

    def normalisation(self) -> dict[str, list[float]]:
        """What raw inputs are shifted and divided by, for those who use a trained model elsewhere."""
        ...


@dataclass(frozen=True)
class Samples:
    """Classified samples. Images stay small and uint8; a batch is made float, normalised and resized.

    x: (N, C, H, W) or (N, …). y: (N,) int64. mean, std: broadcast against one sample.
    shape: what the network takes; images are resized and grey ones repeated over the channels.
    """

    x: Tensor
    y: Tensor
    mean: Tensor
    std: Tensor
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Input (B, *shape), normalised, and labels (B,)."""
        index = index.to(self.x.device)
        x = (self.x[index].to(self.mean.dtype) - self.mean) / self.std
        if len(self.shape) == 3 and x.shape[2:] != self.shape[1:]:
            x = F.interpolate(x, self.shape[1:], mode="bilinear", align_corners=False, antialias=True)
        return x.expand(-1, *self.shape), self.y[index]

    def subset(self, index: Tensor) -> Samples:
        """The samples `index`, normalised as before."""
        index = index.to(self.x.device)
        return replace(self, x=self.x[index], y=self.y[index])

    def to(self, device: torch.device) -> Samples:
        """The same samples on `device`."""
        x, y, mean, std = (t.to(device) for t in (self.x, self.y, self.mean, self.std))
        return Samples(x, y, mean, std, self.shape)

    def tensors(self) -> tuple[Tensor, ...]:
        """Samples, labels and moments."""
        return self.x, self.y, self.mean, self.std

    def normalisation(self) -> dict[str, list[float]]:
        """`mean` and `std`, a number for each channel or feature."""
        return {"mean": self.mean.flatten().tolist(), "std": self.std.flatten().tolist()}


@dataclass(frozen=True)
class Windows:
    """Windows of a text: the input is `length` ids, the target the same ids one further on.

    ids: (T,) int64. starts: (N,) int64, where every window begins.
    """

    ids: Tensor
    starts: Tensor
    length: int

    @classmethod
    def of(cls, ids: Tensor, length: int) -> Windows:
        """Windows side by side over the whole of `ids`; what is left over at the end is not used."""
        return cls(ids, torch.arange(0, len(ids) - length, length), length)

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Input ids (B, length) and the ids to predict (B, length)."""
        starts = self.starts[index.to(self.starts.device)]
        windows = self.ids[starts[:, None] + torch.arange(self.length + 1, device=starts.device)]
        return windows[:, :-1], windows[:, 1:]

    def subset(self, index: Tensor) -> Windows:
        """The windows `index` of the same text."""
        return replace(self, starts=self.starts[index.to(self.starts.device)])

    def to(self, device: torch.device) -> Windows:
        """The same windows on `device`."""
        return Windows(self.ids.to(device), self.starts.to(device), self.length)

    def tensors(self) -> tuple[Tensor, ...]:
        """Ids and starts."""
        return self.ids, self.starts

    def normalisation(self) -> dict[str, list[float]]:
        """Ids are taken as they are."""
        return {}


@dataclass(frozen=True)
class Data:
    """A data set that fits a space: a training part (to be split for the search) and a held-out test part.

    classes: names of the classes, or the characters of the vocabulary. about: one line for people.
    """

    name: str
    train: Part
    test: Part
    classes: tuple[str, ...]
    about: str

    def sha256(self) -> str:
        """A hash of all samples, by which data is known again wherever it lies."""
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            for tensor in part.tensors():
                digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
                digest.update(tensor.contiguous().view(torch.uint8).numpy().data)
        return digest.hexdigest()
