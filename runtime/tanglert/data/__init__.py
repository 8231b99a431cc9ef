"""Data for searches: a shipped part of Fashion-MNIST, a shipped novel, and loaders for one's own."""

from tanglert.data.errors import DataError, DataMismatch
from tanglert.data.load import SHIPPED, default_for, load
from tanglert.data.part import Data, Part, Samples, Windows

__all__ = [
    "SHIPPED",
    "Data",
    "DataError",
    "DataMismatch",
    "Part",
    "Samples",
    "Windows",
    "default_for",
    "load",
]
