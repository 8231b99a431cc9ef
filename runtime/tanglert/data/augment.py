"""Random changes of training images: cropped, mirrored, with a square blanked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tanglert.data.errors import DataMismatch
from tanglert.data.part import Part, Samples


@dataclass(frozen=True)
class Augmented:
    """A training part of images whose batches are changed at random, each image by itself.

    crop: pixels of the network's input by which images are padded in black, to be cropped at random. flip: whether
    half of them are mirrored. cutout: side of a square, centred anywhere within the image, that gets the mean
    colour (DeVries and Taylor 2017); 0 is none.

    There is no state: what happens follows from the seed and from what `batch` is asked for, so that a run that is
    resumed sees the same images, and the same batch asked for twice is the same. An epoch has an order of its own, and
    with it other changes. Raises DataMismatch for anything but images.
    """

    part: Part
    crop: int = 0
    flip: bool = False
    cutout: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.part, Samples) or len(self.part.shape) != 3:
            raise DataMismatch("crop, flip and cutout are for images")

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Input (B, C, H, W), normalised and changed, and labels (B,)."""
        x, y = self.part.batch(index)
        generator = self._generator(index)
        if self.crop:
            x = cropped(x, self._black(), self.crop, generator)
        if self.flip:
            mirrored = torch.rand(len(x), generator=generator) < 0.5
            x = torch.where(mirrored.to(x.device).view(-1, 1, 1, 1), x.flip(-1), x)
        if self.cutout:
            x = x.masked_fill(squares(x, self.cutout, generator), 0.0)
        return x, y

    def _generator(self, index: Tensor) -> torch.Generator:
        """Random numbers that follow from the seed and the items."""
        items = hashlib.sha256(f"augment/{self.seed}/".encode() + index.cpu().numpy().tobytes()).digest()
        return torch.Generator().manual_seed(int.from_bytes(items[:7], "big"))

    def _black(self) -> Tensor:
        """A raw value of 0 as the network sees it, (C, 1, 1) or (1, 1, 1)."""
        assert isinstance(self.part, Samples)
        return -self.part.mean / self.part.std

    def subset(self, index: Tensor) -> Augmented:
        """The items `index`, changed by the same rules."""
        return replace(self, part=self.part.subset(index))

    def to(self, device: torch.device) -> Augmented:
        """The same on `device`; random numbers are drawn on the CPU, so that they are the same everywhere."""
        return replace(self, part=self.part.to(device))

    def tensors(self) -> tuple[Tensor, ...]:
        """Those of the images as they are."""
        return self.part.tensors()

    def normalisation(self) -> dict[str, list[float]]:
        """As of the images."""
        return self.part.normalisation()


def cropped(x: Tensor, black: Tensor, margin: int, generator: torch.Generator) -> Tensor:
    """Images (B, C, H, W), padded by `margin` on all sides, each cropped to its size at a place of its own."""
    count, channels, height, width = x.shape
    wide = black.to(x).expand(count, channels, height + 2 * margin, width + 2 * margin).clone()
    wide[..., margin : margin + height, margin : margin + width] = x
    offsets = torch.randint(2 * margin + 1, (2, count, 1), generator=generator).to(x.device)
    rows = offsets[0] + torch.arange(height, device=x.device)
    columns = offsets[1] + torch.arange(width, device=x.device)
    image = torch.arange(count, device=x.device).view(-1, 1, 1)
    return wide.movedim(1, -1)[image, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def squares(x: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Where the square of each image (B, C, H, W) lies, bool (B, 1, H, W); it may reach over the border."""
    inside = []
    for size in x.shape[2:]:
        start = torch.randint(size, (len(x), 1), generator=generator) - side // 2
        place = torch.arange(size)
        inside.append((place >= start) & (place < start + side))
    return (inside[0][:, None, :, None] & inside[1][:, None, None, :]).to(x.device)
