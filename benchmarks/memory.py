"""What a step holds in memory: tensors saved for the backward pass, and the peak of a process.

`python -m benchmarks.memory SPACE SHARING BATCH` prints the bytes that one step adds to the peak of its process (Linux only).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.step import BilevelStep


def saved_bytes(step: BilevelStep) -> int:
    """Bytes of the distinct storages that the forward pass of the architecture's half saves for backward.

    It saves more than that of the weights, as it differentiates by probabilities too. What is there anyhow (parameters,
    buffers, data) is left out.
    """
    there = (*step.supernet.parameters(), *step.supernet.buffers(), step.images, step.labels)
    known = {tensor.untyped_storage().data_ptr() for tensor in there}
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    probabilities = {dim: p.requires_grad_() for dim, p in step.random_probabilities().items()}
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = step.loss(probabilities)  # the graph keeps what it saved, so that no address is used twice
    del loss
    return sum(saved.values())


def peak_bytes(module: str, *arguments: str) -> int:
    """What `python -m MODULE ARGUMENTS …` prints: bytes, measured in a process of its own.

    glibc is told to give large blocks back at once; left to itself it keeps some, now more and now less.

    Raises:
        subprocess.CalledProcessError: the process failed; what it said is on stderr.
    """
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return int(done.stdout)


def added_peak(run: Callable[[], None]) -> int:
    """Bytes that a function adds to the peak of this process, which must have done nothing large before."""
    start = _peak()
    run()
    return _peak() - start


def _peak() -> int:
    """The largest resident memory of this process so far, as Linux tells it.

    `getrusage` would not do: it starts at the peak of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    (kibibytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kibibytes) * 1024


def main() -> None:
    """What one step adds."""
    torch.set_num_threads(1)
    space, sharing, batch = sys.argv[1:]
    print(added_peak(BilevelStep(space, sharing, int(batch)).run))


if __name__ == "__main__":
    main()
