"""What the benchmark of mixing runs and computes: whole steps that move what they say, races, tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.few_tokens import Layers
from benchmarks.machine import machine
from benchmarks.mixing import kept
from benchmarks.mixing_steps import Batch, Searching
from benchmarks.mixing_table import tables
from benchmarks.rows import Race
from benchmarks.sampling import drawing
from benchmarks.timing import race
from tests import tiny

torch.set_num_threads(1)


@pytest.fixture
def search() -> Searching:
    torch.manual_seed(0)
    return Searching(tiny.Supernet(), Batch(tiny.SPACE, 4))


def state(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def moved(module: nn.Module, before: list[Tensor]) -> bool:
    return any(not p.equal(old) for p, old in zip(module.parameters(), before, strict=True))


@pytest.mark.parametrize(
    ("step", "weights", "alphas"),
    [("both", True, True), ("weights_only", True, False), ("architecture_only", False, True)],
)
def test_a_step_moves_what_it_says(search: Searching, step: str, weights: bool, alphas: bool) -> None:
    before = state(search.supernet), state(search.alphas)
    getattr(search, step)()
    assert moved(search.supernet, before[0]) == weights
    assert moved(search.alphas, before[1]) == alphas
    assert all(p.requires_grad and p.grad is None for p in search.supernet.parameters())


def test_a_sampled_step_moves_weights_and_a_straight_one_alphas(search: Searching) -> None:
    arch = tiny.Arch(width=8, depth=2, hidden=(2, 4, None))
    before = state(search.supernet), state(search.alphas)
    search.straight(arch)()
    assert moved(search.alphas, before[1]) and not moved(search.supernet, before[0])
    before = state(search.supernet), state(search.alphas)
    search.sampled(arch)()
    assert moved(search.supernet, before[0]) and not moved(search.alphas, before[1])


def test_a_step_of_what_is_touched_leaves_the_rest_alone(search: Searching) -> None:
    step = search.touched(
        tiny.Arch(width=8, depth=2, hidden=(2, 4, None))
    )  # makes the momenta, whose decay moves all
    before = search.supernet.get_parameter("first.weight").detach().clone()
    step()
    moved = search.supernet.get_parameter("first.weight") != before
    assert moved[:8].all() and not moved[8:].any()


def test_a_draw_is_read_and_brought_back_at_every_position(search: Searching) -> None:
    drawing(search.supernet, search.alphas, search.relaxation.sample)()
    assert all(alpha.grad is None for alpha in search.alphas.parameters())


def test_mixed_maps_run_like_plain_ones() -> None:
    layers = Layers([2, 4], [1, 2], 3, tokens=5)
    for step in (layers.plain, layers.both, layers.weights_only, layers.architecture_only):
        step()
    assert all(p.requires_grad and p.grad is None for p in layers.mixed.parameters())


def test_in_a_race_each_step_runs_as_often_and_the_order_changes() -> None:
    ran: list[str] = []
    record = race([lambda: ran.append("a"), lambda: ran.append("b")], rounds=8, warmup=0, times=2)
    rounds = ["".join(ran[i : i + 4]) for i in range(0, len(ran), 4)]
    assert set(rounds) == {"aabb", "bbaa"}
    assert len(record) == 8 and all(len(seconds) == 2 for seconds in record)


def test_the_first_step_of_a_race_is_what_the_others_are_compared_with() -> None:
    figures = Race("row", {"plain": lambda: None, "mixed": lambda: None}).measured(rounds=3)
    assert figures["plain"]["ratio"] == 1.0
    assert list(figures["mixed"]) == ["seconds", "ratio", "quartiles"]


def test_tables_show_ratios_with_quartiles_and_peaks_without() -> None:
    times = {"plain": timed(0.0125, 1.0), "weights": timed(0.0135, 1.08)}
    peaks = {"plain": {"bytes": 445_000_000, "ratio": 1.0}, "weights": {"bytes": 489_500_000, "ratio": 1.1}}
    cases = {"memory": {"rows": {"a": peaks}}, "gpt": {"rows": {"b": times}}}
    assert tables({"cases": cases}).splitlines() == [
        "| step | plain | weights |",
        "|---|---|---|",
        "| b | 12.5 ms | 1.08 (1.07 to 1.09) |",
        "",
        "| peak memory | plain | weights |",
        "|---|---|---|",
        "| a | 445 MB | 1.10 |",
    ]


def timed(seconds: float, ratio: float) -> dict[str, Any]:
    return {"seconds": seconds, "ratio": ratio, "quartiles": [ratio - 0.01, ratio + 0.01]}


def test_cases_of_another_machine_are_not_kept(tmp_path: Path) -> None:
    out = tmp_path / "mixing.json"
    assert kept(out) == {}
    out.write_text(json.dumps({"machine": machine(), "cases": {"gpt": 1}}))
    assert kept(out) == {"gpt": 1}
    out.write_text(json.dumps({"machine": {**machine(), "torch": "1.0"}, "cases": {"gpt": 1}}))
    assert kept(out) == {}
