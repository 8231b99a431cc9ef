"""Optimisers that move only what the subnets of a step have read.

One for all entries keeps moving those that a subnet left alone: by momentum, and by weight decay. Here they rest, and
their momenta with them, as rows without a gradient do in `torch.optim.SparseAdam`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import compress
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from tanglert.box import Box, part
from tanglert.leaves import Leaves
from tanglert.supernet import SupernetBase

ROOM = 2**18
"""Numbers of weights that are copied at a time: few enough to stay in a cache, many enough for the calls (measured)."""


class Touched(Optimizer):
    """What optimisers of touched entries have in common.

        with optimizer.reading(supernet):
            loss(supernet(x, arch), y).backward()   # of one architecture or of several
        torch.nn.utils.clip_grad_norm_(optimizer.parts(), 5.0)
        optimizer.step()
        optimizer.zero_grad()   # the supernet's own knows only of weights that were read whole

    Weights that are not sliced, and those that a mixture reads, are touched whole where they have a gradient. Options
    and state are those of torch's optimiser of the same name, without `amsgrad` and `dampening`: momenta have the size of
    their weights, and the steps that Adam corrects its averages for are counted by weight.
    """

    leaves: Leaves

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch does. ValueError for variants that do not begin with averages of zero, or have further ones."""
        for name in ("amsgrad", "dampening"):
            if param_group.get(name, self.defaults.get(name)):
                raise ValueError(f"an optimiser of touched entries has no {name}")
        super().add_param_group(param_group)
        self.begin()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a copy, and of a state that is loaded."""
        super().__setstate__(state)
        self.begin()

    def begin(self) -> None:
        """Nothing is read yet."""
        self.leaves = Leaves(weight for group in self.param_groups for weight in group["params"])

    @contextmanager
    def reading(self, supernet: SupernetBase) -> Iterator[None]:
        """Within its `with` what architectures read of the supernet's weights collects its gradient here."""
        self.leaves.forget()
        supernet.leaves = self.leaves
        try:
            yield
        finally:
            supernet.leaves = None

    def parts(self) -> list[Tensor]:
        """What `step` will move: views of weights without common entries, each with its `grad`."""
        weights = (weight for group in self.param_groups for weight in group["params"])
        return [leaf for weight in weights for leaf in self.leaves.of(weight).values()]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Of the weights and of what was read of them, of which none is kept."""
        super().zero_grad(set_to_none)
        self.leaves.zero_grad()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Moves what has a gradient, which is there already: there is no closure that makes it."""
        for group in self.param_groups:
            self.move(group, {w: read for w in group["params"] if (read := self.leaves.of(w))})

    def move(self, group: dict[str, Any], read: dict[Tensor, dict[Box, Tensor]]) -> None:
        """One step of what is read of a group's weights."""
        raise NotImplementedError


class _Moved(NamedTuple):
    """What Adam reads and writes of a part of a weight: views of one shape, and the number of steps so far, a scalar."""

    weight: Tensor
    mean: Tensor
    square: Tensor
    gradient: Tensor
    step: Tensor

    def dense(self) -> bool:
        """Whether kernels that know of no strides can go over it."""
        weight, mean, square, gradient, _ = self
        return (
            weight.is_contiguous()
            and mean.is_contiguous()
            and square.is_contiguous()
            and gradient.is_contiguous()
        )


class _TouchedAdam(Touched):
    """The step of Adam and of AdamW, which `rule` takes: the function that torch's own optimiser calls."""

    rule: Callable[..., None]
    room: Room

    def begin(self) -> None:
        """With memory for copies, which is kept from step to step."""
        super().begin()
        self.room = Room()

    def move(self, group: dict[str, Any], read: dict[Tensor, dict[Box, Tensor]]) -> None:
        """All dense parts at once, the others as dense copies."""
        moved = [m for weight, parts in read.items() for m in self._moved(group, weight, parts)]
        dense = [m.dense() for m in moved]
        self._apply(group, list(compress(moved, dense)))
        for batch in batches([m for m, ready in zip(moved, dense, strict=True) if not ready]):
            copies = self.room.copies(batch)
            self._apply(group, copies)
            torch._foreach_copy_(_written(batch), _written(copies))

    def _moved(self, group: dict[str, Any], weight: Tensor, parts: dict[Box, Tensor]) -> Iterator[_Moved]:
        state = self.state[weight]
        if not state:
            device = (
                weight.device if group["fused"] else None
            )  # as torch has it: on the CPU it is read without waiting
            state["step"] = torch.zeros((), dtype=torch.float32, device=device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        mean, square, step = (state[name] for name in ("exp_avg", "exp_avg_sq", "step"))
        for number, (box, leaf) in enumerate(parts.items()):
            count = (
                step.clone() if number else step
            )  # each part counts a step, the weight one for all of them
            assert leaf.grad is not None
            yield _Moved(leaf, part(mean, box), part(square, box), leaf.grad, count)

    def _apply(self, group: dict[str, Any], moved: Sequence[_Moved]) -> None:
        """The rule, which adds 1 to the step of each."""
        if not moved:
            return
        weights, means, squares, gradients, steps = map(list, zip(*moved, strict=True))
        beta1, beta2 = group["betas"]
        type(self).rule(
            weights,
            gradients,
            means,
            squares,
            [],
            steps,
            fused=bool(group["fused"]),
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            **{name: group[name] for name in ("lr", "weight_decay", "eps", "maximize")},
        )


def batches(moved: Iterable[_Moved]) -> Iterator[list[_Moved]]:
    """As many parts at a time as there is room for, of one type and device; one at least."""
    batch: list[_Moved] = []
    for m in moved:
        first = batch[0].weight if batch else m.weight
        filled = sum(b.weight.numel() for b in batch) + m.weight.numel()
        if batch and (filled > ROOM or (first.dtype, first.device) != (m.weight.dtype, m.weight.device)):
            yield batch
            batch = []
        batch.append(m)
    if batch:
        yield batch


class Room:
    """Memory for dense copies of what a batch reads and writes, used again by every further one."""

    def __init__(self) -> None:
        self._flat = torch.empty(0)

    def copies(self, batch: Sequence[_Moved]) -> list[_Moved]:
        """The batch with dense copies of weights and momenta; of gradients only where they are not dense."""
        sizes = [m.weight.numel() for m in batch for _ in range(3)]
        pieces = self._empty(batch[0].weight, sum(sizes)).split_with_sizes(sizes)
        rooms = [piece.view(batch[k // 3].weight.shape) for k, piece in enumerate(pieces)]
        torch._foreach_copy_(rooms, _written(batch))
        written = zip(rooms[::3], rooms[1::3], rooms[2::3], strict=True)
        return [
            _Moved(weight, mean, square, m.gradient.contiguous(), m.step)
            for m, (weight, mean, square) in zip(batch, written, strict=True)
        ]

    def _empty(self, like: Tensor, size: int) -> Tensor:
        flat = self._flat
        if (flat.dtype, flat.device) != (like.dtype, like.device) or len(flat) < size:
            self._flat = flat = like.new_empty(size)
        return flat[:size]


def _written(moved: Sequence[_Moved]) -> list[Tensor]:
    """Weights and momenta, in turn."""
    return [tensor for m in moved for tensor in m[:3]]


class TouchedAdam(_TouchedAdam, torch.optim.Adam):
    """Adam of what is read."""

    rule = staticmethod(adam)


class TouchedAdamW(_TouchedAdam, torch.optim.AdamW):
    """AdamW of what is read."""

    rule = staticmethod(adamw)


class TouchedSGD(Touched, torch.optim.SGD):
    """SGD of what is read, with or without momentum."""

    def move(self, group: dict[str, Any], read: dict[Tensor, dict[Box, Tensor]]) -> None:
        """All parts at once, as views."""
        leaves = [leaf for own in read.values() for leaf in own.values()]
        gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
        momenta = [self._momentum(group, w, box) for w, own in read.items() for box in own]
        names = "weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize"
        sgd(leaves, gradients, momenta, **{name: group[name] for name in names})

    def _momentum(self, group: dict[str, Any], weight: Tensor, box: Box) -> Tensor | None:
        if group["momentum"] == 0:
            return None
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        return part(state["momentum_buffer"], box)


def reading(optimizer: Optimizer, supernet: SupernetBase) -> AbstractContextManager[None]:
    """Where the optimiser moves what is read, the context that tells it."""
    return optimizer.reading(supernet) if isinstance(optimizer, Touched) else nullcontext()


def moving(optimizer: Optimizer) -> list[Tensor]:
    """The tensors that an optimiser moves: all parameters, or the parts that were read."""
    if isinstance(optimizer, Touched):
        return optimizer.parts()
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
