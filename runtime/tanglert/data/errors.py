"""What can be wrong with data."""

from __future__ import annotations


class DataError(ValueError):
    """Data that is not there, cannot be read, or does not fit the search space."""


class DataMismatch(DataError):
    """Data that is fine in itself, but not what the search space takes or gives."""
