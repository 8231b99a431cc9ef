"""What `tanglec inspect` knows of a space, as plain values: the same for people and for `--json`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

from tanglec.ir import extents as ex
from tanglec.ir.extents import plain_scalar
from tanglec.ir.nodes import (
    Call,
    Dimension,
    Operation,
    Space,
    Step,
    Term,
    Weight,
    bodies,
    walk,
)
from tanglec.ir.types import TensorType
from tanglec.passes.count import count
from tanglec.passes.entangle import kind_of
from tanglec.passes.extremes import cost_range
from tanglec.passes.scaling import scaled_in_architecture_steps, scaled_up_to
from tanglec.record import record

FLOAT32 = 4  # bytes

T = TypeVar("T")


@record()
class Group:
    """Operations of one name that depend on the same dimensions and are mixed alike.

    `kind` says how the dimensions meet: "single", one axis varies; "separable", axes vary independently;
    "joint", axes share a dimension. `evaluations` is how often the operation runs in one mixed forward pass,
    `uses` how many there are, in the blocks `paths`. `scaled_up_to`: the batches, the least and the largest of the
    operations, up to which scales are cheaper than masks, and `scaled_in_architecture_steps` how many are scaled there at
    any batch; None where masks are the only way.
    """

    dimensions: tuple[str, ...]
    scope: str
    kind: str
    operation: str
    lowering: str
    evaluations: int
    uses: int = 0
    paths: tuple[str, ...] = ()
    scaled_up_to: tuple[int, int] | None = None
    scaled_in_architecture_steps: int | None = None


@record()
class Memory:
    """An estimate in bytes, at float32: the supernet's tensors, and one sample's activations in training.

    `activations` adds the outputs of all operations at their largest sizes; what is computed in place, kept
    twice or recomputed is not looked at.
    """

    weights: int
    gradients: int
    adamw: int
    activations: int


def inspection(space: Space) -> dict[str, Any]:
    """Everything about a space, ready for `json.dumps`."""
    number = count(space)
    return {
        "name": space.name,
        "title": space.title,
        "path": space.path,
        "params": {name: plain_scalar(value) for name, value in space.params.items()},
        "inputs": {i.name: str(i.value.type) for i in space.inputs},
        "outputs": [str(value.type) for value in space.network.outputs],
        "dimensions": [_dimension(d) for d in space.dimensions],
        "requirements": list(dict.fromkeys(r.text for r in space.requirements)),
        "architectures": asdict(number),
        "groups": [asdict(group) for group in groups(space)],
        "cost": {
            "params": smallest_and_largest(space, space.parameters),
            "macs": smallest_and_largest(space, space.multiply_adds),
        },
        "memory": asdict(memory(space)),
    }


def smallest_and_largest(space: Space, terms: Sequence[Term]) -> dict[str, int]:
    """The range of a cost over all architectures (conditions on sums left aside)."""
    low, high = cost_range(space, terms)
    return {"min": low, "max": high}


def _dimension(dimension: Dimension) -> dict[str, Any]:
    lists = list(dict.fromkeys(p.choices for p in dimension.positions))
    every = [[plain_scalar(c) for c in p.choices] for p in dimension.positions]
    return {
        "name": dimension.name,
        "scope": dimension.per or "whole network",
        "choices": every[0] if len(lists) == 1 else every,
        "positions": len(dimension.positions),
        "uses": dimension.uses,
        "sampled_only": dimension.sampled_only or None,
        "gates": dimension.gates,
    }


def groups(space: Space) -> list[Group]:
    """The combi-superposition groups: fewer dimensions first, in order of declaration, then of execution."""
    order = {d.name: i for i, d in enumerate(space.dimensions)}
    found: dict[Group, list[tuple[str, Operation]]] = {}
    for path, operation in walk_paths(space.network.body):
        if operation.sums_over:
            found.setdefault(_group(operation, space), []).append((path, operation))
    merged = [_merged(group, members) for group, members in found.items()]
    return sorted(merged, key=lambda g: (len(g.dimensions), [order[name] for name in g.dimensions]))


def _group(operation: Operation, space: Space) -> Group:
    met = {p.dim for p in operation.sums_over}
    dimensions = [d for d in space.dimensions if d.name in met]
    return Group(
        dimensions=tuple(d.name for d in dimensions),
        scope=", ".join(dict.fromkeys(d.per for d in dimensions if d.per)) or "whole network",
        kind=kind_of(operation),
        operation=operation.op,
        lowering=operation.lowering,
        evaluations=ex.domain_size(operation.sums_over) if operation.lowering == "loop" else 1,
    )


def _merged(group: Group, members: Sequence[tuple[str, Operation]]) -> Group:
    """The group with what its operations say."""
    paths = tuple(dict.fromkeys(path for path, _ in members))
    limits = [n for _, operation in members if (n := scaled_up_to(operation)) is not None]
    if group.lowering != "mask" or not limits:
        return replace(group, uses=len(members), paths=paths)
    wide = sum(scaled_in_architecture_steps(operation) for _, operation in members)
    limit = min(limits), max(limits)
    return replace(
        group, uses=len(members), paths=paths, scaled_up_to=limit, scaled_in_architecture_steps=wide
    )


def walk_paths(body: tuple[Step, ...], path: str = "") -> Iterator[tuple[str, Operation]]:
    """Every operation with the blocks around it, such as `layer.attention`; empty in the network itself."""
    for step in body:
        if isinstance(step, Operation):
            yield path, step
        elif isinstance(step, Call):
            yield from walk_paths(step.instance.body, f"{path}.{step.instance.block}".lstrip("."))
        for _, inner in bodies(step):
            yield from walk_paths(inner, path)


def memory(space: Space) -> Memory:
    """What training the supernet takes, roughly."""
    operations = [operation for operation, _ in walk(space.network.body)]
    layers = {id(o.layer): o.layer for o in operations if o.layer is not None}
    weights = FLOAT32 * _total((layer.weights for layer in layers.values()), _numbers)
    activations = FLOAT32 * _total((o.output.type for o in operations), _stored)
    return Memory(weights, weights, 2 * weights, activations)


def _total(things: Iterable[T], size: Callable[[T], int]) -> int:
    """The sizes of all added up; operations that are alike share types and weights, each of which is asked once."""
    known: dict[int, int] = {}
    total = 0
    for thing in things:
        if id(thing) not in known:
            known[id(thing)] = size(thing)
        total += known[id(thing)]
    return total


def _numbers(weights: Sequence[Weight]) -> int:
    return sum(w.size for w in weights)


def _stored(type: TensorType) -> int:
    return type.places * (1 if type.kind == "ids" else type.features.size)
