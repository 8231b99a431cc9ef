"""What a search cannot use, looked for before it begins: data of one's own may never have seen a loader."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from tanglert.data.errors import DataError, DataMismatch
from tanglert.data.part import Data, Part, Samples, Windows
from tanglert.space import Space


def refuse_unfit(data: Data, space: Space) -> None:
    """Raises DataError for an empty part, DataMismatch for labels or ids that the space has no place for."""
    for name, part in {"training": data.train, "test": data.test}.items():
        if len(part) == 0:
            raise DataError(f"{data.name}: the {name} part is empty")
        if isinstance(part, Samples):
            _refuse_outside(data.name, f"{name} labels", part.y, space.output[1][-1], "classes")
        elif isinstance(part, Windows):
            _refuse_outside(data.name, f"{name} ids", part.ids, space.inputs[0].shape[0], "ids")


def _refuse_outside(data: str, what: str, numbers: Tensor, count: int, of: str) -> None:
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high >= count:
        raise DataMismatch(
            f"{data}: {what} run from {low} to {high}, the space has {count} {of}, 0 to {count - 1}"
        )


def warn_of_missing_classes(data: Data, parts: dict[str, Part]) -> None:
    """A warning for every part, by its name, in which some class has no sample: it says nothing about that class."""
    for name, part in parts.items():
        if isinstance(part, Samples):
            there = set(torch.unique(part.y).tolist())
            missing = [
                f"{c} ({n})" if n != str(c) else n for c, n in enumerate(data.classes) if c not in there
            ]
            if missing:
                listed = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
                warnings.warn(
                    f"{data.name}: the {name} part has no sample of class {listed}; what is measured or learnt there"
                    " says nothing about it",
                    stacklevel=2,
                )
