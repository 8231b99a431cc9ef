"""96 random images of 3 classes for the space of `tests/cli/conftest.py`, and options of a search of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SHORT = ("--data", "images.npz", "--epochs", "1", "--batch-size", "16", "--evaluations", "3")


def write_images(folder: Path) -> None:
    """`images.npz`."""
    rng = np.random.default_rng(0)
    parts = {"train": 64, "test": 32}
    arrays = {f"x_{part}": rng.integers(0, 256, (n, 8, 8), dtype=np.uint8) for part, n in parts.items()}
    arrays |= {f"y_{part}": np.arange(n) % 3 for part, n in parts.items()}
    np.savez(folder / "images.npz", **arrays)
