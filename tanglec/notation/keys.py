"""Objects with a key for each dimension, under the names that the space gives it: its own, and those of its `notation`s.

OFA writes `{"ks": [20 numbers], "e": [20], "d": [5]}`, AutoFormer `{'mlp_ratio': […], 'num_heads': […], 'layer_num': 14, …}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tanglec.diagnostics import Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import Assignment, Extent
from tanglec.ir.nodes import Dimension, Notation, Renaming, Space
from tanglec.notation.literal import Item
from tanglec.source import Span
from tanglec.spelling import closest


def read_keys(root: Item, space: Space, sink: Sink) -> Item:
    """The canonical object: dimensions by their own names; errors about keys are TSP0904 to TSP0906.

    Capitals and blanks in keys count for nothing (`Kernel Sizes` is `kernel_sizes`), and a key that nobody knows may be null.
    """
    assert isinstance(root.value, dict)
    known = _known(space)
    members: dict[str, Item] = {}
    keys: dict[str, Span] = {}
    for key, span in root.keys:
        renaming, item = known.get(key) or known.get(_folded(key)), root.value[key]
        if renaming is None:
            if item.value is not None:
                _report_unknown(key, span, known, space, sink)
            continue
        for dim, part in _parts(renaming, item, key, sink):
            if dim in keys:
                labels = [Label(keys[dim], "first here")] if keys[dim] != span else []
                sink.error("TSP0906", f"`{dim}` is given twice", span, labels=labels)
            keys[dim], members[dim] = span, part
    return Item(members, root.span, tuple(keys.items()))


def _known(space: Space) -> dict[str, Renaming]:
    """What every key stands for; a name as it is written goes before one that is written alike."""
    names = [d.name for d in space.dimensions]
    all = [Renaming(name, (name,)) for name in names]
    all += [k for n in space.notations for k in n.keys if set(k.dims) <= set(names)]
    folded = {_folded(k.key): k for k in reversed(all)}
    return folded | {k.key: k for k in reversed(all)}


def _folded(key: str) -> str:
    return "_".join(key.lower().split())


def _report_unknown(key: str, span: Span, known: Mapping[str, Renaming], space: Space, sink: Sink) -> None:
    near = closest(key, known)
    help = (
        f"did you mean `{near}`?"
        if near
        else f"its dimensions: {', '.join(d.name for d in space.dimensions)}"
    )
    sink.error("TSP0904", f"`{key}` is no dimension of space `{space.name}`", span, help=[help])


def _parts(renaming: Renaming, item: Item, key: str, sink: Sink) -> Sequence[tuple[str, Item]]:
    """The dimensions that a key stands for, each with its value."""
    if not renaming.listed:
        return [(renaming.dims[0], item)]
    wanted = f"wanted is a list of {', '.join(renaming.dims)}"
    if not isinstance(item.value, list):
        sink.error("TSP0906", f"`{key}` is no list", item.span, wanted)
        return [(name, item) for name in renaming.dims]
    if len(item.value) > len(renaming.dims):
        title = f"`{key}` has {len(renaming.dims)} entries, and {len(item.value)} are given"
        sink.error("TSP0905", title, item.value[len(renaming.dims)].span, "one too many")
    missing = [Item(None, item.span)] * (len(renaming.dims) - len(item.value))
    return list(zip(renaming.dims, [*item.value, *missing], strict=False))


def write_keys(notation: Notation, space: Space, assignment: Assignment) -> str:
    """An architecture as one JSON object with the keys of a notation; what it does not name keeps its own name.

    Lists end where all the rest is absent, if that is how layers go missing; else absent positions hold their first choice, as
    the field fills them up.
    """
    keys = [k for k in notation.keys if all(any(d.name == name for d in space.dimensions) for name in k.dims)]
    named = {name for k in keys for name in k.dims}
    keys += [Renaming(d.name, (d.name,)) for d in space.dimensions if d.name not in named]
    values = {k.key: [_value(space.dimension(name), assignment) for name in k.dims] for k in keys}
    return json.dumps({k.key: values[k.key] if k.listed else values[k.key][0] for k in keys})


def _value(dimension: Dimension, assignment: Assignment) -> Any:
    cut = all(_implies(after, before) for before, after in pairwise(dimension.present))
    lists: dict[str, list[Any]] = {group: [] for group in dimension.groups}
    for position, condition in zip(dimension.positions, dimension.present, strict=True):
        present = bool(condition.at(assignment))
        if present or not cut:
            lists[position.group].append(
                ex.plain_scalar(assignment[position] if present else position.choices[0])
            )
    if not dimension.per:
        return lists[""][0] if lists[""] else None
    return lists if len(lists) > 1 else next(iter(lists.values()))


def _implies(first: Extent, second: Extent) -> bool:
    """Whether every architecture that meets the first condition meets the second."""
    try:
        return ex.always(ex.apply("or", ex.apply("not", first), second))
    except ex.TooLarge:
        return False
