"""When two blocks are of one kind: the same computation, but for weights and the positions where choices are made."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from tanglert.dim import Axis, Dim
from tanglert.extent import Extent, Late, Position, ordered

_OWN = frozenset(vars(nn.Module())) - {"training"}  # what torch keeps in every module
_DERIVED = frozenset({"key"})  # names for memos, which say again what other attributes say
_PLAIN = (type(None), bool, int, float, str, Fraction, torch.dtype)


@dataclass
class Kind:
    """What a block is, read once, and where to look for what may change from call to call.

    name: equal for blocks of one kind. It says class, shapes, layouts and tables of the block and of everything
    inside, with positions numbered in order of appearance. What is not understood equals itself only, by its
    `id`: names are to be compared while all the blocks are alive.
    positions: those that the block reads, by number.
    """

    block: nn.Module
    name: Hashable = field(init=False)
    positions: tuple[Position, ...] = field(init=False)

    def __post_init__(self) -> None:
        reader = _Reader()
        self.name = reader.module(self.block)
        self.positions = tuple(reader.positions)
        # Joint choices are in sorted order: that is to be the same, too.
        self.name = self.name, tuple(reader.positions[p] for p in ordered(self.positions))
        modules = list(dict(self.block.named_modules()).items())
        self._settings = [(vars(m), key) for _, m in modules for key, _ in _settings(m)]
        self._tensors = {
            f"{path}.{key}".lstrip("."): (held, key)
            for path, m in modules
            for held in (m._parameters, m._buffers)
            for key, tensor in held.items()
            if tensor is not None
        }
        self.keys = tuple(self._tensors)

    def settings(self) -> tuple[Any, ...]:
        """The plain attributes of all modules as they are now: training or not, rates of dropout, calibrated or not."""
        return tuple([held[key] for held, key in self._settings])

    def tensors(self) -> list[Tensor]:
        """The block's parameters and buffers as they are now, in the order of `keys`."""
        return [held[key] for held, key in self._tensors.values()]


class _Reader:
    """Names of what a block is made of; the numbers of positions, modules and tensors in order of appearance."""

    def __init__(self) -> None:
        self.positions: dict[Position, int] = {}
        self._known: dict[int, int] = {}

    def module(self, module: nn.Module) -> Hashable:
        known = self._number(module)
        if known is not None:
            return "module", known
        attributes = {
            k: v for k, v in vars(module).items() if k not in _OWN | _DERIVED and not isinstance(v, _PLAIN)
        }
        return (
            type(module),
            tuple(key for key, _ in _settings(module)),
            self.value(attributes),
            self.value(dict(_dimensions(module))),
            self.value([module._parameters, module._buffers, module._non_persistent_buffers_set]),
            self.value(module._modules),
        )

    def value(self, value: Any) -> Hashable:
        if isinstance(value, _PLAIN):
            return type(value), value
        if isinstance(value, Position):
            number = self.positions.setdefault(value, len(self.positions))
            return "position", number, self.value(value.choices)
        if isinstance(value, list | tuple):
            return type(value), *map(self.value, value)
        if isinstance(value, dict):
            return "dict", *((self.value(k), self.value(v)) for k, v in value.items())
        if isinstance(value, set | frozenset) and all(isinstance(v, str) for v in value):
            return frozenset(value)
        return self._object(value)

    def _object(self, value: Any) -> Hashable:
        if isinstance(value, nn.Module):
            return self.module(value)
        if isinstance(value, Tensor):
            known = self._number(value)
            return (type(value), tuple(value.shape), value.dtype) if known is None else ("tensor", known)
        if isinstance(value, Dim):
            return "dim", self.value(value.positions), self.value(value.table)
        if isinstance(value, Late):  # its table may be huge
            return "late", id(value), self.value(value.reads)
        if type(value).__module__.startswith("tanglert.") and hasattr(value, "__dict__"):
            return type(value), self.value({k: v for k, v in vars(value).items() if k not in _DERIVED})
        return "itself", id(value)

    def _number(self, value: object) -> int | None:
        """Of what was seen before, when: weights that are shared are shared in all blocks of a kind."""
        if id(value) in self._known:
            return self._known[id(value)]
        self._known[id(value)] = len(self._known)
        return None


def _settings(module: nn.Module) -> Iterator[tuple[str, Any]]:
    return ((k, v) for k, v in vars(module).items() if k not in _OWN | _DERIVED and isinstance(v, _PLAIN))


def _dimensions(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """The dimensions of the whole space that the module's `forward` names."""
    function = type(module).forward
    code, names = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    for name in () if code is None else code.co_names:
        if isinstance(names.get(name), Extent | Axis):
            yield name, names[name]
