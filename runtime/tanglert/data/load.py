"""`load`: from a name or a path to data that fits a space. Nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

from tanglert.data.errors import DataError, DataMismatch
from tanglert.data.part import Data
from tanglert.data.samples import load_samples
from tanglert.data.text import load_text
from tanglert.space import Space

SHIPPED = {"fashion-mnist": "fashion_mnist_6k.npz", "persuasion": "persuasion.txt.gz"}


def load(source: str | Path | None, space: Space) -> Data:
    """Data for `space`: a shipped name, a folder, an .npz or a text file; None takes `default_for(space)`.

    Raises DataError with what is wrong: a path that is not there, a part without items, a class without
    samples, labels or shapes that do not fit the space's input and output.
    """
    kind, shape = input_of(space)
    name = str(source) if source is not None else default_for(space)
    path = find(name)
    if kind == "ids":
        if path.is_dir() or path.suffix == ".npz":
            raise DataMismatch(
                f"{name} is not a text, and the space `{space.name}` reads ids; try `persuasion`"
            )
        vocab, length = shape
        return load_text(name, path, vocab, length)
    if path.suffixes[-2:] == [".txt", ".gz"] or path.suffix == ".txt":
        raise DataMismatch(f"{name} is a text, and the space `{space.name}` takes {kind}{shape}")
    out, size = space.output
    if out != "vector":
        raise DataMismatch(f"{name} is for classification, and `{space.name}` gives {out}{tuple(size)}")
    return load_samples(name, path, kind, shape, classes=size[0])


def find(name: str) -> Path:
    """Where the data of this name or path lies. DataError if it is not there."""
    if name in SHIPPED:
        return Path(__file__).parent / "shipped" / SHIPPED[name]
    try:
        path = Path(name).expanduser()
        there = name != "" and path.exists()
    except (OSError, RuntimeError):  # a name that is too long, a folder that is closed, the home of nobody
        there = False
    if not there:
        shipped = ", ".join(SHIPPED)
        raise DataError(
            f"no data at {name or 'an empty path'}; shipped are {shipped}, anything else is a path to a file or folder"
        )
    return path


def default_for(space: Space) -> str:
    """The shipped data for a space's input: images of 1 or 3 channels, or ids.

    Raises DataError for any other input.
    """
    kind, shape = input_of(space)
    if kind == "ids":
        return "persuasion"
    if kind == "pixels" and shape[0] in (1, 3):
        return "fashion-mnist"
    raise DataMismatch(f"no shipped data fits an input {kind}{shape}; give the path of your own")


def input_of(space: Space) -> tuple[str, tuple[int, ...]]:
    """Kind and shape of the one input."""
    if len(space.inputs) != 1:
        names = ", ".join(i.name for i in space.inputs)
        raise DataMismatch(f"data is loaded for spaces with one input; `{space.name}` has {names}")
    return space.inputs[0].kind, tuple(space.inputs[0].shape)
