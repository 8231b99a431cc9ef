"""`tanglec train` and `evaluate` on a small space and random images."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tanglec.cli.messages import BadOption, fail
from tanglec.cli.run_folder import new_folder
from tanglec.diagnostics import CompileError
from tests.cli.conftest import SPACE, Run, codes
from tests.cli.images import write_images

SEARCH = ("--data", "images.npz", "--epochs", "1", "--batch-size", "16", "--set", "random=2")
SHORT = ("--data", "images.npz", "--epochs", "2", "--batch-size", "16")
OTHER = '{"width": 8, "depth": 2, "hidden": [8, 4]}'
CONV = SPACE.replace("conv(image", "batch_norm(conv(image").replace("padding=0)", "padding=0))")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space with batch norms, 96 random images of 3 classes, and a search in `run`."""
    from typer.testing import CliRunner

    from tanglec.cli.app import app

    folder, before = tmp_path_factory.mktemp("searched"), Path.cwd()
    write_images(folder)
    (folder / "tiny.tsp").write_text(CONV, encoding="utf-8")
    os.chdir(folder)
    try:
        result = CliRunner().invoke(app, ["search", "tiny.tsp", *SEARCH, "--out", "run"])
        assert result.exit_code == 0, result.output
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def copied(searched: Path, home: Path) -> None:
    torch.set_num_threads(1)
    shutil.copytree(searched, home, dirs_exist_ok=True)


def records(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    runs: list[dict[str, Any]] = json.loads(result.stdout)["runs"]
    return runs


def recorded(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def network(folder: Path) -> torch.nn.Module:
    """The stand-alone model of a folder, with its weights."""
    names: dict[str, Any] = {"__name__": "standalone"}
    exec(compile((folder / "model.py").read_text(encoding="utf-8"), "model.py", "exec"), names)
    model: torch.nn.Module = names["Network"]()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def test_what_a_run_found_is_trained_further(run: Run, home: Path) -> None:
    (trained,) = records(run("train", "run", "--epochs", "2", "--json"))
    folder = home / "run-finetune"
    assert trained["folder"] == "run-finetune"
    assert (trained["init"], trained["epochs"]) == ("finetune", 2)
    assert (
        trained["architecture"]
        == recorded("run/architecture.json")
        == recorded("run-finetune/architecture.json")
    )
    for name in ("config.json", "metrics.jsonl", "result.json", "recipe.toml", "tiny.tsp", "tiny.py"):
        assert (folder / name).is_file()
    model = network(folder)
    assert sum(p.numel() for p in model.parameters()) == trained["params"]
    images = np.load(home / "images.npz")
    mean, std = images["x_train"].mean(), images["x_train"].std()
    x = (torch.from_numpy(images["x_test"]).float()[:, None] - mean) / std
    right = (model(x).argmax(1) == torch.from_numpy(images["y_test"])).double().mean()
    assert float(right) == pytest.approx(trained["test"]["accuracy"])


def test_the_options_of_the_run_are_taken_over(run: Run) -> None:
    run("train", "run", "--set", "lr=0.5")
    options = recorded("run-finetune/config.json")["options"]
    assert (options["batch_size"], options["epochs"], options["lr"]) == (16, 1, 0.5)
    recipe = Path("run-finetune/recipe.toml").read_text(encoding="utf-8")
    assert "# the run run" in recipe and "# --set" in recipe and "arch_lr" not in recipe


def test_inherited_weights_are_what_the_search_measured(run: Run) -> None:
    (inherited,) = records(run("train", "run", "--init", "inherit", "--json"))
    assert inherited["test"] == pytest.approx(recorded("run/result.json")["test"], abs=1e-4)
    assert inherited["epochs"] == 0
    (evaluated,) = json.loads(run("evaluate", "run", "--json").stdout)
    assert evaluated["test"] == pytest.approx(inherited["test"], abs=1e-4)
    assert evaluated["validation"] == pytest.approx(recorded("run/result.json")["validation"], abs=1e-4)


def test_several_architectures_and_seeds(run: Run, arch: str) -> None:
    given = (
        "--init",
        "retrain",
        "--arch",
        arch,
        "--arch",
        OTHER,
        "--seed",
        "3",
        "--seed",
        "4",
        "--epochs",
        "1",
    )
    runs = records(run("train", "run", *given, "--out", "four", "--json"))
    assert [r["folder"] for r in runs] == ["four/1", "four/2", "four/3", "four/4"]
    assert [r["seed"] for r in runs] == [3, 4, 3, 4]
    assert [r["architecture"]["width"] for r in runs] == [4, 4, 8, 8]
    table = run("train", "--out", "four", "--resume").stdout
    assert "four/4" in table and "over 2 seeds" in table
    rows = json.loads(run("evaluate", "four", "--time", "--json").stdout)
    assert [row["test"]["accuracy"] for row in rows] == [r["test"]["accuracy"] for r in runs]
    assert all(row["ms"] > 0 for row in rows)
    (one,) = json.loads(run("evaluate", "four/3", "--json").stdout)
    assert one["test"] == rows[2]["test"]


def test_an_architecture_of_a_space_is_trained_afresh(run: Run, arch: str, home: Path) -> None:
    (trained,) = records(run("train", "tiny.tsp", "--arch", arch, *SHORT, "--set", "flip=true", "--json"))
    assert (trained["init"], trained["folder"]) == ("retrain", "runs/tiny-retrain")
    assert network(home / "runs" / "tiny-retrain")(torch.zeros(2, 1, 8, 8)).shape == (2, 3)


def test_a_recipe_for_retraining_may_change_params(run: Run, home: Path) -> None:
    text = '[retrain]\nepochs = 1\nbatch_size = 8\noptimizer = "spos"\nparams = { classes = 4 }\n'
    (home / "tiny.toml").write_text(text, encoding="utf-8")
    arrays = dict(np.load(home / "images.npz"))
    np.savez(home / "four.npz", **{**arrays, "y_train": np.arange(64) % 4})
    options = ("--init", "retrain", "--recipe", "tiny.toml:retrain", "--data", "four.npz")
    (trained,) = records(run("train", "run", *options, "--json"))
    assert recorded("run-retrain/config.json")["options"]["batch_size"] == 8
    assert len(recorded("run-retrain/config.json")["classes"]) == 4
    assert trained["params"] > recorded("run/result.json")["params"]
    assert codes(run("train", "run", "--recipe", "tiny.toml:retrain", "--out", "x", "--json")) == ["TSP0915"]


def test_a_stopped_training_goes_on_as_a_whole(run: Run, arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tanglert.train

    class Stop(tanglert.train.Silent):
        """Asks to stop within the second training."""

        def start(self, title: str, epochs: int, steps: int, step: int) -> None:
            if Path("both/1/result.json").exists():
                os.kill(os.getpid(), signal.SIGINT)

    given = ("train", "tiny.tsp", "--arch", arch, "--arch", OTHER, *SHORT)
    straight = records(run(*given, "--out", "straight", "--json"))
    with monkeypatch.context() as patched:
        patched.setattr(tanglert.train, "display", Stop)
        stopped = run(*given, "--out", "both")
    assert stopped.exit_code == 130
    assert "tanglec train --out both --resume" in stopped.stderr
    assert Path("both/1/result.json").exists() and not Path("both/2/result.json").exists()
    resumed = records(run("train", "--out", "both", "--resume", "--json"))
    assert [r["test"] for r in resumed] == [r["test"] for r in straight]
    weights = [Path(folder, "2", "model.safetensors").read_bytes() for folder in ("both", "straight")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["train", "tiny.tsp", "--init", "finetune"], "TSP0915", 2),
        (["train", "tiny.tsp"], "TSP0915", 2),
        (["train"], "TSP0915", 2),
        (["train", "--resume"], "TSP0915", 2),
        (["train", "run", "--init", "guess"], "TSP0915", 2),
        (["train", "run", "--set", "arch_lr=0.1"], "TSP0915", 2),
        (["train", "run", "--set", "epoch=1"], "TSP0915", 2),
        (["train", "run", "--param", "classes=4"], "TSP0915", 2),
        (["train", "run", "--seed", "1", "--seed", "1"], "TSP0915", 2),
        (["train", "run", "--out", "run"], "TSP0911", 1),
        (["train", "run", "--data", "nowhere"], "TSP0908", 1),
        (["train", "run", "--lr", "1e30"], "TSP0917", 1),
        (["train", "nowhere"], "TSP0913", 1),
        (["train", "--out", "nowhere", "--resume"], "TSP0911", 1),
        (["train", "run", "--arch", '{"width": 5, "depth": 1, "hidden": [4]}'], "TSP0905", 1),
        (["evaluate", "nowhere"], "TSP0911", 1),
        (["evaluate", "run", "--data", "nowhere"], "TSP0908", 1),
    ],
)
def test_what_can_go_wrong(run: Run, arguments: list[str], code: str, exit_code: int) -> None:
    result = run(*arguments, "--json")
    assert (codes(result)[0], result.exit_code) == (code, exit_code)


def test_a_training_is_neither_overwritten_nor_taken_for_a_search(run: Run, arch: str) -> None:
    run("train", "run", "--out", "mine", "--arch", arch)
    assert codes(run("train", "run", "--out", "mine", "--json")) == ["TSP0911"]
    for other in (["--epochs", "7"], ["--seed", "7"], ["--init", "retrain"], ["--arch", OTHER]):
        assert codes(run("train", "run", *other, "--out", "mine", "--resume", "--json")) == ["TSP0911"]
    assert codes(run("derive", "mine", "--json")) == ["TSP0911"]
    assert codes(run("train", "mine", "--json")) == ["TSP0911"]
    assert codes(run("evaluate", "mine", "--arch", arch, "--json")) == ["TSP0915"]
    assert codes(run("search", "tiny.tsp", "--out", "mine", "--resume", "--json")) == ["TSP0911"]


def test_only_the_first_process_speaks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    result = run("train", "run", *SHORT)
    assert (result.exit_code, result.stdout) == (0, "")


def test_processes_that_are_started_anew_find_their_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CompileError, match="already holds a run"):
        new_folder(home / "run")
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("TORCHELASTIC_RESTART_COUNT", "1")):
        monkeypatch.setenv(name, value)
    assert new_folder(home / "run") == home / "run"


@pytest.mark.parametrize("error", [fail("TSP0902", "no", "help"), BadOption("no", "help")])
def test_an_error_is_told_by_one_process_to_another(error: CompileError) -> None:
    told = pickle.loads(pickle.dumps(error))
    assert (type(told), told.diagnostics, str(told)) == (type(error), error.diagnostics, str(error))


def test_a_report_shows_searches(run: Run) -> None:
    run("train", "run", *SHORT)
    result = run("report", "run-finetune")
    assert result.exit_code == 1 and "trains architectures by themselves" in result.stderr
