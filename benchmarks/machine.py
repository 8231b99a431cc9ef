"""What a measurement was made with: enough to judge it by, nothing about whose machine it was."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def machine() -> dict[str, str | int]:
    """Versions, system and processor."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.system(),
        "processor": processor(),
        "cpus": os.cpu_count() or 1,
    }


def processor() -> str:
    """The processor's name as Linux tells it, else its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def load() -> float:
    """Processes that want to run, averaged over a minute: 1 for each that is always busy, ours among them."""
    return round(os.getloadavg()[0], 1)
