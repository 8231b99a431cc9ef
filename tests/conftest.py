"""One thread for torch, and property tests that do not depend on the machine's speed."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """The same sums on every machine; torch is not imported for tests that do without."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
