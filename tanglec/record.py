"""The dataclasses that the compiler is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, eq: bool = True, frozen: bool = True) -> Callable[[type[T]], type[T]]:
    """A slotted dataclass that type checkers keep frozen, if it is; without `eq` it is compared and hashed by identity.

    At run time it is not frozen, and its methods are shared: what `dataclass` would write and compile for each class, at
    every start, takes ten times as long.
    """

    def build(cls: type[T]) -> type[T]:
        cls.__doc__ = cls.__doc__ or cls.__name__  # else `dataclass` writes a signature, which is slow
        plain = _is_plain(cls)
        made = dataclass(slots=True, eq=False, repr=False, init=not plain)(cls)
        methods: dict[str, Callable[..., Any]] = {"__repr__": _repr, **(_comparison(made) if eq else {})}
        if plain:
            methods["__init__"] = _initialiser(made)
        for name, method in methods.items():
            if name not in cls.__dict__:
                setattr(made, name, method)
        return made

    return build


def _is_plain(cls: type) -> bool:
    """Whether making one is to set what is given, or its default, and nothing else."""
    own = (value for value in vars(cls).values() if isinstance(value, Field))
    inherited = (f for base in cls.__bases__ for f in getattr(base, "__dataclass_fields__", {}).values())
    return not hasattr(cls, "__post_init__") and all(f.init for f in (*own, *inherited))


def _initialiser(cls: type) -> Callable[..., None]:
    """`__init__` of a plain record: the code of all that have as many fields, under the names of these."""
    given = sorted(fields(cls), key=lambda f: f.kw_only is True)
    by_name = sum(f.kw_only is True for f in given)
    code = _setting(tuple(f.default_factory is not MISSING for f in given))
    names = {f"_{i}": f.name for i, f in enumerate(given)}
    code = code.replace(
        co_varnames=tuple(names.get(name, name) for name in code.co_varnames),
        co_names=tuple(names.get(name, name) for name in code.co_names),
        co_argcount=code.co_argcount - by_name,
        co_kwonlyargcount=by_name,
    )
    factories = {f"make_{i}": f.default_factory for i, f in enumerate(given)}
    function = FunctionType(code, {"missing": MISSING, **factories}, "__init__")
    defaults = {f: f.default for f in given if f.default is not MISSING or f.default_factory is not MISSING}
    function.__defaults__ = tuple(value for f, value in defaults.items() if not f.kw_only)
    function.__kwdefaults__ = {f.name: value for f, value in defaults.items() if f.kw_only}
    return function


@cache
def _setting(made: tuple[bool, ...]) -> CodeType:
    """The code of a function that sets as many attributes to its arguments, or to what is made where none is given."""
    names = ["self", *(f"_{i}" for i in range(len(made)))]
    lines = (
        f"self._{i} = make_{i}() if _{i} is missing else _{i}" if makes else f"self._{i} = _{i}"
        for i, makes in enumerate(made)
    )
    scope: dict[str, Any] = {}
    exec(f"def __init__({', '.join(names)}): {'; '.join(lines) or 'pass'}", scope)
    code: CodeType = scope["__init__"].__code__
    return code


if TYPE_CHECKING:
    from dataclasses import replace as replace  # whose changes type checkers look at
else:

    def replace(made, **changes):
        """`dataclasses.replace` of a plain record, in a third of the time."""
        copy = object.__new__(type(made))
        for name in _names(type(made)):
            setattr(copy, name, changes.pop(name) if name in changes else getattr(made, name))
        if changes:
            raise TypeError(f"`{type(made).__name__}` has no `{min(changes)}`")
        return copy


@cache
def _names(cls: type) -> tuple[str, ...]:
    """The fields of a record whose making computes nothing, so that it can be had from them alone."""
    if hasattr(cls, "__post_init__"):
        raise TypeError(f"`{cls.__name__}` computes what it is not given")
    return tuple(f.name for f in fields(cls))


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
