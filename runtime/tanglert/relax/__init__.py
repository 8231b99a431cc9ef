"""Continuous relaxations: from architecture parameters to probabilities and back to an architecture."""

from tanglert.relax.darts import Darts
from tanglert.relax.derive import most_probable
from tanglert.relax.drnas import DrNAS
from tanglert.relax.gdas import GDAS
from tanglert.relax.parameters import ArchParameters, SampledOnlyError

__all__ = ["GDAS", "ArchParameters", "Darts", "DrNAS", "SampledOnlyError", "most_probable"]
