"""The runtime of compiled search spaces: spaces, architectures, entangled layers, training and search."""

from tanglert.arch import ArchBase, ArchError, RequireError
from tanglert.choices import ChoiceError, Choices, Mixed, Probabilities, Sliced
from tanglert.choose import Choose, kept
from tanglert.cost import Cost, cost
from tanglert.depth import Depth
from tanglert.dim import Axis, Dim
from tanglert.extent import (
    Extent,
    both,
    ceil,
    divisible,
    either,
    floor,
    keeps,
    lookup,
    maximum,
    minimum,
    negate,
    round_to,
    where,
)
from tanglert.sample.spos import UniformSampler
from tanglert.scan import scan
from tanglert.space import Input, Space
from tanglert.supernet import SupernetBase

__all__ = [
    "ArchBase",
    "ArchError",
    "Axis",
    "ChoiceError",
    "Choices",
    "Choose",
    "Cost",
    "Depth",
    "Dim",
    "Extent",
    "Input",
    "Mixed",
    "Probabilities",
    "RequireError",
    "Sliced",
    "Space",
    "SupernetBase",
    "UniformSampler",
    "both",
    "ceil",
    "cost",
    "divisible",
    "either",
    "floor",
    "keeps",
    "lookup",
    "kept",
    "maximum",
    "minimum",
    "negate",
    "round_to",
    "scan",
    "where",
]
