"""What stands in `config.json`: enough to know a run, and to repeat it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tanglert.data.part import Data
from tanglert.space import Space
from tanglert.train.distributed import World
from tanglert.train.options import Options


def description(
    space: Space, data: Data, options: Options, world: World, device: torch.device
) -> dict[str, Any]:
    """Space, data and options, and where they ran."""
    return {
        "space": space.name,
        "source": space.source,
        "data": data.name,
        "data_sha256": data.sha256(),
        "classes": list(data.classes),
        "normalisation": data.train.normalisation(),
        "options": options.plain(),
        "processes": world.size,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
    }


def digest(weights: Mapping[str, Tensor]) -> str:
    """A hash of all numbers, by which weights are known again."""
    sha = hashlib.sha256()
    for name, tensor in weights.items():
        sha.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        sha.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def file_digest(path: str) -> str:
    """A hash of a file, by which it is known again."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
