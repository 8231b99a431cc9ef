"""The border to the runtime: what its users can do wrong becomes a diagnostic, never a traceback."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
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


def same_again(*arguments: str) -> str:
    """A command of `tanglec` for a shell, in as many processes as this one runs in."""
    processes = os.environ.get("WORLD_SIZE", "1")
    torchrun = ["torchrun", "--standalone", "--nproc-per-node", processes, "-m"]
    return shlex.join([*(torchrun if processes != "1" else []), "tanglec", *arguments])


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Warnings as a line for people, without the place in our code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *place, **more: print(f"warning: {message}", file=sys.stderr)
        yield


@contextmanager
def runtime_errors() -> Iterator[None]:
    """What the runtime raises about data, options, runs and architectures, as `CompileError`."""
    from tanglert import ArchError, RequireError
    from tanglert.compiled import NoCompiler
    from tanglert.data import DataError, DataMismatch
    from tanglert.relax import SampledOnlyError
    from tanglert.sample.random_a import TooManyArchitectures
    from tanglert.search import LatencyError, MissingLibrary, NothingAdmitted
    from tanglert.train import (
        BrokenCheckpoint,
        DivergedError,
        ForeignCheckpoint,
        LostProcess,
        OptionsError,
        ProcessesDiffer,
        RunError,
        TaskError,
    )

    codes: dict[type[Exception], str] = {
        DataMismatch: "TSP0916",  # a subclass of DataError, hence before it
        DataError: "TSP0908",
        ForeignCheckpoint: "TSP0909",
        BrokenCheckpoint: "TSP0910",
        RunError: "TSP0911",
        SampledOnlyError: "TSP0404",
        DivergedError: "TSP0917",
        LostProcess: "TSP0922",
        ProcessesDiffer: "TSP0922",
        NothingAdmitted: "TSP0403",
        LatencyError: "TSP0921",
        TaskError: "TSP0918",
        RequireError: "TSP0403",  # a subclass of ArchError
        ArchError: "TSP0905",
        OSError: "TSP0902",
    }
    try:
        with plain_warnings():
            yield
    except NoCompiler as error:
        raise BadOption(str(error), "without `compile` the run is the same, but for its time") from error
    except (OptionsError, TooManyArchitectures) as error:
        raise BadOption(str(error)) from error
    except MissingLibrary as error:
        extra = "tensorboard" if "TensorBoard" in str(error) else "pareto"
        raise fail("TSP0912", str(error), f"pip install 'tanglec[{extra}]'") from error
    except tuple(codes) as error:
        code = next(code for kind, code in codes.items() if isinstance(error, kind))
        raise fail(code, _message(error)) from error
    except (MemoryError, RuntimeError) as error:
        if not _is_too_large(error):
            raise
        help = "a smaller `--batch-size`, or smaller params"
        raise BadOption(f"this does not fit into memory: {str(error).splitlines()[0]}", help) from error


def _message(error: Exception) -> str:
    """What an error says; of the system's, which file and why, without its number."""
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return reason if error.filename is None else f"`{error.filename}`: {reason}"
    return str(error)


def _is_too_large(error: Exception) -> bool:
    """Whether memory does not suffice; torch has a class of its own for that on accelerators only."""
    words = ("allocate memory", "out of memory", "overflow")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)
