"""Parts of weights as leaves of the graph: a subnet's gradient in the size of what the subnet reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from tanglert.box import Box, Span, disjoint, hull, part, seen_from, sizes, whole


class Leaves:
    """What the subnets of a step read of `weights`, which are parameters.

    A part is a view of its weight and a leaf that collects a gradient of its own, so that none of the weight's size is
    made. Whatever reads the same box gets the same leaf. What is read whole is the weight itself.
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self._read: dict[Tensor, dict[Box, Tensor]] = {weight: {} for weight in weights}

    def hold(self, tensor: Tensor) -> bool:
        """Whether parts of a tensor are to be leaves: of weights, where a graph is made."""
        return tensor.requires_grad and torch.is_grad_enabled() and tensor in self._read

    def read(self, weight: Tensor, spans: Mapping[int, Sequence[Span]]) -> Tensor:
        """What lies within spans of a weight's axes, one behind the other; axes that are not named are whole."""
        return self._joined(weight, whole(weight.shape), list(spans.items()))

    def of(self, weight: Tensor) -> dict[Box, Tensor]:
        """The parts of a weight that have a gradient. No entry is in two of them: what subnets share is summed up."""
        read = {whole(weight.shape): weight, **self._read[weight]}
        read = {box: leaf for box, leaf in read.items() if leaf.grad is not None and leaf.numel()}
        self._read[weight] = _apart(weight, read) if len(read) > 1 else read
        return self._read[weight]

    def zero_grad(self) -> None:
        """Lets the gradients go; what was read may still get others, from a graph that is there already."""
        for leaves in self._read.values():
            for leaf in leaves.values():
                leaf.grad = None

    def forget(self) -> None:
        """Lets go what has no gradient."""
        for weight, leaves in self._read.items():
            self._read[weight] = {box: leaf for box, leaf in leaves.items() if leaf.grad is not None}

    def _joined(self, weight: Tensor, box: Box, spans: Sequence[tuple[int, Sequence[Span]]]) -> Tensor:
        if not spans:
            return self._leaf(weight, box)
        (dim, own), *others = spans
        pieces = [self._joined(weight, (*box[:dim], span, *box[dim + 1 :]), others) for span in own]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim)

    def _leaf(self, weight: Tensor, box: Box) -> Tensor:
        if box == whole(weight.shape):
            return weight
        leaves = self._read[weight]
        if box not in leaves:
            leaves[box] = _view(weight, box)
        return leaves[box]


def _view(weight: Tensor, box: Box) -> Tensor:
    return part(weight.detach(), box).requires_grad_()


def _apart(weight: Tensor, read: Mapping[Box, Tensor]) -> dict[Box, Tensor]:
    """The same entries and gradients in parts that have no entry in common."""
    boxes = disjoint(read)
    if set(boxes) == set(read):
        return dict(read)
    around = hull(read)
    known = read[around].grad if around in read else None  # the largest of nested parts has room for all
    total = weight.new_zeros(sizes(around)) if known is None else known
    for box, leaf in read.items():
        if leaf.grad is not None and leaf.grad is not known:
            part(total, seen_from(box, around)).add_(leaf.grad)
    apart = {box: read[box] if box in read else _view(weight, box) for box in boxes}
    for box, leaf in apart.items():
        leaf.grad = part(total, seen_from(box, around))
    return apart
