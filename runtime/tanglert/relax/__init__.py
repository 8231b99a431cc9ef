"""Continuous relaxations: from architecture parameters to probabilities and back to an architecture."""

from tanglert.relax.derive import most_probable
from tanglert.relax.drnas import DrNAS
from tanglert.relax.parameters import ArchParameters, SampledOnlyError

__all__ = ["ArchParameters", "DrNAS", "SampledOnlyError", "most_probable"]
