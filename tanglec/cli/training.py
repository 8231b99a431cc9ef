"""The border to the runtime: what its users can do wrong becomes a diagnostic, never a traceback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tanglec.cli.messages import BadOption, fail


def need_torch() -> None:
    """Import torch. Raises `CompileError` (TSP0912) where something that training needs is not installed."""
    # By default OpenMP's threads spin while they wait for each other: beside another busy process, steps of
    # `vit_mini` on two cores then took 2.5 s instead of 0.3 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import numpy  # noqa: F401
        import safetensors  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        title = f"this command needs PyTorch: `{error.name}` is not installed"
        raise fail("TSP0912", title, "pip install 'tanglec[train]'") from None


@contextmanager
def runtime_errors() -> Iterator[None]:
    """What the runtime raises about data, options, runs and architectures, as `CompileError`."""
    from tanglert import ArchError, RequireError
    from tanglert.data import DataError
    from tanglert.relax import SampledOnlyError
    from tanglert.train import BrokenCheckpoint, DivergedError, ForeignCheckpoint, OptionsError, RunError

    codes: dict[type[Exception], str] = {
        DataError: "TSP0908",
        ForeignCheckpoint: "TSP0909",
        BrokenCheckpoint: "TSP0910",
        RunError: "TSP0911",
        SampledOnlyError: "TSP0404",
        DivergedError: "TSP0915",
        RequireError: "TSP0403",  # a subclass of ArchError, hence before it
        ArchError: "TSP0905",
        OSError: "TSP0902",
    }
    try:
        yield
    except OptionsError as error:
        raise BadOption(str(error)) from error
    except tuple(codes) as error:
        code = next(code for kind, code in codes.items() if isinstance(error, kind))
        raise fail(code, str(error)) from error
