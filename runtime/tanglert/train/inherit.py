"""Weights that architectures inherit from the supernet of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.data.part import Data
from tanglert.protocols import SpaceModule
from tanglert.train.assembly import Search
from tanglert.train.checkpoint import BrokenCheckpoint
from tanglert.train.options import Options


def recalibrated(
    weights: Mapping[str, Tensor], module: SpaceModule, arch: ArchBase, data: Data, options: Mapping[str, Any]
) -> dict[str, Tensor]:
    """The supernet's weights with the batch-norm statistics of `arch`, as the search itself measures it.

    weights: those of the supernet of a run, as `inherited_weights` gives them; data, options: those of the run.
    Raises BrokenCheckpoint, OptionsError or DataError where these do not fit.
    """
    search = Search(module, data, replace(Options.of(options), device="cpu"))
    try:
        search.engine.supernet.load_state_dict(weights)
    except RuntimeError as error:
        raise BrokenCheckpoint(f"the weights are not those of `{module.SPACE.name}`: {error}") from error
    if search.evaluator.recalibrates:
        search.evaluator.calibrate(arch)
    return search.engine.supernet.state_dict()
