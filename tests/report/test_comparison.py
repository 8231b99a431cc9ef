"""The page that compares methods: its table, its curves, what it refuses."""

from __future__ import annotations

import pytest

pytest.importorskip("plotly")

from tanglec.report import BrokenRecord, comparison_page
from tanglec.report.comparison import Method, _band
from tests.report.test_run_page import plots

SEED = {"seed": 0, "metric": 0.5, "seconds": 60.0, "memory": 100 * 2**20, "params": 1000, "macs": 5000}
METHODS = {
    "drnas": [
        {**SEED, "curve": [[1, 0.2], [3, 0.6]]},
        {**SEED, "seed": 1, "metric": 0.7, "curve": [[2, 0.4]]},
    ],
    "<b>spos</b>": [{**SEED, "metric": 0.4}],
}


def test_a_table_and_two_figures() -> None:
    page = comparison_page({"methods": METHODS, "space": "tiny"})
    assert list(plots(page)) == ["any-time", "seeds"]
    assert "0.6 ± 0.14" in page and "5,000" in page and "60.0 s" in page and ">100<" in page
    assert '<tr class="best"><th scope="row">drnas</th>' in page


def test_names_of_methods_are_no_markup() -> None:
    page = comparison_page({"methods": METHODS})
    assert "<b>spos" not in page and "&lt;b&gt;spos" in page


def test_less_may_be_better() -> None:
    page = comparison_page({"methods": METHODS, "metric": "perplexity"})
    assert "Less perplexity is better" in page
    assert '<tr class="best"><th scope="row">&lt;b&gt;spos' in page


def test_curves_are_steps_on_the_times_of_all_seeds() -> None:
    method = Method("m", "#000000", METHODS["drnas"])
    low, high, mean = _band(method, method.curves())
    assert mean["x"] == [2, 3]  # from where both seeds have one
    assert (low["y"], high["y"], mean["y"]) == ([0.2, 0.4], [0.4, 0.6], pytest.approx([0.3, 0.5]))


def test_what_a_seed_lacks_is_left_out() -> None:
    page = comparison_page({"methods": {"a": [{"seed": 0}], "b": []}})
    assert not plots(page) and "–" in page and "memory" not in page.split("<footer")[0]


@pytest.mark.parametrize("given", [{}, {"methods": [1]}, {"methods": {"a": [3]}}, {"methods": {"a": 3}}])
def test_other_forms_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(BrokenRecord):
        comparison_page(given)
