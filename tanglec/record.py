"""The dataclasses that trees are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, eq: bool = True) -> Callable[[type[T]], type[T]]:
    """A slotted dataclass that type checkers keep frozen; without `eq` it is compared and hashed by identity.

    At run time it is not frozen: that would double the time that these classes take to build, at every start.
    """

    def build(cls: type[T]) -> type[T]:
        cls.__doc__ = cls.__doc__ or cls.__name__  # else `dataclass` writes a signature, which is slow
        return dataclass(slots=True, eq=eq)(cls)

    return build
