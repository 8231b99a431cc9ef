"""Augmented training images: what changes, and that it follows from seed and items alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tanglert.data import DataMismatch, Samples
from tanglert.data.augment import Augmented
from tanglert.data.load import load
from tanglert.train import Options, OptionsError
from tanglert.train.assembly import Search
from tanglert.train.augmentation import augmented
from tanglert.train.task import Classification
from tests import tiny


def images(count: int = 12, channels: int = 1, size: int = 6) -> Samples:
    """Images in which no two pixels of a channel are the same, nor black."""
    x = torch.arange(1, 1 + count * channels * size * size).view(count, channels, size, size)
    mean, std = torch.full((channels, 1, 1), 3.0), torch.full((channels, 1, 1), 2.0)
    return Samples(x, torch.arange(count) % 3, mean, std, (channels, size, size))


def batch(part: Augmented | Samples, *items: int) -> Tensor:
    return part.batch(torch.tensor(items))[0]


EVERYTHING: dict[str, Any] = {"crop": 2, "flip": True, "cutout": 3}


def test_labels_and_shapes_stay() -> None:
    part = images(channels=3)
    x, y = Augmented(part, **EVERYTHING).batch(torch.arange(5))
    assert x.shape == (5, 3, 6, 6)
    assert torch.equal(y, part.y[:5])


@given(st.integers(0, 1000), st.lists(st.integers(0, 11), min_size=1, max_size=8))
def test_the_same_is_asked_for_twice(seed: int, items: list[int]) -> None:
    part = Augmented(images(), **EVERYTHING, seed=seed)
    assert torch.equal(batch(part, *items), batch(part, *items))


def test_other_seeds_and_other_batches_see_other_images() -> None:
    part = Augmented(images(), **EVERYTHING)
    assert not torch.equal(batch(part, 0, 1, 2), batch(Augmented(images(), **EVERYTHING, seed=1), 0, 1, 2))
    assert not torch.equal(batch(part, 0, 1, 2)[0], batch(part, 0, 2, 1)[0])


def test_half_of_the_images_are_mirrored() -> None:
    plain = images(400)
    seen, x = batch(Augmented(plain, flip=True), *range(400)), batch(plain, *range(400))
    mirrored = (seen == x.flip(-1)).all((1, 2, 3))
    assert torch.equal(mirrored, ~(seen == x).all((1, 2, 3)))
    assert 150 < int(mirrored.sum()) < 250


def test_a_crop_is_the_image_moved_over_black() -> None:
    plain, margin = images(60), 2
    seen, x = batch(Augmented(plain, crop=margin), *range(60)), batch(plain, *range(60))
    black = (0 - 3.0) / 2.0
    moves = set()
    for image, whole in zip(seen, x):
        wide = torch.full((1, 10, 10), black)
        wide[:, 2:8, 2:8] = whole
        windows = {(i, j): wide[:, i : i + 6, j : j + 6] for i in range(5) for j in range(5)}
        moves.update(place for place, window in windows.items() if torch.equal(window, image))
    assert len(moves) > 15  # of 25 places


def test_a_square_is_blanked_with_the_mean() -> None:
    plain = images(50)
    seen, x = batch(Augmented(plain, cutout=3), *range(50)), batch(plain, *range(50))
    blank = seen != x
    assert torch.equal(seen, x.masked_fill(blank, 0.0))
    assert int(blank.sum((1, 2, 3)).max()) == 9
    assert int(blank.sum((1, 2, 3)).min()) >= 4  # one in a corner


def test_only_images() -> None:
    with pytest.raises(DataMismatch):
        Augmented(tiny.blobs().train, flip=True)
    with pytest.raises(OptionsError, match="flip: for images only"):
        augmented(tiny.blobs().train, Options(flip=True))
    part = tiny.blobs().train
    assert augmented(part, Options()) is part


def test_a_search_trains_on_changed_images_and_measures_plain_ones() -> None:
    from tanglec import compile_file

    module: Any = compile_file("vit_mini").load()
    search = Search(module, load("fashion-mnist", module.SPACE), Options(flip=True, label_smoothing=0.1))
    assert isinstance(search.engine.train, Augmented)
    assert search.engine.train.part is search.train is search.evaluator.calibration
    assert isinstance(search.validation, Samples) and isinstance(search.test, Samples)
    assert isinstance(search.task, Classification) and search.task.label_smoothing == 0.1


def test_smoothed_labels_are_trained_on_and_not_measured() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, y = torch.randn(8, 4, generator=generator, dtype=torch.float64), torch.arange(8) % 4
    task, plain = Classification(0.2), Classification()
    log_p = logits.log_softmax(1)
    target = torch.full((8, 4), 0.05, dtype=torch.float64)
    target[torch.arange(8), y] = 0.85
    torch.testing.assert_close(task.loss(logits, y), -(target * log_p).sum(1).mean())
    assert torch.equal(task.tally(logits, y), plain.tally(logits, y))
