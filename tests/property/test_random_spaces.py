"""Vertex exactness, lowerings and costs over random spaces: operations combined as nobody planned."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanglec.api import Compiled, compile_source
from tanglec.diagnostics import CompileError
from tanglec.source import Source
from tests import exactness
from tests.random_spaces import spaces

torch.set_num_threads(1)

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

# What a random space may be refused for: its shapes do not fit for some choice, a mixture would be too large, or
# entangled arms have widths of different layouts.
REFUSALS = {"TSP0301", "TSP0302", "TSP0304", "TSP0305", "TSP0306", "TSP0402", "TSP0406", "TSP0502"}


def compiled(text: str, lowering: str = "auto") -> Compiled | None:
    """The space; None where the compiler refuses it for a reason that it names and places."""
    try:
        return compile_source(Source("random.tsp", text), lowering=lowering)
    except CompileError as error:
        errors = [d for d in error.diagnostics if d.severity == "error"]
        assert errors and all(d.code in REFUSALS and d.span is not None for d in errors), error
        return None


@given(spaces(), st.integers(0, 5))
@EXAMPLES
def test_mixture_subnet_and_derived_module_are_one_function_at_every_vertex(text: str, seed: int) -> None:
    space = compiled(text)
    if space is None:
        return
    module, net = exactness.supernet(space, seed)
    sampler = module.Sampler(seed)
    for _ in range(2):
        arch = sampler()
        exactness.check_vertex(space, module, net, arch)
        exactness.check_recalibrated(space, net, arch)
        exactness.check_costs(space, module, arch)


@given(spaces(), st.sampled_from(["auto", "mask", "scale"]), st.integers(0, 5))
@EXAMPLES
def test_every_lowering_is_the_defining_sum(text: str, lowering: str, seed: int) -> None:
    cheap, defining = compiled(text, lowering=lowering), compiled(text, lowering="loop")
    if cheap is not None and defining is not None:
        exactness.check_lowerings(cheap, defining, seed)


@pytest.mark.parametrize("seed", range(3))
def test_most_random_spaces_compile(seed: int) -> None:
    """The properties above would be empty if nearly everything was refused."""
    texts: list[str] = []

    @given(spaces())
    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    assert sum(compiled(text) is not None for text in texts) > len(texts) // 2
