"""Which architectures are one network: their computations compared by hashes, without computing them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any, TypeAlias

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tanglert.arch import ArchBase
from tanglert.space import Input
from tanglert.supernet import SupernetBase

Hashes: TypeAlias = NDArray[numpy.uint64]

_ADDITIONS = frozenset(("add", "__add__", "__radd__"))
_TWO_TENSORS = "((·,·),())"
_ZEROS = frozenset(("zeros", "zeros_like", "new_zeros"))
_ODD, _SHIFT = numpy.uint64(0x9E3779B97F4A7C15), numpy.uint64(29)


class Signatures:
    """Signatures of architectures; equal ones are one stand-alone network with its weights renamed.

    supernet: makes one, which runs on shapes alone, without numbers. TypeError where it changes a tensor in place.

    A value is a vector of hashes. A function hashes its name, its constants, and the shapes and hashes of what it
    reads. Addition adds, so that neither order nor nesting matter. Zero is 0, and so is what reads nothing but
    zeros: what the input does not reach is pruned (Ying et al. 2019, Dong and Yang 2020). Weights count by
    their shape in the subnet; column 0 leaves it at that, and so takes two convolutions of one value for
    one. Column `i` marks the weights of layer `i`: the columns tell which parts of the network each layer
    feeds, and sorted they no longer tell which layer it was.
    """

    def __init__(self, supernet: Callable[[], SupernetBase]) -> None:
        with torch.random.fork_rng(devices=[]):  # so that making one leaves no trace
            self._supernet = supernet().eval().to("meta")
        layers = [module for module in self._supernet.modules() if _weights(module)]
        self._trace = _Trace(1 + len(layers))
        for column, layer in enumerate(layers, 1):
            for weight in _weights(layer):
                _carry(weight, frozenset((column,)))
        self._inputs = [_example(one) for one in self._supernet.space.inputs]
        for number, example in enumerate(self._inputs):
            _carry(example, self._trace.mixed(_seed("input", number), []))

    def __call__(self, arch: ArchBase) -> bytes:
        """The signature of an architecture's network."""
        with torch.no_grad(), self._trace:
            output = self._supernet(*self._inputs, arch)
        hashes = self._trace.mixed(0, [self._trace.hashes(tensor) for tensor in _flat(output)[0]])
        marked = hashes[hashes != hashes[0]]  # a layer whose mark changes nothing is not in the network
        return hashes[:1].tobytes() + numpy.sort(marked).tobytes()


class _Trace(TorchFunctionMode):
    """Functions of torch on tensors that have a shape, no numbers, and carry one of two things.

    Hashes (columns,): depends on the input. A set of columns: made of the weights of these layers alone.
    """

    def __init__(self, columns: int) -> None:
        super().__init__()
        self._columns = columns
        self._known: dict[Any, tuple[int, Any]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func.__name__
        if name == "__get__":  # of a shape, say
            return func(*args, **(kwargs or {}))
        if name == "__setitem__" or name.endswith("_") and not name.endswith("__"):
            raise TypeError(
                f"`{name}` changes a tensor in place, which signatures of architectures do not follow"
            )
        tensors, constants = _flat((args, kwargs or {}))
        key = func, constants, tuple((t.shape, t.stride(), t.dtype) for t in tensors)
        if key not in self._known:  # even without numbers torch takes its time to find out a shape
            seed = _seed(name, constants, tuple(tuple(t.shape) for t in tensors))
            self._known[key] = seed, func(*args, **(kwargs or {}))
        seed, known = self._known[key]
        result = _renewed(known)
        value = self._value(name, seed, tensors, constants)
        for number, tensor in enumerate(_flat(result)[0]):
            _carry(tensor, self._part(number, value))
        return result

    def _part(self, number: int, value: Hashes | frozenset[int]) -> Hashes | frozenset[int]:
        """What one of several results carries, of a split or the like."""
        if isinstance(value, frozenset) or not number or not value.any():
            return value
        return self.mixed(number, [value])

    def _value(
        self, name: str, seed: int, tensors: Sequence[Tensor], constants: str
    ) -> Hashes | frozenset[int]:
        """What the result of a function carries."""
        if name in _ZEROS:
            return numpy.zeros(self._columns, numpy.uint64)
        carried = [_carried(tensor) for tensor in tensors]
        dependent = [value for value in carried if not isinstance(value, frozenset)]
        if not dependent:
            return frozenset().union(*(value for value in carried if isinstance(value, frozenset)))
        read = [self.hashes(tensor) for tensor in tensors]
        if name in _ADDITIONS and constants == _TWO_TENSORS:
            return read[0] + read[1]
        return self.mixed(seed, read) if any(value.any() for value in dependent) else dependent[0]

    def hashes(self, tensor: Tensor) -> Hashes:
        """The hashes of a tensor; those of weights go by their shape."""
        carried = _carried(tensor)
        if not isinstance(carried, frozenset):
            return carried
        hashes = numpy.full(self._columns, _seed("weight", tuple(tensor.shape)), numpy.uint64)
        hashes[list(carried)] = _seed("marked", tuple(tensor.shape))
        return hashes

    def mixed(self, seed: int, values: Iterable[Hashes]) -> Hashes:
        """One hash of several, in order."""
        hashes = numpy.full(self._columns, seed, numpy.uint64)
        for value in values:
            hashes = (hashes ^ value) * _ODD
            hashes ^= hashes >> _SHIFT
        return hashes


def _carry(tensor: Tensor, value: Hashes | frozenset[int]) -> None:
    setattr(tensor, "carried", value)  # noqa: B010


def _carried(tensor: Tensor) -> Hashes | frozenset[int]:
    value: Hashes | frozenset[int] = getattr(tensor, "carried", frozenset())
    return value


def _weights(module: nn.Module) -> list[Tensor]:
    """The weights and buffers that a module itself holds."""
    return [*module.parameters(recurse=False), *module.buffers(recurse=False)]


def _example(one: Input) -> Tensor:
    """A batch of two of an input, without numbers."""
    if one.kind == "ids":
        return torch.empty(2, *one.shape[1:], dtype=torch.long, device="meta")
    return torch.empty(2, *one.shape, device="meta")


@cache
def _seed(*parts: Hashable) -> int:
    """A number for constants, the same in every process."""
    return int.from_bytes(sha256(repr(parts).encode()).digest()[:8], "little")


def _flat(value: Any) -> tuple[list[Tensor], str]:
    """The tensors of nested arguments in order, and the rest as a text."""
    tensors: list[Tensor] = []

    def rest(part: Any) -> str:
        if isinstance(part, Tensor):
            tensors.append(part)
            return "·"
        if isinstance(part, tuple | list):
            return f"({','.join(map(rest, part))})"
        if isinstance(part, dict):
            return f"({','.join(f'{name}={rest(one)}' for name, one in part.items())})"
        return repr(part)

    return tensors, rest(value)


def _renewed(value: Any) -> Any:
    """Tensors of the same shapes, to carry values of their own; what is no tensor as it is."""
    if isinstance(value, Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, tuple | list) and any(isinstance(part, Tensor) for part in value):
        return type(value)(_renewed(part) for part in value)
    return value
