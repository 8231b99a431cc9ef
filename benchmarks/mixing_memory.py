"""The peak memory of a search: `python -m benchmarks.mixing_memory NETWORK MODE STEP` prints it in bytes (Linux only).

Weights, gradients, the momenta of the optimisers and what is kept for backward count; what the process holds before, PyTorch
above all, does not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import cast

import torch

from benchmarks.memory import added_peak
from benchmarks.mixing_networks import STEPS, TRANSFORMERS, Mode, Workbench
from benchmarks.rows import Peaks, Row

MEASURED: tuple[Mode, ...] = ("fast", "rebuilt")


def rows() -> Iterator[Row]:
    """Every step in every mode, each in a process of its own."""
    for name in TRANSFORMERS:
        for mode in MEASURED:
            commands = {step: ("benchmarks.mixing_memory", name, mode, step) for step in STEPS}
            yield Peaks(Workbench(name, mode).label, commands)


def main() -> None:
    """A network is made and taken one step, in the middle of a training."""
    torch.set_num_threads(1)
    name, mode, step = sys.argv[1:]
    bench = Workbench(name, cast(Mode, mode))
    print(added_peak(lambda: STEPS[step](bench)()))


if __name__ == "__main__":
    main()
