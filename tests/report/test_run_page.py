"""The page of a run as text: what is on it, complete or not, and that nothing from outside becomes markup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("plotly")
import plotly.graph_objects as go

from tanglec.cli.report import read_run
from tanglec.diagnostics import CompileError
from tanglec.report import BrokenRecord, Run, run_page
from tanglec.report.rankings import unbeaten
from tanglec.report.record import read_lines, running_best
from tests.report.conftest import ARCH, CELLS, CONFIG, LAYERS, RESULT, Make, epoch, learned


def plots(page: str) -> dict[str, go.Figure]:
    """The plots of a page by their ids, read back and judged by plotly itself."""
    found = re.findall(r'<script type="application/json" id="(.*?)-plot-data">(.*?)</script>', page)
    return {name: go.Figure(json.loads(text)) for name, text in found}


def headings(page: str) -> list[str]:
    return re.findall(r"<h2[^>]*>(.*?)</h2>", page)


def test_a_complete_run_has_all_sections(complete: Path) -> None:
    page = run_page(read_run(complete))
    assert headings(page) == [
        "Figures", "The architecture that was found", "Outcome", "Architecture", "Cost", "Search", "Training",
        "Choices over time", "Options and environment",
    ]  # fmt: skip
    assert list(plots(page)) == [
        "random", "costs", "search-nsga-ii", "front-nsga-ii", "curves", "choices-width", "choices-depth", "choices-hidden",
    ]  # fmt: skip
    assert "no random one is better" not in page and "1 random one is better" in page
    assert "penalty.macs" in page and "9.9" in page


def test_every_figure_is_listed_and_described(complete: Path) -> None:
    page = run_page(read_run(complete))
    ids = re.findall(r'<figure id="(.*?)"', page)
    assert re.findall(r'<li><span>Figure \d+</span><a href="#(.*?)">', page) == ids
    described = re.findall(r'role="img" aria-label="(.+?)"', page)
    assert len(described) == len(plots(page)) and all(described)


def test_the_page_needs_no_network(complete: Path) -> None:
    page = run_page(read_run(complete))
    assert not re.search(r"<(script|link|img)[^>]*\b(src|href)=\"(?!data:)", page)


def test_probabilities_have_a_panel_for_each_position(complete: Path) -> None:
    figure = plots(run_page(read_run(complete)))["choices-hidden"]
    assert [a.text for a in figure.layout.annotations] == ["1: 8", "2: absent"]
    assert [list(t.y) for t in figure.data[:2]] == [
        pytest.approx([0.4, 0.3, 0.2]),
        pytest.approx([0.6, 0.7, 0.8]),
    ]


def test_a_run_of_sampling_has_no_probabilities(make: Make) -> None:
    line = {k: v for k, v in epoch(1, ARCH, {}).items() if k not in ("probabilities", "arch")}
    assert not any(name.startswith("choices") for name in plots(run_page(read_run(make([line])))))


def test_probabilities_of_another_shape_are_left_out(make: Make) -> None:
    page = run_page(read_run(make([epoch(1, ARCH, {**learned(1), "hidden": [[1.0]]})])))
    assert "choices-width-plot" in page and "choices-hidden-plot" not in page


def test_lists_of_unequal_length_are_padded(make: Make) -> None:
    space = LAYERS.replace("hidden per layer: 4 | 8", "hidden per layer: 4 | 8 | 12, 4 | 8")
    line = epoch(1, ARCH, {"hidden": [[0.2, 0.3, 0.5], [0.4, 0.6, 0.0]]})
    figure = plots(run_page(read_run(make([line], space=space))))["choices-hidden"]
    assert [(t.name, t.y[0]) for t in figure.data] == [
        ("4", 0.2), ("8", 0.3), ("12", 0.5), ("4", 0.4), ("8", 0.6),
    ]  # fmt: skip


def test_costs_lie_in_the_range_of_the_space(complete: Path) -> None:
    figure = plots(run_page(read_run(complete)))["costs"]
    for axis in ("x", "x2"):
        space, others, found = (t.x for t in figure.data if t.xaxis == axis)
        assert space[0] <= min(*others, *found) and max(*others, *found) <= space[1]


def test_the_network_is_drawn_from_input_to_output(complete: Path) -> None:
    page = run_page(read_run(complete))
    table = page[page.index('<table class="network"') : page.index("</table>")]
    assert re.findall(r'<tr class="(\w+)"><th[^>]*>(\w+)</th>', table) == [
        ("operation", "conv"), ("operation", "to_tokens"), ("block", "layer"), ("absent", "layer"),
        ("operation", "layer_norm"), ("operation", "mean"), ("operation", "linear"),
    ]  # fmt: skip
    assert "tokens 4 × 4" in table and "vector 3" in table


def test_cells_are_drawn_with_the_operations_of_their_edges(make: Make) -> None:
    arch = {"op": ["conv_3x3", "none", "skip"]}
    page = run_page(read_run(make(arch=arch, space=CELLS)))
    svg = page[page.index('<svg class="cell"') : page.index("</svg>")]
    assert "Block cell, 2 times" in page
    assert re.findall(r"<title>(.*?)</title>", svg) == ["conv_3x3", "skip"]
    assert "1 edge that carries zeros or is not kept is left out." in page


def test_a_run_that_has_just_begun(make: Make) -> None:
    page = run_page(read_run(make()))
    assert "incomplete: 0 of 3 epochs trained" in page
    assert "There is none yet" in page and not plots(page)


def test_a_run_that_goes_on(make: Make) -> None:
    folder = make([epoch(1, ARCH, learned(1))], arch=ARCH)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "epo')  # being written
    page = run_page(read_run(folder))
    assert "incomplete: 1 of 3 epochs trained" in page and "1 line of" in page
    assert "The architecture that the search would give now" in page
    assert {"costs", "curves", "choices-width"} <= set(plots(page))


def test_values_that_are_no_numbers_are_not_drawn(make: Make) -> None:
    lines = [epoch(1, ARCH, {}), {**epoch(2, ARCH, {}), "valid_loss": float("nan"), "train_loss": None}]
    curves = plots(run_page(read_run(make(lines))))["curves"]
    assert [len(t.x) for t in curves.data] == [1, 1, 2, 2]


HOSTILE = "</script><script>alert(1)</script><b onmouseover='x'>&amp;\u2028"


def test_nothing_from_outside_becomes_markup(make: Make) -> None:
    title = HOSTILE.replace("\u2028", "")
    line = {**epoch(1, ARCH, learned(1)), HOSTILE: 1.0}
    ranked = {"kind": HOSTILE, "arch": ARCH, "accuracy": 0.5, "loss": 1.0}
    config = {**CONFIG, "data": HOSTILE, "options": {HOSTILE: HOSTILE, "optimizer": HOSTILE}}
    page = run_page(read_run(make([line, ranked], space=LAYERS.replace("TITLE", title), config=config)))
    assert "<script>alert" not in page and "<b onmouseover" not in page
    assert (
        "\\u003cscript\\u003ealert" not in page
    )  # in a plot it is escaped for plotly too, which knows markup of its own
    assert "&lt;script&gt;alert(1)" in page
    plots(page)


def test_a_result_of_another_form_is_refused(make: Make) -> None:
    with pytest.raises(BrokenRecord, match="metric"):
        run_page(read_run(make(result={"architecture": ARCH})))


def test_an_architecture_of_another_space_is_refused(make: Make) -> None:
    run = read_run(make(result={**RESULT, "architecture": {**ARCH, "width": 5}}))
    with pytest.raises(CompileError):
        run_page(run)


def test_the_same_run_gives_the_same_page(complete: Path) -> None:
    assert run_page(read_run(complete)) == run_page(read_run(complete))


def test_the_metric_of_an_incomplete_run(make: Make) -> None:
    run = read_run(make())
    text = Run(
        "", run.space, {}, [{"kind": "epoch", "epoch": 1, "valid_perplexity": 3.0, "valid_accuracy": 0.1}]
    )
    assert (text.metric, text.higher) == ("perplexity", False)


def test_lines_that_are_no_objects_are_counted() -> None:
    assert read_lines('{"a": 1}\n[2]\n\n{"b"') == ([{"a": 1}], 2)


def test_running_best() -> None:
    assert running_best([3, 1, 4], higher=True) == [3, 3, 4]
    assert running_best([3, 1, 4], higher=False) == [3, 1, 1]


def test_the_front() -> None:
    good, cheap, beaten = (
        {"accuracy": 0.9, "params": 9, "macs": 9},
        {"accuracy": 0.5, "params": 1, "macs": 9},
        {"accuracy": 0.5, "params": 2, "macs": 9},
    )
    assert unbeaten([good, cheap, beaten], "accuracy", True) == [good, cheap]
