"""Arguments, files and folders as nobody should give them: a message with a code, never a traceback."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import SPACE, Run, codes, python

SEARCH = ("search", "tiny.tsp", "--data", "images.npz", "--epochs", "1", "--batch-size", "16", "--json")


@pytest.fixture(autouse=True)
def images(home: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(home / "images.npz", x_train=x, y_train=np.arange(30) % 3, x_test=x, y_test=np.arange(30) % 3)


@pytest.fixture
def done(run: Run, home: Path) -> Path:
    """The folder of a complete run."""
    assert run(*SEARCH, "--out", "mine").exit_code == 0
    return home / "mine"


@pytest.mark.parametrize("text", ["[" * 900 + "]" * 900, '{"width": ' + "[" * 900 + "]" * 900 + "}"])
def test_an_architecture_nested_too_deeply(run: Run, text: str) -> None:
    assert codes(run("cost", "tiny.tsp", "--arch", text, "--json")) == ["TSP0906"]


def test_an_architecture_behind_a_byte_order_mark(run: Run, arch: str) -> None:
    assert run("cost", "tiny.tsp", "--arch", "\ufeff" + arch, "--json").exit_code == 0


@pytest.mark.parametrize("command", ["check", "derive"])
@pytest.mark.parametrize("name", ["n" * 300, "n" * 300 + ".tsp", "tiny.tsp/n"])
def test_names_that_no_system_has(run: Run, command: str, name: str) -> None:
    result = run(command, name)
    assert (result.exit_code, result.stderr.count("error[TSP09")) == (1, 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_space_from_a_pipe(run: Run, home: Path) -> None:
    os.mkfifo(home / "pipe")
    writer = threading.Thread(target=(home / "pipe").write_text, args=(SPACE,))
    writer.start()
    assert run("check", "pipe").exit_code == 0
    writer.join()


def test_names_that_are_no_text(home: Path) -> None:
    found = python(
        "import sys; sys.argv = ['tanglec', 'check', '\\udcff.tsp', '--format', 'json']\n"
        "from tanglec.cli.app import main; main()"
    )
    assert (found.returncode, codes(found), found.stderr) == (1, ["TSP0901"], "")


@pytest.mark.parametrize("value", ["1e400", "9" * 30, "٣", "nan", "0x10", "1_000", ""])
def test_params_that_are_no_numbers_of_use(run: Run, value: str) -> None:
    assert run("check", "tiny.tsp", "--param", f"classes={value}").exit_code in (1, 2)


def test_sizes_beyond_any_memory(run: Run, arch: str) -> None:
    huge = ("--param", "classes=1e15")
    assert run("inspect", "tiny.tsp", "--param", "classes=1e99").exit_code == 0
    assert codes(run("derive", "tiny.tsp", "--arch", arch, *huge, "--json")) == ["TSP0915"]
    assert codes(run(*SEARCH, *huge)) == ["TSP0916"]


def test_json_is_one_object(run: Run) -> None:
    assert codes(run("compile", "tiny.tsp", "--check", "--format", "json")) == ["TSP0914"]
    assert codes(run("compile", "tiny.tsp", "--diff", "--format", "json")) == ["TSP0915"]


@pytest.mark.parametrize(
    ("options", "exit_code"),
    [
        (["--lr", "inf"], 2),
        (["--device", "meta"], 2),
        (["--device", "hpu"], 2),
        (["--data", "~no-such-user/x"], 1),
        (["--data", ""], 1),
    ],
)
def test_options_of_a_search(run: Run, options: list[str], exit_code: int) -> None:
    result = run(*SEARCH, *options)
    assert (result.exit_code, len(codes(result))) == (exit_code, 1)


@pytest.mark.parametrize(
    ("network", "code"),
    [
        ("linear(flatten(image), 3)", "TSP0918"),
        ("linear(linear(flatten(image), width), 3), linear(flatten(image), 2)", "TSP0918"),
    ],
)
def test_networks_without_a_search(run: Run, home: Path, network: str, code: str) -> None:
    dim = "dim width: 4 | 8\n" if "width" in network else ""
    text = f"space tiny\ninput image: pixels(1, 8, 8)\n{dim}network:\n    return {network}\n"
    (home / "tiny.tsp").write_text(text, encoding="utf-8")
    assert codes(run(*SEARCH)) == [code]


def test_a_batch_of_one_with_batch_norms(run: Run, home: Path) -> None:
    text = SPACE.replace("conv(image", "batch_norm(conv(image").replace("padding=0)", "padding=0))")
    (home / "tiny.tsp").write_text(text, encoding="utf-8")
    assert codes(run(*SEARCH, "--batch-size", "1")) == ["TSP0915"]


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"{}", b"null", b'{"options": [1], "data": 3}'])
@pytest.mark.parametrize("name", ["config.json", "space.json", "result.json"])
def test_damaged_records(run: Run, done: Path, name: str, text: bytes) -> None:
    (done / name).write_bytes(text)
    assert codes(run("search", "tiny.tsp", "--out", "mine", "--resume", "--json")) == ["TSP0911"]


@pytest.mark.parametrize("option", [{"foo": 1}, {"lr": "x"}, {"epochs": -1}])
def test_damaged_options(run: Run, done: Path, option: dict[str, Any]) -> None:
    config = json.loads((done / "config.json").read_text())
    config["options"] |= option
    (done / "config.json").write_text(json.dumps(config))
    assert codes(run("search", "tiny.tsp", "--out", "mine", "--resume", "--json")) == ["TSP0915"]


def test_damaged_metrics_are_cut_to_whole_lines(run: Run, done: Path) -> None:
    whole = (done / "metrics.jsonl").read_bytes()
    (done / "result.json").unlink()
    (done / "metrics.jsonl").write_bytes(whole[:-20] + b"\xff")
    assert run("search", "tiny.tsp", "--out", "mine", "--resume", "--json").exit_code == 0
    for line in (done / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line)


def test_the_data_may_move_but_not_change(run: Run, home: Path, done: Path) -> None:
    (done / "result.json").unlink()
    (home / "images.npz").rename(home / "moved.npz")
    resume = ("search", "tiny.tsp", "--out", "mine", "--resume", "--json")
    assert codes(run(*resume)) == ["TSP0908"]
    assert run(*resume, "--data", "moved.npz").exit_code == 0
    arrays = dict(np.load(home / "moved.npz"))
    np.savez(home / "images.npz", **{**arrays, "x_test": arrays["x_test"][::-1]})
    result = run(*resume)
    assert codes(result) == ["TSP0911"] and "images.npz has changed since the run" in result.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["['tanglec', 'spaces']", "['tanglec', '--version']"])
def test_output_on_a_full_disk(home: Path, command: str) -> None:
    found = python(
        f"import os, sys; sys.argv = {command}; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
        "from tanglec.cli.app import main; main()"
    )
    message = "tanglec: the output cannot be written: no space left on device\n"
    assert (found.returncode, found.stderr) == (1, message)


def test_output_that_nobody_wants(home: Path) -> None:
    found = python(
        "import sys; sys.stdout = None; sys.argv = ['', 'spaces']\nfrom tanglec.cli.app import main; main()"
    )
    assert (found.returncode, found.stderr) == (0, "")
