"""Classified samples: which reader, and whether what it read fits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from tanglert.data.errors import DataError, DataMismatch
from tanglert.data.idx import find_idx, read_idx_folder
from tanglert.data.images import read_image_folder
from tanglert.data.npz import read_npz
from tanglert.data.part import Data, Samples


def load_samples(name: str, path: Path, kind: str, shape: tuple[int, ...], classes: int) -> Data:
    """Samples for an input of `kind` and `shape` (without the batch) and `classes` outputs.

    Raises DataError for anything that does not fit.
    """
    train_x, train_y, test_x, test_y, names = read_samples(path, kind, shape)
    if kind == "pixels":
        train_x, test_x = (as_images(name, x, shape) for x in (train_x, test_x))
    elif any(x.shape[1:] != shape for x in (train_x, test_x)):
        raise DataMismatch(
            f"{name}: samples of shape {tuple(train_x.shape[1:])}, the space takes {kind}{shape}"
        )
    labels = [
        as_labels(name, part, x, y, classes)
        for part, x, y in [("training", train_x, train_y), ("test", test_x, test_y)]
    ]
    refuse_missing_classes(name, labels[0], classes)
    for part, x in (("training", train_x), ("test", test_x)):
        refuse_strange_values(name, part, x)
    mean, std = moments(train_x)
    if not (mean + std).isfinite().all():
        raise DataError(f"{name}: the training samples hold values beyond what float32 can normalise")
    train, test = (Samples(x, y, mean, std, shape) for x, y in zip((train_x, test_x), labels, strict=True))
    about = f"{len(train):,} training and {len(test):,} test samples of {classes} classes"
    return Data(name, train, test, names or tuple(map(str, range(classes))), about)


def read_samples(
    path: Path, kind: str, shape: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[str, ...]]:
    """The reader for what `path` is."""
    if path.suffix == ".npz":
        return read_npz(path)
    if path.is_dir() and find_idx(path, "train", "images"):
        return *read_idx_folder(path), ()
    if path.is_dir() and kind == "pixels":
        return read_image_folder(path, shape)
    raise DataError(f"{path}: not an .npz file, a folder of idx files, or a folder of images by class")


def as_images(name: str, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x as (N, C, H, W), C being 1 or the wanted number; accepts (N, H, W) and (N, H, W, C)."""
    channels = shape[0]
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim == 4 and x.shape[1] not in (1, channels) and x.shape[3] in (1, channels):
        x = x.permute(0, 3, 1, 2)
    if x.ndim != 4 or x.shape[1] not in (1, channels) or 0 in x.shape[1:]:
        raise DataMismatch(f"{name}: images of shape {tuple(x.shape[1:])}, the space takes pixels{shape}")
    return x.contiguous()


def as_labels(name: str, part: str, x: Tensor, y: Tensor, classes: int) -> Tensor:
    """y as int64 (N,), checked: one for every sample, whole, and from 0 to classes - 1."""
    if len(x) == 0:
        raise DataError(f"{name}: the {part} part is empty")
    y = y.flatten() if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or len(y) != len(x):
        raise DataError(f"{name}: {len(x)} {part} samples, but labels of shape {tuple(y.shape)}")
    if y.is_floating_point() or y.is_complex():
        raise DataError(f"{name}: the {part} labels are {y.dtype}, they must be whole numbers")
    y = y.to(torch.int64)  # before looking: torch cannot compare all of the unsigned types
    low, high = int(y.min()), int(y.max())
    if low < 0:
        raise DataError(f"{name}: the {part} labels begin at {low}; classes are numbered from 0")
    if high >= classes:
        raise DataMismatch(
            f"{name}: {part} labels run from {low} to {high}, the space has {classes} classes,"
            f" 0 to {classes - 1}; compile it for the right number, e.g. --param classes={high + 1}"
        )
    return y


def refuse_missing_classes(name: str, labels: Tensor, classes: int) -> None:
    """Every class needs a training sample: the network would have an output that is never right."""
    there = set(labels.tolist())
    missing = list(islice((c for c in range(classes) if c not in there), 11))
    if missing:
        listed = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
        raise DataMismatch(
            f"{name}: no training sample of class {listed}; the space has {classes} classes"
            " (--param classes=… if that is not what you want)"
        )


def refuse_strange_values(name: str, part: str, x: Tensor) -> None:
    """Samples are real and finite numbers."""
    if x.is_complex():
        raise DataError(f"{name}: the {part} samples are {x.dtype}, networks take real numbers")
    if x.is_floating_point() and not all(bool(chunk.isfinite().all()) for chunk in chunks(x)):
        raise DataError(f"{name}: the {part} samples hold values that are not finite (nan or inf)")


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the training part, per channel of images (C, 1, 1), else per feature."""
    dims = [0, 2, 3] if x.ndim == 4 else [0]
    total = torch.zeros(x.shape[1:2] if x.ndim == 4 else x.shape[1:], dtype=torch.float64)
    square = total.clone()
    for chunk in chunks(x):
        total += chunk.sum(dims)
        square += chunk.square().sum(dims)
    count = x.numel() / total.numel()
    mean = total / count
    std = (square / count - mean.square()).clamp(min=0).sqrt()
    std = torch.where(std > 0, std, torch.ones_like(std))
    view = (-1, 1, 1) if x.ndim == 4 else tuple(x.shape[1:])
    return mean.float().reshape(view), std.float().reshape(view)


def chunks(x: Tensor) -> Iterator[Tensor]:
    """x in float64, a thousand samples at a time: large data sets stay small in memory."""
    for start in range(0, len(x), 1000):
        yield x[start : start + 1000].to(torch.float64)
