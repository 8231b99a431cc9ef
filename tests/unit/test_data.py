"""Data: what ships, what can be loaded, and what is said about data that will not do."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tanglert import Dim, Input, Space
from tanglert.data import DataError, DataMismatch, Samples, Windows, default_for, load


def space(kind: str, shape: tuple[int, ...], classes: int = 10) -> Space:
    """A space that takes such an input."""
    output = ("tokens", shape[::-1]) if kind == "ids" else ("vector", (classes,))
    return Space("s", dims=[Dim("d", [1, 2])], inputs=[Input("x", kind, shape)], output=output)


IMAGES = space("pixels", (1, 28, 28))


def test_the_shipped_images() -> None:
    data = load(None, IMAGES)
    assert (len(data.train), len(data.test), data.classes[9]) == (6000, 2000, "ankle boot")
    x, y = data.train.batch(torch.arange(6000))
    assert x.shape == (6000, 1, 28, 28)
    assert x.mean().abs() < 1e-3 and abs(x.std() - 1) < 1e-3
    assert y.bincount().tolist() == [600] * 10


def test_images_are_fitted_to_the_input() -> None:
    x, _ = load("fashion-mnist", space("pixels", (3, 40, 36))).test.batch(torch.tensor([7, 3]))
    assert x.shape == (2, 3, 40, 36)
    assert torch.equal(x[:, 0], x[:, 2])


def test_the_shipped_novel() -> None:
    data = load(None, space("ids", (80, 64)))
    x, y = data.train.batch(torch.tensor([0, 5]))
    assert x.shape == y.shape == (2, 64)
    assert torch.equal(x[:, 1:], y[:, :-1])
    assert "".join(data.classes[i] for i in x[0].tolist()).startswith("Persuasion\n\n\nby\n\nJane Austen")
    assert int(max(x.max(), y.max())) < len(data.classes) == 75


def test_a_subset_keeps_items_and_normalisation() -> None:
    data = load(None, IMAGES)
    picked = data.train.subset(torch.tensor([5, 2]))
    assert len(picked) == 2
    assert torch.equal(picked.batch(torch.tensor([1]))[0], data.train.batch(torch.tensor([2]))[0])


def test_windows_cover_the_text_side_by_side() -> None:
    windows = Windows.of(torch.arange(11), length=5)
    x, y = windows.batch(torch.arange(len(windows)))
    assert x.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert y.tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]


def test_what_ships_for_an_input() -> None:
    assert default_for(space("pixels", (3, 8, 8))) == "fashion-mnist"
    assert default_for(space("ids", (80, 8))) == "persuasion"
    with pytest.raises(DataError, match="no shipped data fits"):
        default_for(space("vector", (8,)))


@pytest.mark.parametrize("name", ["nowhere", "", "~no-such-user/images", "n" * 300])
def test_a_path_that_is_not_there(name: str) -> None:
    with pytest.raises(DataError, match=r"no data at .*; shipped are fashion-mnist, persuasion"):
        load(name, IMAGES)


# --- idx files ---------------------------------------------------------------------------------------------


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    raw = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def idx_folder(folder: Path, suffix: str = "", classes: int = 10) -> Path:
    for part, count in [("train", 40), ("t10k", 20)]:
        write_idx(
            folder / f"{part}-images-idx3-ubyte{suffix}", np.arange(count * 784).reshape(count, 28, 28) % 251
        )
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", np.arange(count) % classes)
    return folder


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_of_idx_files(tmp_path: Path, suffix: str) -> None:
    data = load(idx_folder(tmp_path, suffix), IMAGES)
    assert (len(data.train), len(data.test)) == (40, 20)
    assert isinstance(data.train, Samples)
    assert data.train.x[0, 0, 0, :3].tolist() == [0, 1, 2]


def test_an_idx_file_that_was_cut_short(tmp_path: Path) -> None:
    file = idx_folder(tmp_path) / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(DataError, match="31355 bytes of data, its header promises 31360"):
        load(tmp_path, IMAGES)


def test_an_idx_file_is_missing(tmp_path: Path) -> None:
    (idx_folder(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="no t10k-labels"):
        load(tmp_path, IMAGES)


def test_a_class_without_samples(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training sample of class 8, 9; the space has 10 classes"):
        load(idx_folder(tmp_path, classes=8), IMAGES)


def test_labels_beyond_the_classes(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"labels run from 0 to 9, the space has 4 classes.*--param classes=10"
    ):
        load(idx_folder(tmp_path), space("pixels", (1, 28, 28), classes=4))


# --- images by class ---------------------------------------------------------------------------------------


def image_folder(folder: Path, classes: str = "ab", count: int = 5) -> Path:
    image = pytest.importorskip("PIL.Image")
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            image.new("RGB", (10 + i, 12), (40 * label, 0, 200)).save(folder / name / f"{i}.png")
    return folder


def test_images_by_class_are_resized_and_every_fifth_held_out(tmp_path: Path) -> None:
    data = load(image_folder(tmp_path), space("pixels", (3, 8, 8), 2))
    assert (len(data.train), len(data.test), data.classes) == (8, 2, ("a", "b"))
    assert isinstance(data.train, Samples)
    assert data.train.x[4, :, 0, 0].tolist() == [40, 0, 200]
    assert data.train.batch(torch.arange(8))[0].shape == (8, 3, 8, 8)


def test_images_with_a_test_part_of_their_own(tmp_path: Path) -> None:
    image_folder(tmp_path / "train")
    image_folder(tmp_path / "val", count=2)
    data = load(tmp_path, space("pixels", (1, 8, 8), 2))
    assert (len(data.train), len(data.test)) == (10, 4)


@pytest.mark.parametrize("there", ["train", "test"])
def test_one_part_without_the_other(tmp_path: Path, there: str) -> None:
    (tmp_path / there / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match=f"there is {there}/, but no"):
        load(tmp_path, IMAGES)


def test_a_class_folder_without_images(tmp_path: Path) -> None:
    (image_folder(tmp_path) / "c").mkdir()
    with pytest.raises(DataError, match=r"no images .* in this class"):
        load(tmp_path, space("pixels", (3, 8, 8), 3))


def test_a_file_that_is_no_image(tmp_path: Path) -> None:
    (image_folder(tmp_path) / "a" / "z.png").write_text("no")
    with pytest.raises(DataError, match=r"z\.png: cannot be read as an image"):
        load(tmp_path, space("pixels", (3, 8, 8), 2))


def test_a_folder_with_nothing_of_use(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither idx files nor a folder of images for every class"):
        load(tmp_path, IMAGES)


# --- npz ---------------------------------------------------------------------------------------------------


def write_npz(path: Path, shape: tuple[int, ...] = (5,), classes: int = 2, **changes: Any) -> Path:
    generator = np.random.default_rng(0)
    arrays = {
        "x_train": generator.normal(3, 2, (20, *shape)),
        "y_train": np.arange(20) % classes,
        "x_test": generator.normal(3, 2, (6, *shape)),
        "y_test": np.arange(6) % classes,
    }
    arrays.update(changes)
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_vectors_are_normalised_by_feature(tmp_path: Path) -> None:
    data = load(write_npz(tmp_path / "a.npz"), space("vector", (5,), 2))
    x, _ = data.train.batch(torch.arange(20))
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(0, correction=0), torch.ones(5))


@pytest.mark.parametrize("shape", [(9, 8), (1, 9, 8), (9, 8, 1), (9, 8, 3), (3, 9, 8)])
def test_images_in_any_usual_layout(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = load(write_npz(tmp_path / "a.npz", shape), space("pixels", (3, 9, 8), 2))
    assert data.train.batch(torch.arange(4))[0].shape == (4, 3, 9, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": np.arange(19) % 2}, "20 training samples, but labels of shape"),
        ({"y_train": np.arange(20) % 2 / 2}, "must be whole numbers"),
        ({"y_test": np.arange(6)}, "test labels run from 0 to 5, the space has 2 classes"),
        ({"y_test": np.arange(6) % 2 - 1}, "test labels begin at -1; classes are numbered from 0"),
        ({"x_test": np.zeros((0, 5)), "y_test": np.zeros(0, int)}, "the test part is empty"),
        ({"x_train": np.zeros((20, 4))}, r"samples of shape \(4,\), the space takes vector\(5,\)"),
        ({"x_train": np.full((20, 5), np.nan)}, "training samples hold values that are not finite"),
        ({"x_test": np.full((6, 5), np.inf)}, "test samples hold values that are not finite"),
        ({"x_train": np.full((20, 5), 1e300)}, "beyond what float32 can normalise"),
        ({"x_train": np.ones((20, 5), complex)}, "networks take real numbers"),
        ({"y_train": np.array(["cat", "dog"] * 10)}, "not an .npz file of plain arrays"),
        ({"y_train": np.array([{}] * 20)}, "not an .npz file of plain arrays"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(write_npz(tmp_path / "a.npz", **changes), space("vector", (5,), 2))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "uint32", "uint64"])
def test_labels_of_any_whole_type(tmp_path: Path, dtype: str) -> None:
    path = write_npz(tmp_path / "a.npz", y_train=(np.arange(20) % 2).astype(dtype))
    _, y = load(path, space("vector", (5,), 2)).train.batch(torch.arange(3))
    assert (y.dtype, y.tolist()) == (torch.int64, [0, 1, 0])


def test_images_without_pixels(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", (1, 0, 0))
    with pytest.raises(DataMismatch, match=r"images of shape \(1, 0, 0\)"):
        load(path, space("pixels", (1, 9, 8), 2))


def test_more_classes_than_memory_could_count(tmp_path: Path) -> None:
    with pytest.raises(
        DataMismatch, match=r"no training sample of class 2, 3, 4, .*, 11, …; the space has 1000"
    ):
        load(write_npz(tmp_path / "a.npz"), space("vector", (5,), 10**15))


def test_an_array_is_missing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.zeros(3))
    with pytest.raises(DataError, match="no array y_train, x_test, y_test; it has x_train"):
        load(tmp_path / "a.npz", space("vector", (5,), 2))


def test_a_file_that_is_no_npz(tmp_path: Path) -> None:
    whole = write_npz(tmp_path / "a.npz").read_bytes()
    for text in (b"no", b"", whole[: len(whole) // 2]):
        (tmp_path / "a.npz").write_bytes(text)
        with pytest.raises(DataError, match=r"not an \.npz file \(it is empty, was cut short"):
            load(tmp_path / "a.npz", space("vector", (5,), 2))


# --- text --------------------------------------------------------------------------------------------------


def test_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcd" * 100 + "z" + "abcd" * 5, encoding="utf-8")
    data = load(tmp_path / "a.txt", space("ids", (4, 8)))
    assert data.classes == ("a", "b", "c", "d")
    assert "1 test characters that training never shows were left out" in data.about


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcd" * 100, encoding="utf-8-sig")
    assert load(tmp_path / "a.txt", space("ids", (4, 8))).classes == ("a", "b", "c", "d")


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    packed = bytearray(
        gzip.compress(bytes(range(97, 123)) * 100 + np.random.default_rng(0).bytes(400).hex().encode())
    )
    for place in range(20, 60):
        packed[place] ^= 255
    (tmp_path / "a.txt.gz").write_bytes(packed)
    with pytest.raises(DataError, match=r"a\.txt\.gz: cannot be read"):
        load(tmp_path / "a.txt.gz", space("ids", (40, 8)))


@pytest.mark.parametrize(
    ("text", "vocab", "message"),
    [
        (b"abcde" * 100, 4, "5 different characters, the space's input takes ids below 4"),
        (b"ab" * 30, 4, "the test part has 6 characters, one window needs 9"),
        (b"", 4, "the training part has 0 characters"),
        (b"abc\xff\xfe" * 50, 9, "not a text in UTF-8"),
    ],
)
def test_texts_that_do_not_fit(tmp_path: Path, text: bytes, vocab: int, message: str) -> None:
    (tmp_path / "a.txt").write_bytes(text)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "a.txt", space("ids", (vocab, 8)))


def test_images_for_a_space_that_reads_ids() -> None:
    with pytest.raises(DataError, match="fashion-mnist is not a text"):
        load("fashion-mnist", space("ids", (80, 8)))


def test_a_text_for_a_space_that_sees_images() -> None:
    with pytest.raises(DataError, match="persuasion is a text"):
        load("persuasion", IMAGES)
