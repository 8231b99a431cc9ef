"""Where spaces and libraries are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanglec.diagnostics import CompileError
from tanglec.library import find_space, libraries_for, shipped

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_shipped_spaces_go_by_their_names() -> None:
    assert {"autoformer_t", "conv_macro", "gpt_mini", "language_model", "vit_mini"} <= set(shipped())
    assert "transformer" not in shipped()


@pytest.mark.parametrize(
    "given", ["vit_mini", "vit_mini.tsp", "spaces/vit_mini.tsp", Path("spaces/vit_mini.tsp")]
)
def test_a_shipped_space_never_shows_where_it_is_installed(elsewhere: Path, given: str | Path) -> None:
    source = find_space(given)
    assert source.path == "spaces/vit_mini.tsp"
    assert source.text == (CHECKOUT / "spaces" / "vit_mini.tsp").read_text(encoding="utf-8")


def test_a_file_is_shown_as_it_was_typed(elsewhere: Path) -> None:
    (elsewhere / "mine.tsp").write_text("space mine\n", encoding="utf-8")
    assert find_space("mine.tsp").path == "mine.tsp"
    assert find_space(elsewhere / "mine.tsp").path == (elsewhere / "mine.tsp").as_posix()


def test_a_file_of_ones_own_hides_the_shipped_one(elsewhere: Path) -> None:
    (elsewhere / "spaces").mkdir()
    (elsewhere / "spaces" / "vit_mini.tsp").write_text("space other\n", encoding="utf-8")
    assert find_space("vit_mini").text == "space other\n"
    assert find_space("gpt_mini").text != "space other\n"


@pytest.mark.parametrize(
    ("given", "code", "help"),
    [
        ("vit_mni", "TSP0913", "did you mean `vit_mini`?"),
        ("spaces/vit_mni.tsp", "TSP0901", "did you mean `vit_mini`?"),
        ("mini.tsp", "TSP0901", "did you mean `mine.tsp`?"),
        ("zzz.tsp", "TSP0901", None),
        (".", "TSP0901", None),
        ("latin.tsp", "TSP0901", None),
    ],
)
def test_what_is_not_there(elsewhere: Path, given: str, code: str, help: str | None) -> None:
    (elsewhere / "mine.tsp").write_text("space mine\n", encoding="utf-8")
    (elsewhere / "latin.tsp").write_bytes(b"space caf\xe9\n")
    with pytest.raises(CompileError) as caught:
        find_space(given)
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == code
    assert help is None or help in diagnostic.help


def test_libraries_lie_next_to_the_file_or_ship(elsewhere: Path) -> None:
    (elsewhere / "mine.tsp").write_text("space mine\n", encoding="utf-8")
    (elsewhere / "blocks.tsp").write_text("# mine\n", encoding="utf-8")
    (elsewhere / "lib").mkdir()
    (elsewhere / "lib" / "blocks.tsp").write_text("# first\n", encoding="utf-8")
    find = libraries_for(Path("mine.tsp"))
    blocks, transformer = find("blocks"), find("transformer")
    assert blocks is not None and (blocks.path, blocks.text) == ("lib/blocks.tsp", "# first\n")
    assert transformer is not None and transformer.path == "spaces/lib/transformer.tsp"
    assert find("nowhere") is None


def test_a_shipped_space_uses_shipped_libraries(elsewhere: Path) -> None:
    (elsewhere / "spaces" / "lib").mkdir(parents=True)
    (elsewhere / "spaces" / "lib" / "transformer.tsp").write_text("# another\n", encoding="utf-8")
    found = libraries_for(Path(find_space("vit_mini").path))("transformer")
    assert found is not None and found.text != "# another\n"
