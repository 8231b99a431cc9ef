"""Expected cost as a differentiable penalty on architecture parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tanglert.choices import Probabilities
from tanglert.cost import Cost
from tanglert.protocols import SpaceModule

COSTS = ("params", "macs")


class PenaltyError(ValueError):
    """A penalty that is written wrong, or a cost whose expectation is not known."""


class Penalty:
    """The sum of strength * E[cost] / largest cost, over the costs.

    E is the expectation over independent choices, and the largest cost that of the most expensive architecture of the
    space. So the term is dimensionless, at most the sum of the strengths for probabilities of allowed choices, and 0.1
    means the same in every space.
    """

    def __init__(self, costs: Mapping[str, Cost[Any]], strengths: Mapping[str, float]) -> None:
        self.costs, self.strengths = dict(costs), dict(strengths)

    @classmethod
    def parse(cls, text: str, module: SpaceModule) -> Penalty:
        """Of a text such as "macs:0.1" or "macs:0.1,params:0.05", for a generated module.

        Raises PenaltyError on what `strengths` refuses, and on a module that an older compiler wrote.
        """
        found = strengths(text)
        counts = {"params": module.count_params, "macs": module.count_macs}
        costs: dict[str, Cost[Any]] = {}
        for name in found:
            count = counts[name]
            if not isinstance(count, Cost):
                raise PenaltyError(
                    f"the module of {module.SPACE.name} cannot say what {name} to expect: it comes from an older"
                    " compiler; compile the space again"
                )
            costs[name] = count
        return cls(costs, found)

    def __call__(self, probabilities: Probabilities) -> Tensor:
        """The penalty, a scalar that is differentiable in the probabilities."""
        terms = [
            strength * self.costs[name].expected(probabilities) / max(self.costs[name].largest, 1)
            for name, strength in self.strengths.items()
        ]
        return sum(terms[1:], start=terms[0])

    def __str__(self) -> str:
        return ",".join(f"{name}:{strength:g}" for name, strength in self.strengths.items())


def strengths(text: str) -> dict[str, float]:
    """The strength of each cost in "macs:0.1,params:0.05". Raises PenaltyError, which says what is wrong with the text."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition(":"))
        if name not in COSTS:
            raise PenaltyError(
                f"penalty {text!r}: {name!r} is no cost; write {' or '.join(COSTS)}, as in macs:0.1"
            )
        if name in found:
            raise PenaltyError(f"penalty {text!r}: {name} twice")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not (math.isfinite(found[name]) and found[name] > 0):
            raise PenaltyError(
                f"penalty {text!r}: the strength of {name} must be a number above 0, as in {name}:0.1, not {number!r}"
            )
    return found
