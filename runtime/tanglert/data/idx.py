"""The idx format of MNIST and its relatives: a big-endian header, then bytes (LeCun et al. 1998)."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from tanglert.data.compressed import read_bytes
from tanglert.data.errors import DataError

_UNSIGNED_BYTES = 8


def read_idx(path: Path) -> Tensor:
    """The uint8 tensor in an idx file, plain or compressed with gzip.

    Raises DataError if the file is cut short or holds something else.
    """
    raw = read_bytes(path)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTES or len(raw) < 4 + 4 * raw[3]:
        raise DataError(f"{path}: not an idx file of unsigned bytes")
    dims = raw[3]
    start = 4 + 4 * dims
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    if len(raw) - start != math.prod(shape):
        raise DataError(f"{path}: {len(raw) - start} bytes of data, its header promises {math.prod(shape)}")
    if math.prod(shape) == 0:
        raise DataError(f"{path}: holds no items")
    return torch.frombuffer(bytearray(raw[start:]), dtype=torch.uint8).reshape(shape)


def find_idx(folder: Path, part: str, what: str) -> Path | None:
    """The file of `part` ("train", "t10k") with its "images" or "labels", in any of the usual spellings."""
    found = sorted(folder.glob(f"{part}-{what}[-.]idx[13]-ubyte*"))
    return found[0] if found else None


def read_idx_folder(folder: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training images and labels, test images and labels, of a folder with the four files of MNIST."""
    tensors = []
    for part, what in [("train", "images"), ("train", "labels"), ("t10k", "images"), ("t10k", "labels")]:
        path = find_idx(folder, part, what)
        if path is None:
            raise DataError(f"{folder}: no {part}-{what}-idx?-ubyte file (or .gz) beside the others")
        tensors.append(read_idx(path))
    train_x, train_y, test_x, test_y = tensors
    return train_x, train_y, test_x, test_y
