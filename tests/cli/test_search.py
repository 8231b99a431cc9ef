"""`tanglec search` and `derive` on a small space and random images."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.cli.conftest import SPACE, Run, codes, python
from tests.cli.images import SHORT, write_images


@pytest.fixture(autouse=True)
def images(home: Path) -> None:
    write_images(home)


def network(path: Path) -> torch.nn.Module:
    """The stand-alone model at a path, with its weights."""
    names: dict[str, object] = {"__name__": "standalone"}
    text = path.read_text(encoding="utf-8")
    assert "tanglert" not in text and "import tanglec" not in text
    exec(compile(text, str(path), "exec"), names)
    model: torch.nn.Module = names["Network"]()  # type: ignore[operator]
    model.load_state_dict(load_file(path.with_suffix(".safetensors")))
    return model


@pytest.mark.parametrize("optimizer", ["darts", "gdas", "drnas", "spos", "fairnas", "sandwich"])
def test_a_search_leaves_everything_in_its_folder(run: Run, home: Path, optimizer: str) -> None:
    result = run("search", "tiny.tsp", "--optimizer", optimizer, *SHORT, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    folder = home / "runs" / f"tiny-{optimizer}"
    assert all((home / path).is_file() for path in found["files"].values())
    assert json.loads((folder / "architecture.json").read_text()) == found["architecture"]
    model = network(folder / "model.py")
    assert sum(p.numel() for p in model.parameters()) == found["params"]
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 3)


def test_the_second_order(run: Run, home: Path) -> None:
    result = run("search", "tiny.tsp", "--optimizer", "darts", "--order", "2", *SHORT, "--out", "mine")
    assert result.exit_code == 0, result.stderr
    assert json.loads((home / "mine" / "config.json").read_text())["options"]["order"] == 2


def test_a_run_is_not_overwritten_but_resumed(run: Run, home: Path) -> None:
    first = run("search", "tiny.tsp", *SHORT, "--out", "mine")
    assert first.exit_code == 0 and "mine/model.py" in first.stdout
    again = run("search", "tiny.tsp", *SHORT, "--out", "mine", "--json")
    assert (again.exit_code, codes(again)) == (1, ["TSP0911"])
    assert run("search", "tiny.tsp", "--out", "mine", "--resume").exit_code == 0


def test_a_run_is_resumed_with_its_own_options(run: Run, home: Path) -> None:
    run("search", "tiny.tsp", *SHORT, "--out", "mine", "--param", "classes=3")
    assert codes(run("search", "tiny.tsp", "--out", "mine", "--resume", "--epochs", "2", "--json")) == [
        "TSP0911"
    ]
    other = run("search", "tiny.tsp", "--out", "mine", "--resume", "--param", "classes=4", "--json")
    assert codes(other) == ["TSP0909"]
    (home / "tiny.tsp").write_text(
        (home / "tiny.tsp").read_text().replace("4 | 8", "4 | 6"), encoding="utf-8"
    )
    assert codes(run("search", "tiny.tsp", "--out", "mine", "--resume", "--json")) == ["TSP0909"]
    assert codes(run("search", "tiny.tsp", "--out", "nowhere", "--resume", "--json")) == ["TSP0911"]


def test_a_stopped_run_says_how_to_go_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import tanglert.train

    def stopped(*args: object, **kwargs: object) -> None:
        raise tanglert.train.Interrupted("stopped in epoch 1; the run is saved in runs/tiny-drnas")

    monkeypatch.setattr(tanglert.train, "run_search", stopped)
    monkeypatch.setattr(sys, "argv", ["tanglec", "search", "tiny.tsp"])
    result = run("search", "tiny.tsp", *SHORT)
    assert result.exit_code == 130
    assert "tanglec search tiny.tsp --resume" in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "exit_code"),
    [
        (["--data", "nowhere"], "TSP0908", 1),
        (["--data", "tiny.tsp"], "TSP0908", 1),
        (["--epochs", "-1"], "TSP0915", 2),
        (["--optimizer", "adam"], "TSP0915", 2),
        (["--optimizer", "gdas", "--order", "2"], "TSP0915", 2),
        (["--optimizer", "darts", "--order", "3"], "TSP0915", 2),
        (["--device", "abacus"], "TSP0915", 2),
        (["--out", "tiny.tsp"], "TSP0902", 1),
    ],
)
def test_what_can_go_wrong(run: Run, options: list[str], code: str, exit_code: int) -> None:
    result = run("search", "tiny.tsp", "--data", "images.npz", *options, "--json")
    assert (codes(result), result.exit_code) == ([code], exit_code)


def test_derive_from_a_run(run: Run, home: Path, arch: str) -> None:
    run("search", "tiny.tsp", *SHORT, "--out", "mine")
    result = run("derive", "mine", "-o", "found.py")
    assert result.exit_code == 0, result.stderr
    assert (home / "found.py").read_bytes() == (home / "mine" / "model.py").read_bytes()
    assert (home / "found.safetensors").read_bytes() == (home / "mine" / "model.safetensors").read_bytes()
    assert run("derive", "mine", "--arch", arch, "-o", "other.py").exit_code == 0
    assert network(home / "other.py")(torch.zeros(1, 1, 8, 8)).shape == (1, 3)


CONV = SPACE.replace("conv(image", "batch_norm(conv(image").replace("padding=0)", "padding=0))")


def test_batch_norms_of_another_architecture(run: Run, home: Path) -> None:
    """They get its statistics, from the data of the run; without the data, the message says that they do not."""
    (home / "tiny.tsp").write_text(CONV, encoding="utf-8")
    found = json.loads(run("search", "tiny.tsp", *SHORT, "--out", "mine", "--json").stdout)["architecture"]
    assert "recalibrated" not in run("derive", "mine", "-o", "found.py").stdout
    other = json.dumps({**found, "width": 12 - found["width"]})
    result = run("derive", "mine", "--arch", other, "-o", "other.py")
    assert "batch norms recalibrated for this architecture" in result.stdout
    images = torch.from_numpy(np.load(home / "images.npz")["x_train"]).float()[:, None]
    x = (images - images.mean()) / images.std(correction=0)
    model = network(home / "other.py").eval()
    seen = model.conv(x)  # type: ignore[operator]
    norm = model.get_submodule("batch_norm")
    torch.testing.assert_close(norm.running_mean, seen.mean((0, 2, 3)), atol=0.1, rtol=0.1)  # type: ignore[arg-type]

    (home / "images.npz").rename(home / "elsewhere.npz")
    told = json.loads(run("derive", "mine", "--arch", other, "-o", "other.py", "--json").stdout)
    assert "batch norms NOT recalibrated for this architecture: no data at images.npz" in told["about"]


def test_derive_from_a_broken_run(run: Run, home: Path) -> None:
    run("search", "tiny.tsp", *SHORT, "--out", "mine")
    for file in (home / "mine").glob("checkpoint.pt*"):
        file.write_bytes(file.read_bytes()[:100])
    assert "TSP0910" in run("derive", "mine").stderr
    assert "TSP0911" in run("derive", ".").stderr
    assert not (home / "model.py").exists()


def test_derive_from_a_space(run: Run, home: Path, arch: str) -> None:
    result = run("derive", "tiny.tsp", "--arch", arch)
    assert result.exit_code == 0 and "fresh weights" in result.stdout
    assert network(home / "model.py")(torch.zeros(1, 1, 8, 8)).shape == (1, 3)
    assert run("derive", "tiny.tsp").exit_code == 2


def test_without_torch(home: Path) -> None:
    found = python(
        "import sys; sys.modules['torch'] = None\n"
        "from tanglec.cli.app import app; app(['search', 'tiny.tsp', '--json'])"
    )
    assert (found.returncode, codes(found), found.stderr) == (1, ["TSP0912"], "")
