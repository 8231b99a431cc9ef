"""Whole searches on a problem of a second: they learn, report honestly, and refuse what makes no sense."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tanglert import Dim, Input, Space
from tanglert.data import Data, Samples
from tanglert.relax import GDAS, ArchParameters, DrNAS
from tanglert.sample.enumeration import architectures
from tanglert.sample.fairnas import FairSampler
from tanglert.sample.sandwich import SandwichSampler
from tanglert.train import (
    DivergedError,
    Options,
    OptionsError,
    Result,
    RunError,
    display,
    inherited_weights,
    run_search,
)
from tanglert.train.assembly import Search
from tanglert.train.bilevel import Bilevel
from tanglert.train.evaluate import cuts
from tanglert.train.oneshot import OneShot
from tanglert.train.options import Optimizer
from tanglert.train.order import Batches, split
from tanglert.train.task import Classification, LanguageModel, task_for
from tests import tiny


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("optimizer", "changes"),
    [
        ("drnas", {}),
        ("darts", {}),
        ("darts", {"order": 2}),
        ("darts", {"normalise": "sparsemax"}),
        ("gdas", {}),
        ("spos", {}),
        ("fairnas", {}),
        ("sandwich", {}),
    ],
)
def test_learning_is_real(optimizer: Optimizer, changes: dict[str, Any], tmp_path: Path) -> None:
    chosen = Options(optimizer=optimizer, epochs=15, batch_size=20, lr=1e-2, evaluations=20, **changes)
    result = run_search(tiny, tiny.blobs(), chosen, tmp_path)
    assert result.test["accuracy"] > 0.8  # chance is 0.33
    assert result.random_mean is not None and result.random_mean > 0.6
    assert result.architecture == json.loads((tmp_path / "architecture.json").read_text())
    assert (result.mixture is not None) == (optimizer in ("darts", "drnas"))
    assert result.params == tiny.count_params(tiny.Arch.from_dict(result.architecture))


@pytest.mark.parametrize("strategy", ["random", "evolution", "nsga2"])
def test_every_search_ends_in_its_budget_and_shows_its_front(strategy: Any, tmp_path: Path) -> None:
    if strategy == "nsga2":
        pytest.importorskip("pymoo")
    costs = sorted(tiny.count_params(tiny.Sampler(seed)()) for seed in range(40))
    limit = costs[len(costs) // 2]
    chosen = Options(
        optimizer="spos", epochs=2, batch_size=40, evaluations=8, strategy=strategy, max_params=limit
    )
    result = run_search(tiny, tiny.blobs(), chosen, tmp_path)
    assert result.params <= limit
    assert result.front and all(point["params"] <= limit for point in result.front)
    assert result.front[0]["accuracy"] == max(point["accuracy"] for point in result.front)
    assert Result.from_dict(json.loads(result.to_json())).front == result.front


def test_gradients_end_in_the_budget_too(tmp_path: Path) -> None:
    limit = min(tiny.count_params(tiny.Sampler(seed)()) for seed in range(40))
    chosen = Options(epochs=2, batch_size=40, random=2, max_params=limit)
    assert run_search(tiny, tiny.blobs(), chosen, tmp_path).params <= limit


def test_a_run_leaves_its_files(tmp_path: Path) -> None:
    chosen = Options(epochs=2, batch_size=40, random=3)
    run_search(tiny, tiny.blobs(), chosen, tmp_path, texts={"tiny.tsp": "space tiny"})
    names = {"config.json", "metrics.jsonl", "checkpoint.pt", "architecture.json", "result.json", "tiny.tsp"}
    assert names <= {p.name for p in tmp_path.iterdir()}
    assert not list(tmp_path.glob("*.partial"))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == [1, 2]
    assert {"step", "train_loss", "arch_loss", "valid_loss", "valid_accuracy", "arch"} <= set(lines[1])
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["options"]["epochs"] == 2
    assert (len(config["classes"]), len(config["normalisation"]["mean"])) == (3, 6)
    tiny.Supernet().load_state_dict(inherited_weights(tmp_path, tiny.SPACE))


def test_a_folder_without_a_run_has_no_weights(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no checkpoint"):
        inherited_weights(tmp_path, tiny.SPACE)


@pytest.mark.parametrize("optimizer", ["drnas", "gdas", "spos"])
def test_the_log_shows_how_it_goes(optimizer: Optimizer, tmp_path: Path) -> None:
    text = io.StringIO()
    chosen = Options(optimizer=optimizer, epochs=2, evaluations=5, random=3)
    run_search(tiny, tiny.blobs(), chosen, tmp_path, display(text))
    assert text.getvalue().startswith(f"{optimizer} on tiny\nepoch 1/2  train loss")
    assert "random architectures to compare with: 3/3, best" in text.getvalue()
    assert ("most probable: width" in text.getvalue()) == (optimizer in ("drnas", "gdas"))


def test_the_live_view_draws_and_gives_the_terminal_back(tmp_path: Path) -> None:
    text = Terminal()
    run_search(tiny, tiny.blobs(), Options(epochs=2), tmp_path, display(text))
    assert "most probable" in text.getvalue()
    assert text.getvalue().count("\x1b[?25h") >= 1  # the cursor is back


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def engine(**changes: Any) -> Bilevel:
    data = tiny.blobs()
    rest, apart = split(len(data.train), 0.5, 0)
    relaxation = DrNAS(ArchParameters(tiny.SPACE), seed=1)
    torch.manual_seed(0)
    parts = data.train.subset(rest), data.train.subset(apart)
    chosen = Options(batch_size=40, **changes)
    return Bilevel(tiny.Supernet(), Classification(), *parts, relaxation, chosen)


def test_weights_and_architecture_have_optimisers_of_their_own() -> None:
    bilevel = engine()
    weights = {id(p) for group in bilevel.optimizer.param_groups for p in group["params"]}
    alphas = {id(p) for group in bilevel.arch_optimizer.param_groups for p in group["params"]}
    assert not weights & alphas
    assert alphas == {id(p) for p in bilevel.relaxation.alphas.parameters()}


def test_the_architecture_step_leaves_the_weights_alone() -> None:
    bilevel = engine()
    before = {name: p.clone() for name, p in bilevel.supernet.named_parameters()}
    bilevel.learn_architecture()
    assert all(p.grad is None and torch.equal(p, before[n]) for n, p in bilevel.supernet.named_parameters())


def test_the_weights_of_gdas_run_sliced() -> None:
    """A layer beyond the depth of the draw gets no gradient; in a mixture it would get zeros."""
    bilevel = engine(epochs=3, warmup_epochs=3)
    bilevel.relaxation = GDAS(ArchParameters(tiny.SPACE), tiny.Arch, seed=1)
    depths = set()
    for _ in range(9):
        bilevel.advance()
        depths.add(sum(layer.up.weight.grad is not None for layer in bilevel.supernet.layers))  # type: ignore
    assert depths == {1, 2, 3}


def test_strength_is_the_weight_decay_of_the_architecture_parameters() -> None:
    for optimizer in ("darts", "gdas", "drnas"):
        for regulariser, wanted in (("l2", 0.25), ("none", 0.0)):
            chosen: Any = {"optimizer": optimizer, "regulariser": regulariser, "strength": 0.25}
            search = Search(tiny, tiny.blobs(), Options(**chosen))
            assert isinstance(search.engine, Bilevel)
            assert search.engine.arch_optimizer.param_groups[0]["weight_decay"] == wanted


def test_the_methods_on_subnets_have_samplers_of_their_own() -> None:
    for optimizer, kind in {
        "spos": tiny.Sampler,
        "fairnas": FairSampler,
        "sandwich": SandwichSampler,
    }.items():
        chosen: Any = {"optimizer": optimizer}
        engine = Search(tiny, tiny.blobs(), Options(**chosen)).engine
        assert isinstance(engine, OneShot) and type(engine.sampler) is kind


@pytest.mark.parametrize("optimizer", ["sandwich", "shrinking"])
def test_the_largest_subnet_needs_numbers(optimizer: Optimizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanglert.sample.sandwich.is_sized", lambda position: False)
    with pytest.raises(
        OptionsError, match=f"^{optimizer} .* no choice of `tiny` is a number: use spos"
    ) as found:
        Search(tiny, tiny.blobs(), Options(optimizer=optimizer))
    assert found.value.option == "optimizer"


def test_the_architecture_rests_during_the_warm_up() -> None:
    bilevel = engine(epochs=3, warmup_epochs=1)
    before = bilevel.relaxation.alphas.stacked().clone()
    while bilevel.epoch < 1:
        assert "arch_loss" not in bilevel.advance()
    assert torch.equal(bilevel.relaxation.alphas.stacked(), before)
    assert "arch_loss" in bilevel.advance()
    assert not torch.equal(bilevel.relaxation.alphas.stacked(), before)


def test_a_loss_that_is_not_finite_stops_before_the_weights_change() -> None:
    data = tiny.blobs()
    broken = Samples(data.train.x * torch.inf, data.train.y, torch.zeros(6), torch.ones(6), (6,))  # type: ignore[attr-defined]
    one_shot = OneShot(tiny.Supernet(), Classification(), broken, tiny.Sampler(0), Options(batch_size=40))
    before = [p.clone() for p in one_shot.supernet.parameters()]
    with pytest.raises(DivergedError, match=r"loss is nan in epoch 1, batch 1 of 6 \(step 0\)"):
        one_shot.advance()
    assert all(torch.equal(a, b) for a, b in zip(before, one_shot.supernet.parameters(), strict=True))


def test_every_epoch_sees_every_item_in_another_order() -> None:
    batches = Batches(12, 4, seed=3, purpose="train")
    first, second = (torch.cat([batches[i] for i in range(e * 3, e * 3 + 3)]) for e in (0, 1))
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(12))
    assert first.tolist() != second.tolist()
    assert torch.equal(Batches(12, 4, seed=3, purpose="train")[4], batches[4])


def test_the_parts_of_a_split_do_not_overlap() -> None:
    rest, apart = split(10, 0.3, seed=0)
    assert len(apart) == 3
    assert sorted([*rest.tolist(), *apart.tolist()]) == list(range(10))


def test_the_task_follows_from_the_types() -> None:
    def space(kind: str, shape: tuple[int, ...], output: tuple[str, tuple[int, ...]]) -> Space:
        return Space("s", dims=[Dim("d", [1, 2])], inputs=[Input("x", kind, shape)], output=output)

    assert task_for(space("pixels", (1, 8, 8), ("vector", (10,)))).metric == "accuracy"
    assert task_for(space("ids", (50, 16), ("tokens", (16, 50)))).metric == "perplexity"
    with pytest.raises(ValueError, match="searches know classification"):
        task_for(space("pixels", (1, 8, 8), ("tokens", (16, 50))))


def test_metrics_add_up_over_unequal_batches() -> None:
    task = LanguageModel()
    output, target = torch.randn(5, 4, 7), torch.randint(7, (5, 4))
    whole = task.metrics(task.tally(output, target))
    parts = task.metrics(task.tally(output[:2], target[:2]) + task.tally(output[2:], target[2:]))
    assert parts == pytest.approx(whole, rel=1e-6)
    assert whole["loss"] == pytest.approx(task.loss(output, target).item(), rel=1e-6)
    assert task.score(whole) == -whole["loss"]


def test_the_summary_says_when_random_architectures_are_better() -> None:
    result = Result(
        "s", "drnas", {}, 1, 1, "accuracy", True, {"accuracy": 0.7}, {}, None, [0.6, 0.8, 0.7], 90, 1.0
    )
    assert (result.random_best, result.beaten_by) == (0.8, 1)
    assert "best 0.8; 1 of them better than the one found" in result.summary()
    worse = replace(result, metric="perplexity", higher=False, test={"perplexity": 0.7})
    assert (worse.random_best, worse.beaten_by) == (0.6, 1)
    assert Result.from_dict(json.loads(result.to_json())) == result


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"optimizer": "enas"},
            "optimizer is one of darts, gdas, drnas, spos, fairnas, random-a, sandwich, shrinking, not 'enas'",
        ),
        ({"optimizer": "darts", "order": 3}, "order is one of 1, 2, not 3"),
        ({"optimizer": "gdas", "order": 2}, "order 2 is for darts, not for gdas"),
        ({"optimizer": "gdas", "normalise": "sparsemax"}, "normalise sparsemax is for darts, not for gdas"),
        ({"optimizer": "darts", "regulariser": "kl"}, "regulariser kl is for drnas, not for darts"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"strategy": "luck"}, "strategy is one of random, evolution, nsga2"),
        ({"strategy": "evolution"}, "drnas finds its architecture by gradients"),
        ({"max_macs": 0}, "max_macs must be 1 at least"),
        ({"lr": float("nan")}, "lr must be a finite number"),
        ({"lr": float("inf")}, "lr must be a finite number"),
        ({"lr": "x"}, "lr must be a finite number, not 'x'"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"seed": None}, "seed must be a whole number, not None"),
        ({"validation": 1.0}, "validation must be below 1"),
        ({"epochs": 2, "warmup_epochs": 3}, "between 0 and epochs"),
    ],
)
def test_options_that_make_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        Options(**changes)


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(OptionsError, match="not to be had here"):
        Options(device="warp").torch_device()


def test_data_without_enough_samples(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leaves one part empty"):
        few: Data = tiny.blobs(train=1)
        run_search(tiny, few, Options(epochs=1), tmp_path)


def test_a_single_item_left_over_joins_the_batch_before() -> None:
    """Alone it has no variance, and batch norms over vectors refuse it."""
    sizes = [[len(items) for items in cuts(size, 10)] for size in (1, 3, 4, 5, 20)]
    assert sizes == [[1] * 8 + [2], [3, 3, 4], [4, 4, 2], [5, 5], [10]]
    assert [len(items) for items in cuts(3, 1)] == [1]


def test_the_learning_rate_never_rises() -> None:
    data = tiny.blobs()
    sampler = tiny.Sampler(0)
    engine = OneShot(
        tiny.Supernet(), Classification(), data.train, sampler, Options(optimizer="spos", lr=1e-7)
    )
    assert engine.learning_rate() == 1e-7
    engine.step = engine.total
    assert engine.learning_rate() == 1e-7


def test_a_penalty_on_cost_finds_smaller_architectures(tmp_path: Path) -> None:
    """Above any gain in accuracy it leads to the smallest one; the logged loss contains it."""
    largest = max(tiny.count_macs(arch) for arch in architectures(tiny.Arch))
    assert largest == tiny.count_macs.largest
    chosen = Options(epochs=10, batch_size=20, warmup_epochs=0, arch_lr=0.1, random=0, penalty="macs:100")
    result = run_search(tiny, tiny.blobs(), chosen, tmp_path)
    assert result.macs == min(tiny.count_macs(arch) for arch in architectures(tiny.Arch))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[0]["arch_loss"] > 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalty": "watts:1"}, "'watts' is no cost"),
        ({"penalty": "macs"}, "macs"),
        ({"optimizer": "spos", "penalty": "macs:1"}, "spos has none"),
        ({"stages": [{"epochs": 3}]}, "the stages last 3 epochs together, but epochs is 10"),
        ({"stages": [{"epochs": 0}]}, "stages.0: epochs must be above 0"),
        ({"max_latency": 3.0}, "needs latency"),
        ({"epoch": 3}, "did you mean epochs"),
    ],
)
def test_options_that_contradict_each_other(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        Options(**changes)


def test_a_contradiction_is_told_as_it_is_and_where_it_lies_if_it_lies_somewhere() -> None:
    with pytest.raises(OptionsError, match="^order 2 is for darts, not for gdas$") as found:
        Options(optimizer="gdas", order=2)
    assert found.value.option is None
    with pytest.raises(OptionsError, match="^penalty 'watts:1': 'watts' is no cost") as found:
        Options(penalty="watts:1")
    assert found.value.option == "penalty"


@pytest.mark.parametrize("optimizer", ["sandwich", "shrinking"])
def test_without_distillation_every_subnet_learns_from_the_labels(optimizer: Optimizer) -> None:
    engine = Search(tiny, tiny.blobs(), Options(optimizer=optimizer, distil=False, epochs=1)).engine
    assert isinstance(engine, OneShot)
    x, y = tiny.blobs().train.batch(torch.arange(20))
    engine.supernet.eval()  # without dropout
    paths = engine.sampler.paths()
    losses = [loss.item() for loss in engine.losses(x, y, paths)]
    assert losses == [engine.task.loss(engine.supernet(x, arch), y).item() for arch in paths]
