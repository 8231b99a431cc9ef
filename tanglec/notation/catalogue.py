"""Which notations there are: a text is known by its form, what can be written by what the space declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from tanglec.diagnostics import Sink
from tanglec.ir.extents import Assignment
from tanglec.ir.nodes import Space
from tanglec.notation.cells import cells
from tanglec.notation.digits import dimension_of_digits, read_digits, write_digits
from tanglec.notation.edge_string import read_edge_string, write_edge_string
from tanglec.notation.genotype import is_genotype, read_genotype, write_genotype
from tanglec.notation.keys import read_keys, write_keys
from tanglec.notation.literal import Item, Unreadable, read_literal
from tanglec.source import Source

Writer = Callable[[Space, Assignment], str | None]

# What the structure of a space may have without a declaration, the most telling first.
WRITERS: dict[str, Writer] = {
    "nasbench201": write_edge_string,
    "genotype": write_genotype,
    "digits": write_digits,
}

_DIGITS = re.compile(r"\s*\d+\s*", re.ASCII)
_BEGINNING = re.compile(r"\s*(?:[{\[(|\"'“‘]|[\w \t]+(?:=|:(?![\\/]))|\w+\(\s*\w+\s*=)")
_QUOTED = re.compile(r"\s*([\"'])([|\d][^\"']*)\1\s*")


def looks_like_text(given: str) -> bool:
    """Whether it begins as an architecture does, in whatever notation, and not as a path."""
    return bool(_DIGITS.fullmatch(given) or _BEGINNING.match(given))


def read_notation(source: Source, space: Space, sink: Sink) -> Item | None:
    """The canonical object of an architecture in any notation, values still unchecked; None where there are errors.

    Every item of it stands where it was read, so that what is said about it points into the text that was given.
    """
    if quoted := _QUOTED.fullmatch(source.text):
        source = Source(source.path, f"{' ' * quoted.start(2)}{quoted[2]}")
    if source.text.lstrip().startswith("|"):
        return read_edge_string(source, space, sink)
    dimension = dimension_of_digits(space)
    if dimension is not None and _DIGITS.fullmatch(source.text):
        return read_digits(source, space, dimension, sink)
    try:
        root = read_literal(source)
    except Unreadable as error:
        sink.error("TSP0906", "the architecture cannot be read", error.span, str(error))
        return None
    if not isinstance(root.value, dict):
        keys = ", ".join(d.name for d in space.dimensions)
        sink.error("TSP0906", "an architecture is one JSON object", root.span, f"wanted are the keys {keys}")
        return None
    if not _declares_all(root, space) and is_genotype(root, cells(space)):
        return read_genotype(root, space, sink)
    return read_keys(root, space, sink)


def _declares_all(root: Item, space: Space) -> bool:
    """Whether the keys of an object are all names of dimensions, whatever else they look like."""
    return {key for key, _ in root.keys} <= {d.name for d in space.dimensions}


def writers(space: Space) -> dict[str, Writer]:
    """The notations that the space may have, by name: what it declares, then what its structure tells."""
    declared: dict[str, Writer] = {n.name: partial(write_keys, n) for n in space.notations}
    return declared | {name: writer for name, writer in WRITERS.items() if name not in declared}


def written(space: Space, assignment: Assignment) -> dict[str, str]:
    """An architecture in every notation that the space has, the most telling first."""
    texts = {name: write(space, assignment) for name, write in writers(space).items()}
    return {name: text for name, text in texts.items() if text is not None}
