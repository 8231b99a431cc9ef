"""Widening: the weights of a supernet in one that has more channels, as the stages of a progressive search need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

CHANNELS = 2
"""Axes of a weight that are channels: of the output, then of the input."""


class WidenError(ValueError):
    """Weights that do not go into the other supernet, because it is none that only has more channels."""


class Widening:
    """How a supernet grows: the channels that there were stay, every further one is a copy of a random one of them.

    Chen et al. 2021 (DrNAS), after Chen et al. 2016 (Net2Net, wider networks), whose division by the number of copies it
    leaves out: batch norms follow. Axes that grow alike, from n to m, copy the same channels, so that a norm goes with
    its convolution and a convolution with the one before it. What was learnt of a weight, such as its momentum, is
    widened like the weight.

    before, after: states of the two supernets, of the same names in the same order; of `after` only the shapes
    matter. generator: on the CPU. Raises WidenError if names differ, or anything but channels, or channels shrink.
    """

    def __init__(
        self, before: Mapping[str, Tensor], after: Mapping[str, Tensor], generator: torch.Generator
    ) -> None:
        _same_names(list(before), list(after))
        self.shapes = {name: weight.shape for name, weight in before.items()}
        self.copied: dict[tuple[int, int], Tensor] = {}
        self.grown: dict[str, list[tuple[int, int]]] = {}
        for name, weight in before.items():
            self.grown[name] = _grown(name, weight.shape, after[name].shape)
            for small, large in self.grown[name]:
                if large > small and (small, large) not in self.copied:
                    further = torch.randint(small, (large - small,), generator=generator)
                    self.copied[small, large] = torch.cat([torch.arange(small), further])

    def tensor(self, name: str, value: Tensor) -> Tensor:
        """A copy of a tensor that belongs to the weight `name`, widened if it has that weight's shape."""
        if value.shape != self.shapes[name]:
            return value.clone()
        for axis, sizes in enumerate(self.grown[name]):
            if sizes in self.copied:
                value = value.index_select(axis, self.copied[sizes].to(value.device))
        return value.clone()

    def state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors by the names of weights: these themselves, or what was learnt of some of them."""
        return {name: self.tensor(name, value) for name, value in state.items()}

    def optimizer(self, state: Mapping[str, Any], after: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
        """A state for `optimizer`, of the supernet `after`: learnt as in `state`, with its own options.

        state: `state_dict()` of an optimiser of the same kind, of the same weights in the same order.
        """
        names = {id(weight): name for name, weight in after.named_parameters()}
        order = [names[id(weight)] for group in optimizer.param_groups for weight in group["params"]]
        learnt = {
            number: {
                key: self.tensor(order[number], value) if isinstance(value, Tensor) else value
                for key, value in of_weight.items()
            }
            for number, of_weight in state["state"].items()
        }
        return {"state": learnt, "param_groups": optimizer.state_dict()["param_groups"]}


def _same_names(before: Sequence[str], after: Sequence[str]) -> None:
    if before == after:
        return
    gone = [name for name in before if name not in after]
    new = [name for name in after if name not in before]
    if gone or new:
        what = f"has no weight `{gone[0]}`" if gone else f"has a weight `{new[0]}` that there was not before"
    else:
        what = "has its weights in another order"
    raise WidenError(f"the wider supernet {what}; only the number of channels may change")


def _grown(name: str, before: torch.Size, after: torch.Size) -> list[tuple[int, int]]:
    """The sizes of every axis, before and after. WidenError where it is not channels that grow."""
    sizes = list(zip(before, after, strict=False))
    same_rank = len(before) == len(after)
    if not same_rank or any(small > large for small, large in sizes):
        raise WidenError(
            f"weight `{name}` is {tuple(before)} and would become {tuple(after)}: it can only grow"
        )
    if any(small != large for small, large in sizes[CHANNELS:]):
        raise WidenError(f"weight `{name}` is {tuple(before)} and would become {tuple(after)}: kernels stay")
    return sizes
