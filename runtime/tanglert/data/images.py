"""A folder of images by class (needs Pillow: `pip install tanglec[images]`)."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from tanglert.data.errors import DataError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
_TEST_FOLDERS = ("test", "val", "valid", "validation")


def read_image_folder(
    folder: Path, shape: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[str, ...]]:
    """Images (N, *shape) uint8 and labels, for training and test, and the names of the classes.

    Either FOLDER/train/CLASS/… and FOLDER/test/CLASS/… (or val), or FOLDER/CLASS/…, of which every fifth
    image of each class, in the order of names, is held out. Raises DataError.
    """
    train = folder / "train"
    test = next((folder / name for name in _TEST_FOLDERS if (folder / name).is_dir()), None)
    if train.is_dir() and test is not None:
        names = class_names(train)
        strange = sorted(set(class_names(test)) - set(names))
        if strange:
            raise DataError(f"{test}: class {strange[0]} is not among the training classes")
        return *read_classes(train, names, shape), *read_classes(test, names, shape), tuple(names)
    for there, wanted in ((train, "test"), (test or train, "train")):
        if there.is_dir() and any(
            p.is_dir() for p in there.iterdir()
        ):  # else it is a class: pictures of trains
            raise DataError(f"{folder}: there is {there.name}/, but no {wanted}/ beside it")
    names = class_names(folder)
    x, y = read_classes(folder, names, shape)
    held = torch.cat([torch.arange(int((y == c).sum())) % 5 == 4 for c in range(len(names))])
    return x[~held], y[~held], x[held], y[held], tuple(names)


def class_names(folder: Path) -> list[str]:
    """The names, sorted, of the folders in `folder` that are not hidden."""
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not names:
        raise DataError(f"{folder}: neither idx files nor a folder of images for every class")
    return names


def read_classes(folder: Path, names: list[str], shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Every image of every class, resized to `shape`, and its label; class after class."""
    images: list[Tensor] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        files = sorted(p for p in (folder / name).glob("*") if p.suffix.lower() in _SUFFIXES)
        if not files and (folder / name).is_dir():
            raise DataError(f"{folder / name}: no images ({', '.join(sorted(_SUFFIXES))}) in this class")
        images += [read_image(file, shape) for file in files]
        labels += [label] * len(files)
    return torch.stack(images), torch.tensor(labels)


def read_image(path: Path, shape: tuple[int, ...]) -> Tensor:
    """One image as uint8 (C, H, W), in grey for one channel and in colour for three."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError("folders of images need Pillow: pip install 'tanglec[images]'") from error
    channels, height, width = shape
    try:
        with Image.open(path) as image:
            converted = image.convert("L" if channels == 1 else "RGB")
            raw = torch.frombuffer(bytearray(converted.tobytes()), dtype=torch.uint8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read as an image ({error})") from error
    pixels = raw.reshape(1, converted.height, converted.width, channels).permute(0, 3, 1, 2).float()
    if pixels.shape[2:] != (height, width):
        pixels = F.interpolate(pixels, (height, width), mode="bilinear", align_corners=False, antialias=True)
    return pixels[0].round().clamp(0, 255).to(torch.uint8)
