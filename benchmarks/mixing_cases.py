"""What `benchmarks.mixing` measures: cases by name, each of one row or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from benchmarks import few_tokens, mixing_memory, sampling
from benchmarks.mixing_networks import NETWORKS, STEPS, TRANSFORMERS, Mode, Workbench
from benchmarks.rows import Race, Row

Case: TypeAlias = Callable[[], Iterator[Row]]
"""Rows are made one after the other, so that the networks of all are not there at once."""


def searches(*names: str, mode: Mode = "fast") -> Iterator[Row]:
    """Steps of a search over the whole step of the plain largest model."""
    for name in names:
        bench = Workbench(name, mode)
        yield Race(bench.label, {step: make(bench) for step, make in STEPS.items()})


def loops() -> Iterator[Row]:
    """The mixture by Algorithm 2 beside ours, over the same step."""
    for name in ("gpt", "conv_macro", "vit_mini"):  # the others take minutes a round
        bench = Workbench(name)
        steps = {
            "plain": bench.alone(bench.largest),
            "weights + architecture": bench.searching().both,
            "Algorithm 2": Workbench(name, "loop").searching().both,
        }
        yield Race(bench.label, steps)


def subnets() -> Iterator[Row]:
    """A sampled subnet, and GDAS at it, over an independent model of the same architecture."""
    bench = Workbench("autoformer_t")
    for name, arch in (("smallest", bench.smallest), ("drawn", bench.drawn)):
        search = bench.searching()
        steps = {
            "independent": bench.alone(arch),
            "sampled": search.sampled(arch),
            "sampled, touched only": search.touched(arch),
            "GDAS architecture": search.straight(arch),
        }
        yield Race(f"{bench.label}, {name}", steps)


CASES: dict[str, Case] = {
    **{name: partial(searches, name) for name in NETWORKS},
    "rebuilt": partial(searches, *TRANSFORMERS, mode="rebuilt"),
    "compiled": partial(searches, "gpt", mode="compiled"),  # autoformer_t takes minutes to compile
    "loops": loops,
    "memory": mixing_memory.rows,
    "subnets": subnets,
    "few_tokens": few_tokens.rows,
    "sampling": sampling.rows,
}
