"""Latency tables: rows that add up, and what is wrong with a table."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tanglert.sample.enumeration import architectures
from tanglert.search import Budget, LatencyError, LatencyTable, Limit, RandomSearch, front
from tests import tiny
from tests.unit.test_samplers import MIXED, Mixed
from tests.unit.test_search_evolution import accuracy, additive, finish

LAYERS = """
position,width,depth,hidden,latency
# base
,,,,0.5
,4,,,1
,8,,,2
,16,,,4
,,,2,0.25
0,,,4,0.5
1,,,4,0.75
2,,,4,1.0
""".replace("# base\n", "").lstrip()


def table(tmp_path: Path, text: str) -> LatencyTable:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return LatencyTable.read(path, tiny.SPACE)


def test_the_rows_that_match_add_up(tmp_path: Path) -> None:
    latency = table(tmp_path, LAYERS)
    assert latency(tiny.Arch(4, 1, (2,))) == 0.5 + 1 + 0.25
    assert latency(tiny.Arch(16, 3, (4, 2, 4))) == 0.5 + 4 + 0.5 + 0.25 + 1
    assert latency(tiny.Arch(8, 2, (4, 4, 4))) == 0.5 + 2 + 0.5 + 0.75  # the absent layer costs nothing


def test_dimensions_that_meet_in_a_row(tmp_path: Path) -> None:
    rows = [
        f"{i},{w},,{h},{w * h}" for i, w, h in product(range(3), (4, 8, 16), (2, 4))
    ]  # a linear layer is as slow as it is large
    latency = table(tmp_path, "\n".join(["position,width,depth,hidden,latency", *rows]))
    assert latency(tiny.Arch(8, 2, (4, 2))) == 8 * 4 + 8 * 2


def test_a_table_of_whole_architectures(tmp_path: Path) -> None:
    archs = list(architectures(tiny.Arch))
    lines = ["width,depth,hidden[0],hidden[1],hidden[2],latency"]
    for number, arch in enumerate(archs):
        hidden = ",".join("" if h is None else str(h) for h in arch.hidden)
        lines.append(f"{arch.width},{arch.depth},{hidden},{number}")
    latency = table(tmp_path, "\n".join(lines))
    assert [latency(arch) for arch in archs] == list(range(42))
    with pytest.raises(LatencyError, match=r"table.csv: no row for width=16 at position 0, depth=3"):
        table(tmp_path, "\n".join(lines[:-1]))


def test_labels_truth_values_and_forbidden_choices(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "op,norm,width,latency\na,true,,1\na,false,,2\nb,,,3\nc,,,4\n,true,,0\n,false,,0\n"
        + "".join(f",,{width},0\n" for width in (8, 16, 4, 12, 2))
    )
    with pytest.raises(LatencyError, match=r"table.csv: no row for op=b at position 0, norm=True"):
        LatencyTable.read(path, MIXED)  # what is told apart for one operation is told apart for all
    path.write_text(
        "op,norm,width,latency\na,,,1\nb,,,3\nc,,,4\n,true,,0.5\n,FALSE,,0\n"
        + "".join(f",,{width},0\n" for width in (8, 16, 4, 12, 2))
    )
    with pytest.raises(LatencyError, match=r"table.csv:6: 'FALSE' is no choice of `norm`"):
        LatencyTable.read(path, MIXED)
    path.write_text(path.read_text().replace("FALSE", "false"))
    assert LatencyTable.read(path, MIXED)(Mixed("c", (4, 2), True)) == 4.5


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("hidden,", "hiden,", r":1: column `hiden` is no dimension of tiny; it has width, depth, hidden"),
        ("latency", "ms", r":1: column `ms` is no dimension"),
        ("depth,", "", r":1: no column for dimension `depth`; where it does not matter"),
        ("width,depth", "width,width", r":1: two columns `width`"),
        ("hidden,", "hidden[3],", r":1: column `hidden\[3\]`: `hidden` has 3 positions, from 0"),
        (",8,,,2", ",9,,,2", r":4: '9' is no choice of `width` \(choices: 4, 8, 16\)"),
        (",8,,,2", ",8,,,fast", r":4: latency 'fast' is no number of milliseconds"),
        (",8,,,2", ",8,,,-2", r":4: latency '-2' is no number"),
        (",8,,,2", ",8,,2", r":4: 4 cells under 5 columns"),
        (",8,,,2", "0,8,,,2", r":4: position 0 of what\?"),
        ("2,,,4,1.0", "3,,,4,1.0", r":9: position '3': `hidden` has 3 positions"),
        ("2,,,4,1.0", "1,,,4,1.0", r":9: the same choices as in line 8"),
        ("2,,,4,1.0", "2,,1,4,1.0", r":9: no architecture ever takes these choices"),
        (",8,,,2\n", "", r": no row for width=8 at position 0"),
        ("2,,,4,1.0", "", r": no row for hidden=4 at position 2"),
        (",,,2,0.25", "0,,,2,0.25", r": no row for hidden=2 at position 1"),
    ],
)
def test_what_is_wrong_with_a_table(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in LAYERS
    with pytest.raises(LatencyError, match=r"table\.csv" + message):
        table(tmp_path, LAYERS.replace(old, new, 1))


def test_positions_that_no_row_is_about(tmp_path: Path) -> None:
    text = "position,width,depth,hidden,latency\n0,,,2,1\n0,,,4,1\n1,,,2,1\n1,,,4,1\n"
    with pytest.raises(LatencyError, match="no row for `hidden` at position 2"):
        table(tmp_path, text)


def test_no_rows_no_text_no_file(tmp_path: Path) -> None:
    with pytest.raises(LatencyError, match="a table without any row"):
        table(tmp_path, LAYERS.splitlines()[0])
    with pytest.raises(LatencyError, match=":1: no column `latency`"):
        table(tmp_path, "")
    (tmp_path / "noise.csv").write_bytes(b"\xff\xfe\x00latency")
    with pytest.raises(LatencyError, match="noise.csv:1: this is no CSV text"):
        LatencyTable.read(tmp_path / "noise.csv", tiny.SPACE)
    with pytest.raises(FileNotFoundError):
        LatencyTable.read(tmp_path / "absent.csv", tiny.SPACE)


def test_it_limits_a_search_and_is_an_objective(tmp_path: Path) -> None:
    latency = table(tmp_path, LAYERS)
    budget = Budget(tiny, others={"max_latency": Limit(3.0, latency)})
    search = RandomSearch(tiny.Arch, tiny.Sampler(0), additive(tiny.SPACE, 0), accuracy, 1000, admit=budget)
    found = set(finish(search).history)
    assert found == {arch for arch in architectures(tiny.Arch) if latency(arch) <= 3}
    costs = [latency(arch) for arch in front(search, {"latency": latency})]
    assert costs == sorted(costs, reverse=True)
