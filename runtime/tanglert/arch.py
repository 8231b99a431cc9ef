"""Architectures: one choice at every present position, validated and in canonical form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from tanglert.choices import Probabilities
from tanglert.dim import Dim
from tanglert.extent import Position, Value, exact
from tanglert.space import Space


class ArchError(ValueError):
    """An architecture that the space does not contain; the message names dimension, position, value and
    choices.
    """


class RequireError(ArchError):
    """An architecture that breaks a condition of the space (`require`)."""


class ArchBase:
    """Base of a space's frozen dataclass `Arch`, whose fields are the dimensions in order of declaration.

    A field holds the choice of the whole network, or a tuple with the choice of every position, `None` where
    the position is absent. Given lists may end where the rest is absent, and may hold values at absent
    positions. ArchError on anything that is not a choice; RequireError where `allowed()` is False.
    """

    space: ClassVar[Space]
    _indices: dict[Position, int]

    def __init_subclass__(cls, *, space: Space | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if space is not None:
            cls.space = space

    def __post_init__(self) -> None:
        given = {p: i for dim in self.space.dims for p, i in _read(dim, getattr(self, dim.field)).items()}
        indices = {p: 0 if i is None else i for p, i in given.items()}
        absent = {p for p in self.space.positions if not self.space.present(p).at(indices)}
        for position in self.space.positions:
            if given[position] is None and position not in absent:
                raise ArchError(
                    f"{_place(self.space, position)} is present, but has no choice{_offer(position)}"
                )
        self._settle({p: 0 if p in absent else i for p, i in indices.items()}, absent)
        if not self.allowed():
            raise RequireError(f"{self} does not meet the conditions (`require`) of space {self.space.name}")

    def _settle(self, indices: dict[Position, int], absent: set[Position]) -> None:
        """Store the canonical form (the class is frozen, hence the detour)."""
        object.__setattr__(self, "_indices", indices)
        for dim in self.space.dims:
            values = tuple(None if p in absent else _plain(p.choices[indices[p]]) for p in dim.positions)
            object.__setattr__(self, dim.field, values[0] if dim.per is None else _field(dim, values))

    def allowed(self) -> bool:
        """Whether the conditions of the space hold; spaces with `require` override it."""
        return True

    def indices(self) -> dict[Position, int]:
        """The number of the choice at every position; 0 where the position is absent."""
        return dict(self._indices)

    @classmethod
    def from_indices(cls, indices: Mapping[Position, int]) -> Self:
        """The architecture that takes choice number `indices[p]` at every position `p` that is present."""
        values = {dim.name: tuple(p.choices[indices[p]] for p in dim.positions) for dim in cls.space.dims}
        return cls(
            **{
                d.field: values[d.name][0] if d.per is None else _field(d, values[d.name])
                for d in cls.space.dims
            }
        )

    def one_hot(
        self, dtype: torch.dtype | None = None, device: torch.device | str | None = None
    ) -> Probabilities:
        """The vertex of the mixture that is this architecture; an absent position takes its first choice."""
        indices = self.indices()
        result: dict[str, Tensor] = {}
        for dim in self.space.dims:
            hot = torch.tensor([indices[p] for p in dim.positions], device=device)
            rows = torch.nn.functional.one_hot(hot, dim.width).to(dtype or torch.get_default_dtype())
            result[dim.name] = rows.reshape(dim.shape)
        return result

    def to_dict(self) -> dict[str, Any]:
        """Dimension -> choice, or the list of choices with None where absent (by group, if it has groups)."""
        return {dim.name: _listed(getattr(self, dim.field)) for dim in self.space.dims}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The architecture of such a mapping; ArchError on a missing or an unknown dimension."""
        names = [dim.name for dim in cls.space.dims]
        for name in names:
            if name not in fields:
                raise ArchError(f"no choice for dimension `{name}` of space {cls.space.name}")
        for name in fields:
            if name not in names:
                raise ArchError(
                    f"`{name}` is no dimension of space {cls.space.name}; it has {', '.join(names)}"
                )
        return cls(**{dim.field: fields[dim.name] for dim in cls.space.dims})

    def to_json(self) -> str:
        """One JSON object, keys in order of declaration."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The architecture of such a text; ArchError if it is no JSON object."""
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise ArchError(f"not JSON: {error}") from None
        if not isinstance(fields, dict):
            raise ArchError(
                f"an architecture is a JSON object with the keys {', '.join(d.name for d in cls.space.dims)}"
            )
        return cls.from_dict(fields)

    def __str__(self) -> str:
        return ", ".join(f"{name}={_shown(value)}" for name, value in self.to_dict().items())


class Grouped(dict[str, tuple[Any, ...]]):
    """The choices of a dimension by group; never changed, and so hashable."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def _field(dim: Dim, values: tuple[Any, ...]) -> tuple[Any, ...] | Grouped:
    """What a field of `Arch` holds for a scoped dimension."""
    return Grouped({g: values[r.start : r.stop] for g, r in dim.runs.items()}) if dim.groups else values


def _listed(value: Any) -> Any:
    if isinstance(value, Grouped):
        return {group: list(choices) for group, choices in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _flattened(dim: Dim, given: Any) -> list[Any]:
    """Lists by group as one list; a list may end where the rest of its group is absent."""
    if not isinstance(given, Mapping) or set(given) - set(dim.groups):
        raise ArchError(
            f"`{dim.name}` has choices by group: give an object with {', '.join(dim.groups)}, not {given!r}"
        )
    flat: list[Any] = []
    for group, length in dim.groups.items():
        values = given.get(group, [])
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise ArchError(f"`{dim.name}`: give a list of {length} for {group}, not {values!r}")
        values = list(values)
        if len(values) > length:
            raise ArchError(f"`{dim.name}`: {len(values)} choices for {length} positions of {group}")
        flat += [*values, *[None] * (length - len(values))]
    return flat


def _read(dim: Dim, given: Any) -> dict[Position, int | None]:
    """The number of the given choice at every position of the dimension, None where there is none."""
    if dim.groups:
        given = _flattened(dim, given)
    values = [given] if dim.per is None else given
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ArchError(
            f"`{dim.name}` has a choice per {dim.per}: give a list of {len(dim.positions)}, not {given!r}"
        )
    values = list(values)
    if len(values) > len(dim.positions):
        raise ArchError(f"`{dim.name}`: {len(values)} choices for {len(dim.positions)} positions")
    values += [None] * (len(dim.positions) - len(values))
    return {p: None if v is None else _number(p, v) for p, v in zip(dim.positions, values)}


def _number(position: Position, value: Any) -> int:
    if isinstance(value, (bool, int, float, Fraction, str)):
        value = exact(value) if value == value and value not in (float("inf"), float("-inf")) else value
        for index, choice in enumerate(position.choices):
            if choice == value and isinstance(choice, bool) == isinstance(value, bool):
                return index
    raise ArchError(
        f"`{position.dim}`, position {position.index}: {value!r} is not a choice{_offer(position)}"
    )


def _offer(position: Position) -> str:
    return f" (choices: {', '.join(str(_plain(choice)) for choice in position.choices)})"


def _place(space: Space, position: Position) -> str:
    scoped = space.dim(position.dim).per is not None
    return f"`{position.dim}`, position {position.index}," if scoped else f"`{position.dim}`"


def _plain(value: Value) -> int | float | bool | str:
    """The value as users write it."""
    return float(value) if isinstance(value, Fraction) else value


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{group}: {_shown(choices)}" for group, choices in value.items()) + "}"
    return (
        "[" + " ".join("-" if v is None else str(v) for v in value) + "]"
        if isinstance(value, list)
        else str(value)
    )
