"""Makes the shipped part of Fashion-MNIST: `python -m tanglert.data.shipped.make FOLDER OUT.npz`.

The first images of every class in the order of the original files: nothing random, so the file can be made
again byte for byte.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tanglert.data.idx import read_idx_folder

CLASSES = [
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
]


def first_of_each(labels: Tensor, count: int) -> Tensor:
    """Indices, ascending, of the first `count` items of every class."""
    parts = [(labels == c).nonzero().flatten()[:count] for c in range(len(CLASSES))]
    return torch.cat(parts).sort().values


def main(folder: str, out: str) -> None:
    """Reads the four idx files in `folder` and writes the subset to `out`."""
    x_train, y_train, x_test, y_test = read_idx_folder(Path(folder))
    train, test = first_of_each(y_train, 600), first_of_each(y_test, 200)
    partial = Path(f"{out}.partial.npz")
    np.savez_compressed(
        partial,
        x_train=x_train[train].numpy(),
        y_train=y_train[train].numpy(),
        x_test=x_test[test].numpy(),
        y_test=y_test[test].numpy(),
        classes=np.array(CLASSES),
    )
    os.replace(partial, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
