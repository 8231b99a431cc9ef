"""Arrays in an .npz file: x_train, y_train, x_test, y_test, and optionally `classes`, the names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tanglert.data.errors import DataError

_WANTED = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[str, ...]]:
    """The four tensors, and the names of the classes (empty if the file has none).

    Raises DataError if an array is missing or the file is no .npz. Pickled objects are never loaded.
    """
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: not an .npz file (it is empty, was cut short, or is something else)")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in _WANTED if name not in file]
            if missing:
                raise DataError(f"{path}: no array {', '.join(missing)}; it has {', '.join(file.files)}")
            x_train, y_train, x_test, y_test = (torch.from_numpy(file[name]) for name in _WANTED)
            names = tuple(map(str, np.atleast_1d(file["classes"]))) if "classes" in file else ()
    except DataError:
        raise
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not an .npz file of plain arrays ({error})") from error
    return x_train, y_train, x_test, y_test, names
