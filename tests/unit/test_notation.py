"""The field's notations: what can be pasted, what is written, and where a mistake is shown."""

from __future__ import annotations

import json
from collections import namedtuple
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanglec.architecture import read_architecture, show_architecture
from tanglec.diagnostics import Sink
from tanglec.driver import Options, analyse
from tanglec.ir.nodes import Space
from tanglec.library import find_space, libraries_for
from tanglec.notation import looks_like_text, written
from tanglec.render import render
from tanglec.source import Source
from tests.published import DARTS_PTB_V2, DARTS_V2, TANGLENAS
from tests.spacetext import compiled, refused

CELL = """
space small_cell
input image: pixels(3, 6, 6)
dim op per edge of cell: none | skip | conv
block edge(x):
    return choose op:
        none: zero(x)
        skip: x
        conv: conv(x, width(x), kernel=3)
block cell(x):
    nodes = dag([x], nodes=2, edge=edge)
    return nodes[2]
network:
    x = conv(image, 4, kernel=1)
    repeat 2:
        x = cell(x)
    return linear(global_pool(x), 3)
"""

KEPT = """
space small_darts
input image: pixels(3, 6, 6)
dim op per edge of normal, other: none | skip | conv
require op != none
block edge(x):
    return choose op:
        none: zero(x)
        skip: x
        conv: conv(x, width(x), kernel=3)
block normal(x):
    return concat(dag([x, conv(x, 4, kernel=1)], nodes=3, edge=edge, keep=2)[2..4])
block other(x):
    return dag([x, conv(x, 4, kernel=1)], nodes=2, edge=edge, keep=1)[3]
network:
    x = normal(conv(image, 4, kernel=1))
    return linear(global_pool(other(conv(x, 4, kernel=1))), 3)
"""

NAMED = """
space named
input tokens: tokens(4, 8)
dim width: 8 | 16
dim height: 8 | 16
dim depth: 1 | 2 | 3
dim ratio per layer: 0.5 | 1 | 2
notation paper: sizes=[width, height], mlp_ratio=ratio
notation code: num_layers=depth
block layer(x):
    return x + linear(relu(linear(x, width * ratio)), 8)
network:
    x = linear(linear(tokens, height), 8)
    repeat depth:
        x = layer(x)
    return linear(mean(x), 2)
"""

MACRO = """
space macro
input tokens: tokens(4, 8)
dim op per layer: skip | small | large
block layer(x):
    return choose op:
        skip: x
        small: linear(x, 8)
        large: linear(relu(linear(x, 16)), 8)
network:
    x = tokens
    repeat 4:
        x = layer(x)
    return linear(mean(x), 2)
"""


@cache
def space(name: str) -> Space:
    """A shipped space by its name, or one of the texts above."""
    if name in globals():
        return compiled(globals()[name])
    source = find_space(name)
    sink = Sink()
    found = analyse(source, libraries_for(Path(source.path)), Options({}), sink)
    assert found is not None, render(sink.diagnostics)
    return found


def read(text: Any, name: str) -> dict[str, Any]:
    """The canonical object of a text that is an architecture."""
    sink = Sink()
    assignment = read_architecture(text, space(name), sink)
    assert assignment is not None, render(sink.diagnostics)
    return show_architecture(space(name), assignment)


def write(text: Any, name: str) -> dict[str, str]:
    sink = Sink()
    assignment = read_architecture(text, space(name), sink)
    assert assignment is not None, render(sink.diagnostics)
    return written(space(name), assignment)


def complaints(text: str, name: str) -> list[tuple[str, str]]:
    """Code and marked text of every error."""
    sink = Sink()
    assert read_architecture(text, space(name), sink) is None
    return [(d.code, d.span.text if d.span else "") for d in sink.diagnostics]


# --- published architectures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", TANGLENAS)
def test_the_architectures_of_tanglenas_can_be_pasted(what: str) -> None:
    name, text, expected = TANGLENAS[what]
    assert read(text, name) == expected


@pytest.mark.parametrize("name", sorted({name for name, _, _ in TANGLENAS.values()}))
def test_they_are_written_as_they_were_published(name: str) -> None:
    for text, expected in ((t, e) for n, t, e in TANGLENAS.values() if n == name):
        texts = write(text, name)
        assert {"tanglenas", "genotype"} & set(texts)
        assert all(read(t, name) == expected for t in texts.values())


def test_a_bracket_that_the_paper_forgot() -> None:
    text = "mlp_ratio:[3.5,4,4], num_heads:[4,4,4, depth: 14"
    sink = Sink()
    assert read_architecture(text, space("autoformer_t"), sink) is None
    assert [(d.code, d.span and d.span.start, d.text) for d in sink.diagnostics] == [
        ("TSP0906", text.index("depth"), "`]` is missing before this")
    ]


def test_darts() -> None:
    found = read(DARTS_V2, "darts")
    assert found["keep"]["normal"] == ["0+1", "0+1", "0+1", "0+2"]
    assert found["keep"]["reduce"] == ["0+1", "1+2", "0+2", "1+2"]
    assert found["op"]["normal"][:5] == ["sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3", None]
    [text] = write(DARTS_V2, "darts").values()
    assert text.startswith("Genotype(normal=[('sep_conv_3x3', 0), ") and "reduce_concat=range(2, 6)" in text


def test_recurrent_cells() -> None:
    assert write(DARTS_PTB_V2, "darts_ptb") == {"genotype": DARTS_PTB_V2}
    assert read(DARTS_PTB_V2, "darts_ptb")["keep"] == ["0", "1", "1", "1", "2", "5", "3", "5"]


def test_nas_bench_201() -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    assert read(text, "nb201") == {
        "op": ["nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "none"]
    }
    assert write(text, "nb201")["nasbench201"] == text


def test_nas_bench_macro() -> None:
    assert write("01200211", "nasbench_macro") == {"digits": "01200211"}
    assert read("01200211", "nasbench_macro")["op"][:3] == ["skip", "mb3_3x3", "mb6_5x5"]


def test_once_for_all() -> None:
    published = {"wid": None, "ks": [7] * 20, "e": [6] * 20, "d": [2, 3, 4, 4, 4]}
    found = read(repr(published), "mobilenet_v3")
    assert found["kernel"][:8] == [7, 7, None, None, 7, 7, 7, None]
    again = json.loads(write(published, "mobilenet_v3")["ofa"])
    assert [len(again[key]) for key in ("ks", "e", "d")] == [20, 20, 5]  # absent layers are filled up
    assert read(again, "mobilenet_v3") == found


def test_autoformer_repeats_its_width() -> None:
    text = "{'mlp_ratio': [4] , 'num_heads': [3], 'embed_dim': [216] , 'layer_num': 12}"
    text = (
        text.replace("[4]", repr([4.0] * 12))
        .replace("[3]", repr([3] * 12))
        .replace("[216]", repr([216] * 12))
    )
    assert read(text, "autoformer_t")["embed"] == 216
    assert len(json.loads(write(text, "autoformer_t")["autoformer"])["mlp_ratio"]) == 12  # cut to the depth
    assert complaints(text.replace("[216,", "[192,"), "autoformer_t")[0][0] == "TSP0906"


# --- forms ------------------------------------------------------------------------------------------------------------

SKIP = {"op": ["skip", "conv", "none"]}


@pytest.mark.parametrize(
    "text",
    [
        "|skip~0|+|conv~0|none~1|",
        "  |skip~0| + |none~1|conv~0|\n",  # the order of edges into a node does not matter
        '"|skip~0|+|conv~0|none~1|"',
        "120",
        "cell=[('skip', 0), ('conv', 0), ('none', 1)], concat=[2]",
        "Genotype(whatever=[('skip', 0), ('conv', 0), ('none', 1)])",
        "{'op': ('skip', 'conv', 'none',)}",
        "OP: [“skip”, ‘conv’, 'none']  # a comment",
    ],
)
def test_forms_of_one_architecture(text: str) -> None:
    assert read(text, "CELL") == SKIP


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("|skip~0|", True),
        ("{'a': 1}", True),
        ("Kernel Sizes = [5]", True),
        ("D = Genotype(normal=[])", True),
        ("Genotype(normal=[])", True),
        ("depth: 3", True),
        ("0120", True),
        ("arch.json", False),
        ("runs/it's mine (1).json", False),
        ("C:\\runs\\arch.json", False),
        ("copy (2).json", False),
    ],
)
def test_texts_and_paths(given: str, text: bool) -> None:
    assert looks_like_text(given) == text


def test_named_tuples_are_read_as_they_print() -> None:
    genotype = namedtuple("Genotype", "normal normal_concat other other_concat")
    pairs = [("skip", 0), ("conv", 1), ("skip", 2), ("conv", 0), ("skip", 1), ("skip", 3)]
    given = genotype(pairs, range(2, 4), [("conv", 1), ("skip", 0)], range(2, 4))
    assert read(given, "KEPT")["keep"] == {"normal": ["0+1", "0+2", "1+3"], "other": ["1", "0"]}
    assert read(given._asdict(), "KEPT") == read(given, "KEPT") == read(repr(given), "KEPT")


def test_own_names_and_those_of_all_notations_go_together() -> None:
    expected = {"width": 8, "height": 16, "depth": 2, "ratio": [0.5, 2, None]}
    assert read("sizes = [8, 16] num_layers=2\nratio: [0.5, 2]", "NAMED") == expected
    assert write(expected, "NAMED") == {
        "paper": '{"sizes": [8, 16], "mlp_ratio": [0.5, 2], "depth": 2}',
        "code": '{"num_layers": 2, "width": 8, "height": 16, "ratio": [0.5, 2]}',
    }


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("CELL", "|skip~0|+|conv~0|pool~1|", [("TSP0905", "pool")]),
        ("CELL", "|skip~0|+|conv~0|none~2|", [("TSP0905", "2")]),
        ("CELL", "|skip~0|+|conv~0|none~0|", [("TSP0905", "0")]),
        ("CELL", "|skip~0|+|conv~0|none~x|", [("TSP0905", "x")]),
        ("CELL", "|skip~0|+|conv~0|", [("TSP0903", "|conv~0|")]),
        ("CELL", "|skip~0|", [("TSP0903", "|skip~0|")]),
        ("CELL", "|skip~0|+|conv~0|none~1|+|skip~0|", [("TSP0905", "|skip~0|")]),
        ("CELL", "|skip~0|+|conv|none~1|", [("TSP0906", "|conv|none~1|")]),
        ("CELL", "12", [("TSP0903", "12")]),
        ("CELL", "1200", [("TSP0905", "1200")]),
        ("CELL", "129", [("TSP0905", "9")]),
        ("KEPT", "|skip~0|", [("TSP0906", "|skip~0|")]),
        ("NAMED", "Genotype(normal=[])", [("TSP0906", "Genotype(normal=[])")]),
        ("NAMED", "120", [("TSP0906", "120")]),
        ("NAMED", "sizes=[8], depth=1, ratio=[1]", [("TSP0903", "[8]")]),
        ("NAMED", "sizes=[8, 8, 16], depth=1, ratio=[1]", [("TSP0905", "16")]),
        ("NAMED", "sizes=8, depth=1, ratio=[1]", [("TSP0906", "8")]),
        ("NAMED", "sizes=[8, 8], depth=1, num_layers=1, ratio=[1]", [("TSP0906", "num_layers")]),
        ("NAMED", "sizes=[8, 8], depth=1, ratio=[1], rato=[1]", [("TSP0904", "rato")]),
        ("NAMED", "sizes=[8, 8], depth=1, mlp_ratio=[3]", [("TSP0905", "3")]),
        ("NAMED", "depth=1 sizes=[8, 8", [("TSP0906", "8")]),
        ("NAMED", "depth=range(1, 10000000)", [("TSP0906", "range(1, 10000000)")]),
    ],
)
def test_every_error_points_into_what_was_pasted(
    name: str, text: str, expected: list[tuple[str, str]]
) -> None:
    assert complaints(text, name) == expected


NORMAL = "normal=[('skip', 0), ('conv', 1), ('skip', 2), ('conv', 0), ('skip', 1), ('skip', 3)]"
OTHER = "other=[('conv', 1), ('skip', 0)]"


@pytest.mark.parametrize(
    ("normal", "other", "expected"),
    [
        (NORMAL.replace("'skip', 2", "'skip', 3"), OTHER, ("TSP0905", "3")),
        (NORMAL.replace("'skip', 2", "'skip', 0"), OTHER, ("TSP0905", "0")),
        (NORMAL.replace("'skip', 2", "'pool', 2"), OTHER, ("TSP0905", "'pool'")),
        (NORMAL.replace("('skip', 2)", "'skip'"), OTHER, ("TSP0906", "'skip'")),
        (NORMAL.replace("]", ", ('conv', 2)]"), OTHER, ("TSP0905", "'conv'")),
        (NORMAL, "other=[('conv', 1)]", ("TSP0903", "[('conv', 1)]")),
        (NORMAL, f"{OTHER}, normal_concat=range(2, 6)", ("TSP0905", "range(2, 6)")),
        (NORMAL, f"{OTHER}, reduce=[]", ("TSP0904", "reduce")),
        (NORMAL, f"{OTHER}, {NORMAL}", ("TSP0906", "normal")),
    ],
)
def test_errors_in_a_genotype(normal: str, other: str, expected: tuple[str, str]) -> None:
    assert complaints(f"Genotype({normal}, {other})", "KEPT") == [expected]


def test_what_no_cell_may_be() -> None:
    text = f"Genotype({NORMAL.replace('conv', 'none')}, {OTHER})"
    sink = Sink()
    assert read_architecture(Source("paper.txt", text), space("KEPT"), sink) is None
    assert [d.code for d in sink.diagnostics] == ["TSP0907"]
    assert [code for code, _ in complaints(f"Genotype({NORMAL})", "KEPT")] == ["TSP0903"]


def test_the_message() -> None:
    sink = Sink()
    read_architecture("|skip~0|+|conv~0|skp~1|", space("CELL"), sink)
    assert render(sink.diagnostics) == (
        "error[TSP0905]: `op`, position 2, has no choice `skp`\n"
        "--> architecture:1:18\n"
        "  |\n"
        "1 | |skip~0|+|conv~0|skp~1|\n"
        "  |                  ^^^ wanted is one of none, skip, conv\n"
        "  |\n"
        "  = help: did you mean `skip`?\n"
        "\n"
        "1 error\n"
    )


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("notation paper: w=widht", "TSP0201"),
        ("notation paper: w=width, w=height", "TSP0202"),
        ("notation paper: w=width, v=width", "TSP0202"),
        ("notation paper: height=width", "TSP0202"),
        ("notation paper: w=width\nnotation paper: v=width", "TSP0202"),
        ("notation paper: w=width\nnotation code: w=height", "TSP0202"),
        ("notation paper:\n    w=width,\n    v=[\n        widht]", "TSP0201"),
        ("notation paper: w=[width, ratio]", "TSP0221"),
    ],
)
def test_notations_that_mean_nothing(declared: str, code: str) -> None:
    text = "\n".join(line for line in NAMED.splitlines() if not line.startswith("notation"))
    assert refused(text.replace("block layer", f"{declared}\nblock layer")) == [code]


# --- round trips ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["CELL", "KEPT", "NAMED", "MACRO", "darts", "toy_cell", "darts_ptb", "mobilenet_v3"]
)
@settings(max_examples=20)
@given(data=st.data())
def test_reading_what_is_written_gives_it_back(name: str, data: st.DataObject) -> None:
    """In every notation that a space has; and writing what was read gives the same text again."""
    chosen = {
        p: data.draw(st.sampled_from([c for c in p.choices if c != "none"])) for p in space(name).positions
    }
    texts = written(space(name), chosen)
    assert texts
    for notation, text in texts.items():
        assert read(text, name) == show_architecture(space(name), chosen)
        assert write(text, name)[notation] == text


@given(st.text(alphabet="|+~ar0129=:,()[]{}'\"’ \n", max_size=40) | st.text(max_size=20))
def test_no_text_is_too_odd_for_a_message(text: str) -> None:
    for name in ("CELL", "KEPT", "NAMED"):
        sink = Sink()
        assert read_architecture(text, space(name), sink) is not None or sink.failed
        render(sink.diagnostics).encode()
