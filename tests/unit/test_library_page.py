"""Every block of Python on the page about the library runs, on a few images of the shipped ones."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import tanglert.data  # noqa: E402
from tanglec.api import compile_file  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
LOOP, DERIVING, SPOS, READY_MADE, OWN_DATA = BLOCKS


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """Runs blocks one after another, in a folder that holds the generated module."""
    for name, text in compile_file("vit_mini").files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    load = tanglert.data.load

    def few(*given: Any) -> Any:
        data = load(*given)
        train, test = data.train.subset(torch.arange(100)), data.test.subset(torch.arange(40))
        return replace(data, train=train, test=test)

    monkeypatch.setattr(tanglert.data, "load", few)

    def execute(*blocks: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        torch.manual_seed(0)
        for block in blocks:
            exec(compile(block, "docs/library.md", "exec"), names)
        return names

    yield execute
    sys.modules.pop("vit_mini", None)


def test_the_loop_learns_alphas_and_the_network_is_the_subnet(
    run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    names = run(LOOP, DERIVING)
    assert all(alpha.abs().max() > 0.01 for alpha in names["alphas"].values.values())
    x, _ = names["valid"].batch(torch.arange(4))
    for network in (names["network"], names["supernet"]):
        network.eval()
    torch.testing.assert_close(names["network"](x), names["supernet"](x, names["arch"]), atol=1e-5, rtol=1e-4)
    assert (tmp_path / "inherited.pt").exists()


def test_the_loop_has_twenty_lines() -> None:
    assert len([line for line in LOOP.splitlines() if line]) <= 22  # five of them imports


def test_sampled_subnets(run: Callable[..., dict[str, Any]]) -> None:
    names = run(SPOS)
    assert len(names["search"].history) == 30


def test_the_whole_search(run: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    result = run(READY_MADE)["result"]
    assert (tmp_path / "runs/mine/result.json").exists() and len(result.random) == 5


def test_data_of_ones_own(run: Callable[..., dict[str, Any]]) -> None:
    names = run(OWN_DATA)
    x, y = names["data"].train.batch(torch.arange(3))
    assert names["vit_mini"].Supernet()(x, names["vit_mini"].Sampler(0)()).shape == (3, 10)
