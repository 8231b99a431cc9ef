"""Costs that papers published, to the digit.

Multiply-adds are those of convolutions and linear maps, squeeze-and-excitation and classifier included; additions of
biases, norms and activations are not counted.
"""

from __future__ import annotations

from typing import Any

import pytest

from tanglec.api import compile_file
from tanglec.passes.cost import Costs
from tanglec.passes.count import count

# Sukthanker et al.: Weight-Entanglement Meets Gradient-Based NAS. AutoML 2024, Table 7 and appendix F.4.
TANGLENAS_KERNELS = [7, 5, 5, 7, 5, 5, 7, 7, 5, 7, 7, 7, 5, 7, 7, 5, 5, 7, 7, 5]


def mobilenet(kernels: list[int]) -> dict[str, Any]:
    return {"depth": [4] * 5, "kernel": kernels, "expand": [6] * 20}


@pytest.mark.parametrize(
    ("kernels", "params", "macs"),
    [([7] * 20, 7_664_760, 566_170_656), (TANGLENAS_KERNELS, 7_576_056, 528_802_080)],
    ids=["largest", "found by TangleNAS"],
)
@pytest.mark.parametrize("transform", [True, False])
def test_mobilenet_v3(kernels: list[int], params: int, macs: int, transform: bool) -> None:
    space = compile_file("mobilenet_v3", params={"transform": transform})
    assert space.costs(mobilenet(kernels)) == Costs(params, macs)


def test_the_number_of_mobilenets() -> None:
    """Five stages of two to four layers, nine choices each: 2.18e19."""
    number = count(compile_file("mobilenet_v3").space).number
    assert number == sum(9**depth for depth in (2, 3, 4)) ** 5 == 21_758_655_492_572_485_851
