"""`tanglec compare`: methods x seeds, each run once, in one table."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tanglec.cli.processes import STOPPED, Processes
from tanglec.comparison import Method, MethodError, read_outcome, rows
from tests.cli.conftest import Run, codes
from tests.cli.images import write_images

SETS = ("--data", "images.npz", "--set", "epochs=1", "--set", "batch_size=16", "--set", "evaluations=4")


@pytest.fixture(autouse=True)
def files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(home)
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), str(root / "runtime")]))


def test_methods_by_seeds(run: Run, home: Path) -> None:
    """Every run is one of `search`; a second strategy takes the supernet of the first; nothing runs twice."""
    arguments = (
        "compare",
        "tiny.tsp",
        "--methods",
        "drnas,spos+evolution",
        "--seeds",
        "0,1",
        *SETS,
        "--jobs",
        "2",
    )
    result = run(*arguments, "--out", "both")
    assert result.exit_code == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[3:6]] == [
        "method",
        "drnas",
        "spos+evolution",
    ]
    record = json.loads((home / "both" / "compare.json").read_text())
    assert [o["seed"] for o in record["methods"]["spos+evolution"]] == [0, 1]
    outcome = read_outcome(home / "both/spos+evolution-0", 0, home / "both/spos-0")
    alone = read_outcome(home / "both/spos+evolution-0", 0)
    assert outcome.seconds > alone.seconds  # with the time of training the supernet
    assert [value for _, value in outcome.curve] == sorted(value for _, value in outcome.curve)
    logs = {path: path.stat().st_mtime_ns for path in (home / "both").glob("*.log")}
    assert len(logs) == 6
    assert run(*arguments, "--out", "both").stdout == result.stdout
    assert logs == {path: path.stat().st_mtime_ns for path in (home / "both").glob("*.log")}


def test_a_run_that_fails(run: Run, home: Path) -> None:
    """The others run, and the message says what it said."""
    result = run("compare", "tiny.tsp", "--methods", "dart,spos", "--seeds", "0", *SETS, "--json")
    assert codes(result) == ["TSP0920"]
    assert "optimizer is one of" in result.stdout
    assert (home / "runs/tiny-compare/spos-0/result.json").is_file()


def test_means_and_deviations(run: Run, home: Path) -> None:
    from dataclasses import replace

    run("search", "tiny.tsp", "--data", "images.npz", "--epochs", "1", "--out", "one")
    one = replace(read_outcome(home / "one", 0), metric=0.5, trained=0.75)
    row, lone = rows({"a": [one, replace(one, metric=0.75, trained=None)], "b": [one]})
    assert (row.metric, row.deviation, row.trained, row.trained_deviation) == (
        0.625,
        0.125 * 2**0.5,
        0.75,
        None,
    )
    assert lone.deviation is None


@pytest.mark.parametrize("text", ["", "+x", "spos+", "spos:", "a b"])
def test_what_is_no_method(text: str) -> None:
    with pytest.raises(MethodError):
        Method.read(text)


def test_a_method_with_options() -> None:
    method = Method.read("sandwich+evolution:subnets=4,lr=0.1")
    assert method.options() == ["optimizer=sandwich", "strategy=evolution", "subnets=4", "lr=0.1"]
    assert method.base == Method.read("sandwich:subnets=4,lr=0.1")
    assert method.folder == "sandwich+evolution-subnets-4-lr-0.1"


def test_seeds_that_are_none(run: Run) -> None:
    assert codes(run("compare", "tiny.tsp", "--seeds", "a", "--json")) == ["TSP0915"]


def test_what_is_named_twice_counts_once(run: Run) -> None:
    twice = ("--methods", "spos,spos", "--seeds", "0,0", *SETS, "--out", "twice")
    record = json.loads(run("compare", "tiny.tsp", *twice, "--json").stdout)
    assert [len(outcomes) for outcomes in record["methods"].values()] == [1]


def test_complete_runs_of_another_comparison_are_not_shown(run: Run, home: Path) -> None:
    """Neither with other options nor of another text of the space; the same ones are."""
    given = ("compare", "tiny.tsp", "--methods", "spos+evolution", "--seeds", "0", *SETS, "--out", "kept")
    assert run(*given).exit_code == 0
    other = run(*given, "--set", "epochs=2", "--json")
    assert codes(other) == ["TSP0911"] and "epochs 1, not 2" in other.stdout
    assert codes(run(*given, "--param", "classes=4", "--json")) == ["TSP0911"]
    (home / "tiny.tsp").write_text((home / "tiny.tsp").read_text().replace("4 | 8", "4 | 8 | 12", 1))
    assert codes(run(*given, "--json")) == ["TSP0911"]


def test_a_failure_after_the_first_words(run: Run) -> None:
    """What is told is the error, not the progress before it."""
    wild = ("--set", "lr=1e30", "--set", "clip=1e30")
    result = run("compare", "tiny.tsp", "--methods", "spos", "--seeds", "0", *SETS, *wild)
    assert "error[TSP0917]" in result.stderr


def test_a_stop_before_a_run_has_begun(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A process that the signal ends at once, with nothing to save yet, was stopped: it did not fail."""

    class Stopped(Processes):
        def _one(self, folder: Path, arguments: Sequence[str], total: int) -> int:
            if not self.stopping.is_set():
                threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
            return super()._one(folder, arguments, total)

    codes = Stopped(1).run({home / "a": ["search", "vit_mini"], home / "b": ["search", "vit_mini"]})
    assert list(codes.values()) == [STOPPED, STOPPED]
    assert "FAILED" not in capsys.readouterr().err


def test_a_recipe_of_training_that_is_not_there(run: Run, home: Path) -> None:
    """Is told before anything is searched."""
    (home / "tiny.toml").write_text("[short]\nepochs = 1\n")
    assert codes(run("compare", "tiny.tsp", *SETS, "--train", "shrt", "--json")) == ["TSP0919"]
    assert not (home / "runs").exists()
