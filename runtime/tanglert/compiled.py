"""`torch.compile` block by block: one graph for all blocks of a kind.

The layers of a network differ in the positions that they read (`HEADS[3]`, `HEADS[4]`), which are Python objects,
so that compiling them as they are makes a graph for each. Here a kind of block is traced once, on a copy of one of
them, as a pure function of tensors: parameters, buffers and inputs of the block at hand, and the probabilities at
the positions that it reads.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from copy import deepcopy
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tanglert.choices import Mixed, Sliced
from tanglert.kind import Kind
from tanglert.local import Local
from tanglert.nn.block import Block, TupleBlock
from tanglert.supernet import SupernetBase

S = TypeVar("S", bound=SupernetBase)
Graph: TypeAlias = Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Any]


class NoCompiler(RuntimeError):
    """What should have compiled a graph failed: there is no C++ compiler, for instance."""


def compile_blocks(supernet: S, limit: int = 64, backend: str = "inductor", **options: Any) -> S:
    """Compile the blocks in the supernet's lists (the layers of a `repeat`, cells, edges), in place; returns it.

    A mixture takes one graph for every kind of block, size of its inputs, and set of tensors that want a gradient, whatever
    the probabilities. Architectures take one for every joint choice at the positions that a block reads. `limit` graphs
    are made at most; what is new after them runs eager, and a warning says so once. `backend` is that of
    `torch.compile`, `options` are the backend's. Called again, it starts anew.

    Eager stay: passes without gradients (evaluation, recalibration) or whose weights have gradients in parts, vertices that
    run on slices (the architecture step of GDAS), blocks with hooks, and blocks that cannot be traced, with a warning. Hooks
    on modules inside of a compiled block do not run, dropout of inductor draws other numbers (the same with
    `fallback_random=True`), and there are no second derivatives. Widths and layouts are taken as they are now; attributes
    that are plain values may change.
    Parameters and `state_dict()` stay what they are; copies and pickles of the supernet are eager.

    ValueError where the limit allows no graph; NoCompiler at the first call of a block where the backend fails.
    """
    if limit < 1:
        raise ValueError(f"compile_blocks: a limit of {limit} graphs allows none")
    graphs = Graphs(limit, backend, options)
    for block in repeated(supernet):
        block._compiled_call_impl = CompiledBlock(block, graphs)  # which torch leaves out of copies
    return supernet


def eager_blocks(supernet: S) -> S:
    """Undo `compile_blocks`."""
    for block in repeated(supernet):
        block._compiled_call_impl = None
    return supernet


def repeated(module: nn.Module) -> Iterator[Any]:
    """The blocks in lists, without those inside of them."""
    for child in module.children():
        if isinstance(module, nn.ModuleList) and isinstance(child, Block | TupleBlock):
            yield child
        else:
            yield from repeated(child)


class Graphs:
    """The compiled functions of a supernet, by all that one of them takes for granted.

    unfit: the kinds of block that cannot be traced.
    """

    def __init__(self, limit: int, backend: str, options: dict[str, Any]) -> None:
        self.limit, self.backend = limit, backend
        unguarded = getattr(torch.compiler, "skip_all_guards_unsafe", None)
        self.options = {**({"guard_filter_fn": unguarded} if unguarded else {}), **options}
        self.made: dict[Hashable, Graph] = {}
        self.unfit: set[Hashable] = set()
        self._full = False

    def make(self, key: Hashable, function: Graph) -> Graph:
        """The function, compiled for the one way to call it that the key stands for.

        torch keeps what it compiled by code object, and few of each, so that every function gets its own. The key
        holds what torch would guard against, in far fewer comparisons (a layer of a transformer has 3,000 guards).
        """
        function.__code__ = function.__code__.replace()
        self.made[key] = torch.compile(
            function, fullgraph=True, dynamic=False, backend=self.backend, options=self.options
        )
        return self.made[key]

    def full(self) -> bool:
        """Whether there is no room for another graph; says so the first time."""
        if len(self.made) >= self.limit and not self._full:
            self._full = True
            warnings.warn(
                f"compile_blocks: all {self.limit} graphs are made and another one is wanted; from here on what is new"
                " runs eager. Architectures take a graph for every joint choice that a block reads; `limit` allows more",
                stacklevel=2,
            )
        return self._full


class CompiledBlock:
    """A block's call: by a graph that was made for its kind, or eager."""

    def __init__(self, block: Any, graphs: Graphs) -> None:
        self._block, self._graphs = block, graphs
        self._kind = Kind(block)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inputs = [a for a in args if isinstance(a, Tensor)]
        places = tuple([isinstance(a, Tensor) for a in args])
        at: Any = args[places.index(False)] if places.count(False) == 1 else None
        if kwargs or self._eager(at):
            return self._block._call_impl(*args, **kwargs)
        local, state = Local(self._kind.positions, at), self._kind.tensors()
        given = state, inputs, local.vectors
        key = (
            self._kind.name,
            self._kind.settings(),
            places,
            local.key,
            _granted([*state, *inputs, *local.vectors]),
        )
        graph = self._graphs.made.get(key)
        if graph is not None:
            return graph(*given)
        if self._graphs.full():
            return self._block._call_impl(*args)
        return self._first(self._graphs.make(key, self._function(local, places)), args, given)

    def _eager(self, at: object) -> bool:
        block = self._block
        return (
            (type(at) is not Mixed and type(at) is not Sliced)
            or at.leaves is not None  # a graph is given whole weights
            or not torch.is_grad_enabled()
            or self._kind.name in self._graphs.unfit
            or bool(block._forward_hooks or block._forward_pre_hooks or block._backward_hooks)
            or torch.compiler.is_compiling()
        )

    def _function(self, local: Local, places: tuple[bool, ...]) -> Graph:
        """The block as a function of its tensors, its inputs, and the vectors of its positions.

        It runs a copy without weights that nobody else holds: the block at hand may change afterwards.
        """
        hollow = {id(t): torch.empty_like(t, device="meta") for t in self._kind.tensors()}
        template, keys = deepcopy(self._block, hollow), self._kind.keys

        def run(state: Sequence[Tensor], inputs: Sequence[Tensor], vectors: Sequence[Tensor]) -> Any:
            at, left = local.traced(vectors), iter(inputs)
            args = tuple([next(left) if tensor else at for tensor in places])
            return functional_call(template, dict(zip(keys, state)), args)

        return run

    def _first(self, graph: Graph, args: Sequence[Any], given: tuple[Sequence[Tensor], ...]) -> Any:
        """The first call of a graph, by which it is traced and compiled."""
        from torch._dynamo.exc import BackendCompilerFailed, TorchDynamoException  # takes a second to load

        try:
            return graph(*given)
        except TorchDynamoException as error:
            reason = str(error).strip().partition("\n")[0]
            if isinstance(error, BackendCompilerFailed):  # as without a C++ compiler: not the block's fault
                raise NoCompiler(f"torch.compile does not work here: {reason}") from error
            self._graphs.unfit.add(self._kind.name)
            warnings.warn(
                f"compile_blocks: {type(self._block).__name__} cannot be traced and runs eager: {reason}",
                stacklevel=4,
            )
        return self._block._call_impl(*args)


def _granted(tensors: Sequence[Tensor]) -> Hashable:
    """What a graph takes for granted of its tensors, and of autocast."""
    numbers = {id(t): n for n, t in enumerate(tensors)}
    same = () if len(numbers) == len(tensors) else tuple(numbers[id(t)] for t in tensors)
    devices = {t.device.type for t in tensors}
    return (
        same,
        tuple([(t.dtype, t.device, t.requires_grad, t.shape, t.stride()) for t in tensors]),
        tuple((d, torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in sorted(devices)),
    )
