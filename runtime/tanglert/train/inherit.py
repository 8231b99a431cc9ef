"""Weights that architectures inherit from the supernet of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.data.part import Data
from tanglert.protocols import SpaceModule
from tanglert.train.assembly import Search
from tanglert.train.checkpoint import BrokenCheckpoint
from tanglert.train.options import Options


class Inherited:
    """The trained supernet of a run, in which architectures are calibrated and measured as the search itself does it.

    weights: as `inherited_weights` gives them; data, options: those of the run. Raises BrokenCheckpoint,
    OptionsError or DataError where these do not fit.
    """

    def __init__(
        self, weights: Mapping[str, Tensor], module: SpaceModule, data: Data, options: Mapping[str, Any]
    ) -> None:
        self.search = Search(module, data, Options.of(options).but(device="cpu"))
        try:
            self.search.engine.supernet.load_state_dict(weights)
        except RuntimeError as error:
            raise BrokenCheckpoint(f"the weights are not those of `{module.SPACE.name}`: {error}") from error

    def calibrated(self, arch: ArchBase) -> dict[str, Tensor]:
        """The supernet's weights, with the batch-norm statistics of `arch`."""
        if self.search.evaluator.recalibrates:
            self.search.evaluator.calibrate(arch)
        return self.search.engine.supernet.state_dict()

    def measured(self, arch: ArchBase) -> dict[str, dict[str, float]]:
        """Metrics on the held-out part and on the part that chose among architectures."""
        return {"test": self.search.on_test(arch), "validation": self.search.on_validation(arch)}


def recalibrated(
    weights: Mapping[str, Tensor], module: SpaceModule, arch: ArchBase, data: Data, options: Mapping[str, Any]
) -> dict[str, Tensor]:
    """The supernet's weights with the batch-norm statistics of `arch`. Raises what `Inherited` does."""
    return Inherited(weights, module, data, options).calibrated(arch)
