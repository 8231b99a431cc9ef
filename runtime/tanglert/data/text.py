"""Text as characters."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from tanglert.data.compressed import read_bytes
from tanglert.data.errors import DataError, DataMismatch
from tanglert.data.part import Data, Windows


def load_text(name: str, path: Path, vocab: int, length: int, test_fraction: float = 0.1) -> Data:
    """Windows of `length` characters; the end of the text is held out for the test.

    The vocabulary is the characters of the training part, in the order of their code points. A character that
    occurs in the test part only is left out of it, and `about` says how many.
    Raises DataError if the characters are more than `vocab` or the text is too short.
    """
    text = read_text(path)
    cut = round(len(text) * (1 - test_fraction))
    characters = sorted(set(text[:cut]))
    if len(characters) > vocab:
        raise DataMismatch(
            f"{path}: the training part has {len(characters)} different characters, the space's input takes"
            f" ids below {vocab}; compile the space with a vocabulary of {len(characters)} or more"
        )
    number = {c: i for i, c in enumerate(characters)}
    unseen = sum(c not in number for c in text[cut:])
    parts = {"training": encode(text[:cut], number), "test": encode(text[cut:], number)}
    for part, ids in parts.items():
        if len(ids) <= length:
            raise DataError(
                f"{path}: the {part} part has {len(ids)} characters, one window needs {length + 1}"
            )
    about = f"{cut:,} training and {len(text) - cut:,} test characters, {len(characters)} different"
    if unseen:
        about += f"; {unseen} test characters that training never shows were left out"
    train, test = (Windows.of(ids, length) for ids in parts.values())
    return Data(name, train, test, tuple(characters), about)


def read_text(path: Path) -> str:
    """A text file's content, decompressed if its name ends in .gz; line ends become newlines."""
    try:
        return read_bytes(path).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text in UTF-8 (byte {error.start} is not)") from error


def encode(text: str, number: dict[str, int]) -> Tensor:
    """Ids (T,) int64 of the known characters of `text`."""
    return torch.tensor([number[c] for c in text if c in number], dtype=torch.int64)
