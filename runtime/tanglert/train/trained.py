"""What became of one architecture that was trained by itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias

from tanglert.train.folder import RunError

Init: TypeAlias = Literal["inherit", "finetune", "retrain"]
"""The supernet's weights as they are; those, trained further; fresh ones."""


@dataclass(frozen=True)
class Trained:
    """The outcome of a training.

    architecture: as in `Arch.to_dict`. test: metrics on the held-out part, of which `metric` is the one that people
    read; higher: whether more is better. epochs: of this training, 0 where weights are inherited as they are.
    seconds: of work, without the time between interruption and resume. memory: bytes at the peak; None if unknown.
    """

    space: str
    init: Init
    architecture: dict[str, object]
    params: int
    macs: int
    metric: str
    higher: bool
    test: dict[str, float]
    held_out: int
    epochs: int
    seed: int
    seconds: float
    memory: int | None = None

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"kind": "training", **asdict(self)}, indent=2) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What a complete training left in its folder, else None. RunError if it cannot be read."""
        file = folder / "result.json"
        if not file.exists():
            return None
        try:
            fields = json.loads(file.read_text(encoding="utf-8"))
            result = cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})
            float(result.test[result.metric])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{file} cannot be read ({error!r}); without it, resuming works it out again"
            ) from error
        return result
