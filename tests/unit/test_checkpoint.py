"""Checkpoints survive kills, notice damage, and know their space."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from tanglert import Dim, Input, Space
from tanglert.train import BrokenCheckpoint, CheckpointFile, ForeignCheckpoint


def space(name: str = "s", source: str = "a" * 64) -> Space:
    return Space(
        name,
        dims=[Dim("d", [1, 2])],
        inputs=[Input("x", "vector", (2,))],
        output=("vector", (2,)),
        source=source,
    )


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    return CheckpointFile(tmp_path / "checkpoint.pt", space())


def test_round_trip(file: CheckpointFile) -> None:
    file.save({"step": 1, "weights": {"w": torch.arange(5.0)}, "history": [("a", {"loss": 1.0})]})
    state = file.load()
    assert state["step"] == 1
    assert torch.equal(state["weights"]["w"], torch.arange(5.0))
    assert state["history"] == [("a", {"loss": 1.0})]


@pytest.mark.parametrize("renames", [0, 1])
def test_a_kill_while_writing_leaves_a_whole_checkpoint(
    file: CheckpointFile, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.save({"step": 1})
    replace = os.replace
    done: list[Path] = []

    def killed(source: Path, target: Path) -> None:
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            file.save({"step": 2})
    assert file.load() == {"step": 1}
    file.save({"step": 3})
    assert file.load() == {"step": 3}


def flip(path: Path, where: float) -> None:
    """Changes one byte."""
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * where)] ^= 0xFF
    path.write_bytes(raw)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(file: CheckpointFile) -> None:
    file.save({"step": 1})
    file.save({"step": 2, "weights": torch.zeros(100_000)})
    flip(file.path, 0.5)
    with pytest.warns(UserWarning, match="damaged.*going on from the one before"):
        assert file.load() == {"step": 1}


def test_nothing_left_to_fall_back_to(file: CheckpointFile) -> None:
    file.save({"weights": torch.zeros(100_000)})
    flip(file.path, 0.5)
    with pytest.raises(BrokenCheckpoint, match="damaged"):
        file.load()


def test_a_checkpoint_that_was_cut_short(file: CheckpointFile) -> None:
    file.save({"weights": torch.zeros(1000)})
    file.path.write_bytes(file.path.read_bytes()[:-200])
    with pytest.raises(BrokenCheckpoint, match="cannot be read"):
        file.load()


def test_something_else_under_that_name(file: CheckpointFile) -> None:
    torch.save([1, 2], file.path)
    with pytest.raises(BrokenCheckpoint, match="not a checkpoint"):
        file.load()


class Code:
    """What a malicious file would hold."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("executed",)


def test_code_is_never_executed(file: CheckpointFile, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"format": 1, "space": "s", "state": Code()}, file.path)
    with pytest.raises(
        BrokenCheckpoint, match="cannot be read: it holds more than tensors and plain values$"
    ):
        file.load()
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("other", "message"),
    [(space("t"), "of space `s`, not of `t`"), (space(source="b" * 64), "another version of space `s`")],
)
def test_a_checkpoint_of_another_space(file: CheckpointFile, other: Space, message: str) -> None:
    file.save({"step": 1})
    with pytest.raises(ForeignCheckpoint, match=message):
        CheckpointFile(file.path, other).load()


@pytest.mark.parametrize(
    "content", [[1], {"format": 1}, {"format": 2, "space": "s", "source": "a", "state": {}}]
)
def test_a_file_of_torch_that_is_no_checkpoint(file: CheckpointFile, content: object) -> None:
    torch.save(content, file.path)
    with pytest.raises(BrokenCheckpoint, match="is not a checkpoint of format 1"):
        file.load()


def test_of_two_broken_files_the_newer_is_named(file: CheckpointFile) -> None:
    for path in (file.path, file.previous):
        path.write_bytes(b"")
    with pytest.raises(BrokenCheckpoint, match=r"checkpoint\.pt cannot be read"):
        file.load()


def test_a_full_disk_leaves_the_last_checkpoint(
    file: CheckpointFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.save({"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device.*checkpoint\.pt'"):
        file.save({"step": 2})
    assert file.load() == {"step": 1}
    assert [p.name for p in file.path.parent.iterdir()] == ["checkpoint.pt"]
