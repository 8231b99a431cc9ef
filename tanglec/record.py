"""The dataclasses that the compiler is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, eq: bool = True) -> Callable[[type[T]], type[T]]:
    """A slotted dataclass that type checkers keep frozen; without `eq` it is compared and hashed by identity.

    At run time it is not frozen, and its methods are shared: what `dataclass` would write and compile for each class, at
    every start, takes four times as long.
    """

    def build(cls: type[T]) -> type[T]:
        cls.__doc__ = cls.__doc__ or cls.__name__  # else `dataclass` writes a signature, which is slow
        made = dataclass(slots=True, eq=False, repr=False)(cls)
        methods = {"__repr__": _repr, **(_comparison(made) if eq else {})}
        for name, method in methods.items():
            if name not in cls.__dict__:
                setattr(made, name, method)
        return made

    return build


def _repr(self: Any) -> str:
    shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
    return f"{type(self).__name__}({shown})"


def _comparison(cls: type) -> dict[str, Callable[..., Any]]:
    """Equality and hash by the fields that are compared."""
    names = [f.name for f in fields(cls) if f.compare]
    content: Callable[[object], object] = attrgetter(*names) if names else lambda _: ()

    def equal(self: object, other: object) -> Any:
        if type(other) is not cls:
            return NotImplemented
        return self is other or content(self) == content(other)

    return {"__eq__": equal, "__hash__": lambda self: hash(content(self))}
