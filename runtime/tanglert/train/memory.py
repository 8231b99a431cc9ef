"""How much memory a run takes at its peak."""

from __future__ import annotations

import re
from pathlib import Path

import torch


def peak_memory(device: torch.device) -> int | None:
    """Bytes: what torch has allocated on a GPU, elsewhere the resident memory of the process; None if unknown.

    Of the process it is what Linux tells: `getrusage` would begin at the peak of the process that started it.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(found[1]) * 1024 if found else None
