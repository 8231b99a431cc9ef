"""The base of every entangled layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from tanglert.choices import Choices, Mixed, Term
from tanglert.dim import Axis
from tanglert.extent import Position
from tanglert.nn.mask import WeightAxis
from tanglert.nn.rebuilt import WORTH_REBUILDING, without_keeping
from tanglert.nn.superpose import Entanglement, pad, sum_over, take

Lowering: TypeAlias = Literal["auto", "mask", "scale", "loop"]
"""How a mixture is computed: with a superposed weight ("mask"), by scaling what goes in and comes out ("scale"), by its
definition ("loop"), or by whichever of the first two is cheaper for the tensor at hand ("auto").
"""


class Layer(nn.Module):
    """An operation that owns weights of the largest size, and reads and writes one width axis.

    A layer says how it computes for an architecture (`evaluate`) and how cheaply it can compute the mixture
    (`mixture`). The lowering `"loop"` is the definition of the mixture itself: the sum over the joint choices
    of `group` of `evaluate` on slices, zero padded.
    """

    reads: Axis
    writes: Axis
    group: tuple[Position, ...]
    dim: int = -1
    lowering: str = "auto"
    rebuilds: bool = False
    __call__: Callable[..., Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.entangled = nn.ModuleDict()
        self._entanglements: dict[str, Entanglement] = {}  # the same, which every step asks for

    def forward(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        """The operation at an architecture or a mixture; `shared` are weights that another layer owns."""
        if not isinstance(at, Mixed):
            return self.evaluate(x, at, *shared)
        return self.loop(x, at, *shared) if self.lowering == "loop" else self.mixture(x, at, *shared)

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        """The operation with the weights that belong to `at`."""
        raise NotImplementedError

    def mixture(self, x: Tensor, at: Mixed, *shared: Tensor) -> Tensor:
        """The mixture in closed form. For an operation linear in its weight: the operation with the
        superposed weight.
        """
        return self.evaluate(x, at, *shared)

    def loop(self, x: Tensor, at: Mixed, *shared: Tensor) -> Tensor:
        """The mixture by its definition."""

        def term(j: Term) -> Tensor:
            y = self.evaluate(take(x, self.reads, self.dim, j), j, *shared)
            return pad(y, self.writes, self.dim, j)

        return sum_over(self.group, at, term)

    def own(
        self, name: str, weight: Tensor | None, *axes: WeightAxis, gain: list[bool] | None = None
    ) -> None:
        """Register a weight of the largest size (a parameter, or a buffer if it needs no gradient) with its
        axes.
        """
        self.hold(name, weight, Entanglement(*axes, gain=gain))

    def hold(self, name: str, weight: Tensor | None, entanglement: Entanglement) -> None:
        """Register a weight with how it is read."""
        if isinstance(weight, nn.Parameter) or weight is None:
            self.register_parameter(name, weight)
        else:
            self.register_buffer(name, weight)
        if weight is not None:
            self.reads_by(name, entanglement)

    def reads_by(self, name: str, entanglement: Entanglement) -> None:
        """How a weight is read that this layer, or another one, holds."""
        self.entangled[name] = self._entanglements[name] = entanglement

    def weighing(self, weight: Tensor, at: Choices, operation: Callable[[Tensor], Tensor]) -> Tensor:
        """The operation with the layer's weight as `at` needs it.

        It is not kept for backward if the layer `rebuilds`, or if making it again is next to nothing.
        """
        masks = self.entanglement("weight")
        dropped = self.rebuilds or masks.light and weight.numel() >= WORTH_REBUILDING
        kept = torch.compiler.is_compiling() or not dropped or not masks.positions
        if kept or not isinstance(at, Mixed) or at.cut:
            return operation(masks.block(weight, at))
        kind, dtype = weight.device.type, weight.dtype
        if torch.is_autocast_enabled(kind):  # what is saved is what was cast
            dtype = torch.get_autocast_dtype(kind)
        used, again = masks.mix(weight, at).to(dtype), masks.again(weight, at)
        sources = [weight, *(at.probability(p) for p in masks.positions)]
        with without_keeping(used, sources, lambda: again().to(dtype)):
            return operation(used)

    def block(self, name: str, at: Choices) -> Tensor | None:
        """The named weight as `at` needs it: sliced or superposed; None if the layer has none."""
        weight: Tensor | None = getattr(self, name)
        return None if weight is None else self.entanglement(name).block(weight, at)

    def unmasked(self, name: str, at: Mixed) -> Tensor | None:
        """The named weight as large as the mixture has it, but not superposed."""
        weight: Tensor | None = getattr(self, name)
        if weight is None or not at.cut:
            return weight
        return self.entanglement(name).trim(weight, at)

    def entanglement(self, name: str) -> Entanglement:
        return self._entanglements[name]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reads} -> {self.writes})"

    def subnet_state(self, at: Choices) -> dict[str, Tensor]:
        """The layer's own state in the subnet: sliced, contiguous copies."""
        state: dict[str, Tensor] = {}
        for name, tensor in {**self._parameters, **self._buffers}.items():
            if tensor is None or name in self._non_persistent_buffers_set:
                continue
            part = self.entanglement(name).slice(tensor, at) if name in self.entangled else tensor
            state[name] = part.detach().clone().contiguous()
        return state
