"""What a measurement is made with: enough to judge it by, nothing about whose machine it is."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

import torch

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Options of `mallopt`."""


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


def keep_memory() -> None:
    """Tells glibc not to hand freed memory back to the system, where there is glibc.

    Left to itself it does so whenever much is free at its end, and gets it anew page by page: in some steps of a network and not
    in others, which has to do with the order of its blocks. Allocators of accelerators keep what is freed.
    """
    if platform.libc_ver()[0] == "glibc":
        for option, size in (MMAP_THRESHOLD, 2**25), (TRIM_THRESHOLD, 2**31 - 1):
            ctypes.CDLL(None).mallopt(option, size)
