"""Pages in a real browser: every plot is drawn, and no script fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("plotly")

from tanglec.cli.report import read_run
from tanglec.report import comparison_page, run_page
from tests.report.conftest import CELLS, Make
from tests.report.test_comparison import METHODS

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars --window-size=1200,3000 --virtual-time-budget=10000"
).split()

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser is installed")

Opened = Callable[..., str]
PLACE = r'<div class="plot[ "]'


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """`opened(page)`: the document as it stands when its scripts have run."""

    def dump(page: str, *flags: str) -> str:
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, path.as_uri()]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=180, env={**os.environ, "TZ": "UTC"}
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return dump


def check(dom: str) -> None:
    """All plots of a page are drawn, and nothing was complained of."""
    places = len(re.findall(PLACE, dom))
    assert places > 0
    assert re.search(r'<div id="errors" role="alert" hidden(="")?></div>', dom), "a script failed"
    assert f'data-drawn="{places}"' in dom
    plots = re.split(PLACE, dom)[1:]
    assert all('<svg class="main-svg"' in plot.split("</figure>")[0] for plot in plots)


def test_a_complete_run(complete: Path, opened: Opened) -> None:
    dom = opened(run_page(read_run(complete)), "--dump-dom")
    check(dom)
    assert 'class="scatterlayer' in dom and 'class="boxlayer' in dom


def test_a_run_that_has_just_begun(make: Make, opened: Opened) -> None:
    arch = {"op": ["conv_3x3", "none", "skip"]}
    check(opened(run_page(read_run(make(arch=arch, space=CELLS))), "--dump-dom"))


def test_a_comparison(opened: Opened) -> None:
    check(opened(comparison_page({"methods": METHODS}), "--dump-dom"))


def test_errors_of_scripts_are_seen(complete: Path, opened: Opened) -> None:
    """What the other tests rely on: a plot that cannot be drawn is told of in the page."""
    page = run_page(read_run(complete)).replace('id="curves-plot-data"', 'id="lost"')
    dom = opened(page, "--dump-dom")
    assert re.search(r'<div id="errors" role="alert"><p>.*null', dom)


def test_it_can_be_seen(complete: Path, opened: Opened, tmp_path: Path) -> None:
    """The screenshot has plots on it: a page without them takes a tenth of the bytes."""
    opened(run_page(read_run(complete)), f"--screenshot={tmp_path / 'page.png'}")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "page.png").stat().st_size > 50_000
