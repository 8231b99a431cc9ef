"""Everything that a generated file says, computed beforehand: the templates hold no logic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from tanglec.codegen import conditions
from tanglec.codegen.assembly import Class
from tanglec.codegen.body import Dialect
from tanglec.codegen.classes import Classes
from tanglec.codegen.expressions import functions_in, number_text
from tanglec.codegen.formula import formula
from tanglec.codegen.naming import constant_name, field, file_name
from tanglec.codegen.presence import presence_text
from tanglec.codegen.together import decorator
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Position
from tanglec.ir.nodes import Dimension, Space, Term
from tanglec.ir.types import TensorType
from tanglec.passes.count import count
from tanglec.passes.entangle import Group, groups
from tanglec.passes.extremes import cost_range
from tanglec.passes.nested import mark_nested
from tanglec.record import record

# Names of a generated file that a block's class must not take.
RESERVED = frozenset(
    """Activation Arch ArchBase Attend Axis F BatchNorm Block Choices Choose Conv Depth Depthwise Dim DropPath Dropout
    Embedding Extent Flatten Fraction GroupNorm Input LayerNorm Linear Mixed Network Position Probabilities
    RMSNorm Sampler Sliced Softmax Space Supernet SupernetBase Tensor TiedLinear Token TupleBlock
    UniformSampler ChannelLayerNorm RelativeAttend""".split()
)


LONGEST_REMARK = 60  # of choices behind a field


@record()
class Choice:
    """A dimension: its constant, and the field of `Arch` with its type."""

    field: str
    constant: str
    arguments: str
    type: str
    remark: str


@record()
class Counted:
    """A function that gives a cost of an architecture, and the range of that cost in words."""

    decorator: str
    result: str
    body: tuple[str, ...]
    range: str


@record()
class SupernetFile:
    """What the supernet template shows."""

    name: str
    path: str
    sha256: str
    fingerprint: str
    title: str
    params: tuple[str, ...]
    architectures: str
    count_params: Counted
    count_macs: Counted
    groups: tuple[str, ...]
    dims: tuple[Choice, ...]
    constants: tuple[Choice, ...]  # the dimensions, each behind those that decide on its presence
    inputs: tuple[tuple[str, str, str], ...]  # name, kind, shape
    output: str
    result: str
    conditions: tuple[str, ...]
    condition_names: str
    blocks: tuple[Class, ...]
    network: Class
    core_imports: tuple[str, ...]
    layer_imports: tuple[str, ...]
    standard_imports: tuple[str, ...]
    torch_imports: tuple[str, ...]
    optional_arch: bool


def supernet_file(space: Space) -> SupernetFile:
    """The contents of `generated/<name>.py`."""
    space = mark_nested(space)
    classes = Classes(
        space.network, Dialect(supernet=True), RESERVED | {constant_name(d.name) for d in space.dimensions}
    )
    *blocks, network = classes.build(space.network, "Supernet")
    params = _counted(space.parameters, space)
    macs = _counted(space.multiply_adds, space)
    restrictions = conditions.condition_texts(space)
    outputs = [v.type for v in space.network.outputs]
    texts = [*params.body, *macs.body, *restrictions]
    used = _used(classes, space, [*blocks, network], texts)
    return SupernetFile(
        name=space.name,
        path=file_name(space.path),
        sha256=space.sha256,
        fingerprint=space.fingerprint,
        title=space.title,
        params=tuple(wrap(", ".join(f"{n}={ex.show_scalar(v)}" for n, v in space.params.items()), 100)),
        architectures=str(count(space)),
        count_params=params,
        count_macs=macs,
        groups=tuple(_group_lines(groups(space))),
        dims=tuple(_dimension(d, space) for d in space.dimensions),
        constants=tuple(_dimension(d, space) for d in _by_dependence(space.dimensions)),
        inputs=tuple((t.name, t.value.type.kind, _shape(t.value.type)) for t in space.inputs),
        output=f'("{outputs[0].kind}", {_shape(outputs[0])})' if len(outputs) == 1 else '("several", ())',
        result="Tensor" if len(outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(outputs))}]",
        conditions=tuple(restrictions),
        condition_names=", ".join(f"condition_{i + 1}" for i in range(len(restrictions))),
        blocks=tuple(blocks),
        network=network,
        core_imports=tuple(used[0]),
        layer_imports=tuple(used[1]),
        standard_imports=_standard_imports(space, texts),
        torch_imports=_torch_imports([*blocks, network]),
        optional_arch=any(c != TRUE for c in space.presence.values()),
    )


def _used(
    classes: Classes, space: Space, everything: Sequence[Class], texts: Sequence[str]
) -> tuple[list[str], list[str]]:
    """What to import from `tanglert` and from `tanglert.nn`."""
    lines = [line for c in everything for line in (*c.forward, *c.layers)]
    core = {
        "ArchBase",
        "Choices",
        "Dim",
        "Input",
        "Probabilities",
        "Space",
        "SupernetBase",
        "UniformSampler",
        "cost",
        *classes.functions,
    }
    annotations = {a for c in everything for p in c.parameters for a in p.annotation.split(" | ")}
    core |= annotations & {"Axis", "Extent"}
    core |= {f for d in space.dimensions for present in d.present for f in functions_in(present)}
    core |= {name for name in ("Depth", "Choose", "kept") if any(f"= {name}(" in line for line in lines)}
    core |= {"scan"} if any(re.search(r"\bscan\(", line) for line in lines) else set()
    if any("divisible(" in t for t in texts):
        core.add("divisible")
    layers = {name for name in classes.constructors if "." not in name}
    layers |= annotations & {"Activation"}
    layers |= {"Block" if c.results == 1 else "TupleBlock" for c in everything[:-1]}
    return sorted(core), sorted(layers)


def _standard_imports(space: Space, texts: Sequence[str]) -> tuple[str, ...]:
    lines = ["import math"] if any("math." in t for t in texts) else []
    if any(d.grouped for d in space.dimensions):
        lines.append("from collections.abc import Mapping")
    lines.append("from dataclasses import dataclass")
    if any("Fraction(" in t for t in (*texts, *(_dimension(d, space).arguments for d in space.dimensions))):
        lines.append("from fractions import Fraction")
    if any("chain." in t for t in texts):
        lines.append("from itertools import chain")
    return tuple(lines)


def _torch_imports(everything: Sequence[Class]) -> tuple[str, ...]:
    lines = [line for c in everything for line in (*c.forward, *c.layers)]
    found = ["import torch"] if any("torch." in line for line in lines) else []
    if any("F." in line for line in lines):
        found.append("import torch.nn.functional as F")
    return (
        *found,
        "from torch import Tensor, nn"
        if any("nn." in line for line in lines)
        else "from torch import Tensor",
    )


def _shape(type: TensorType) -> str:
    """The sizes in the order of the language, at their largest."""
    sizes = [int(ex.largest(s)) for s in type.sizes]
    features = type.features.size
    parts = [*sizes, features] if type.kind == "tokens" else [features, *sizes]
    return f"({', '.join(map(str, parts))}{',' if len(parts) == 1 else ''})"


def _counted(terms: tuple[Term, ...], space: Space) -> Counted:
    low, high = cost_range(space, terms)
    found = formula(terms, space)
    return Counted(
        decorator(terms, high, space),
        "int" if found.whole else "float",
        found.body,
        f"{low:,}" if low == high else f"{low:,} to {high:,}",
    )


def _group_lines(found: Sequence[Group]) -> list[str]:
    rows = []
    for group in found:
        counted = {op: group.operations.count(op) for op in dict.fromkeys(group.operations)}
        operations = ", ".join(f"{n} {op}" if n > 1 else op for op, n in counted.items())
        rows.append(
            (" x ".join(group.dims), group.kind, f"{group.lowering} of {group.evaluations}", operations)
        )
    widths = [max((len(r[i]) for r in rows), default=0) for i in range(3)]
    return ["  ".join([*(r[i].ljust(widths[i]) for i in range(3)), r[3]]) for r in rows]


def _by_dependence(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """In order of declaration, but behind the dimensions that their conditions speak of."""
    ordered: list[Dimension] = []

    def visit(dim: Dimension) -> None:
        if dim in ordered:
            return
        deciding = {p.dim for c in dim.present for p in c.positions}
        for other in dimensions:
            if other.name in deciding and other is not dim:
                visit(other)
        ordered.append(dim)

    for dim in dimensions:
        visit(dim)
    return ordered


def _dimension(dim: Dimension, space: Space) -> Choice:
    scalars = [[number_text(c) for c in p.choices] for p in dim.positions]
    options = []
    if all(s == scalars[0] for s in scalars):
        options.append(f"[{', '.join(scalars[0])}]")
    else:
        rows = ", ".join(f"[{', '.join(row)}]" for row in scalars)
        options.append(f"lists=[{rows}]")
    if dim.per:
        options += [f'per="{dim.per.removeprefix("per ")}"', f"positions={len(dim.positions)}"]
        if dim.grouped:
            counts = {g: sum(p.group == g for p in dim.positions) for g in dim.groups}
            options.append("groups={" + ", ".join(f'"{g}": {n}' for g, n in counts.items()) + "}")
    if any(c != TRUE for c in dim.present):
        options.append(f"present={presence_text(dim.present, space.dimensions)}")
    if dim.sampled_only:
        options.append("sampled=True")
    if dim.gates:
        options.append("gates=True")
    if dim.nested:
        options.append("nested=True")
    forbidden = _forbidden(dim, space)
    if forbidden:
        options.append(f"forbidden=[{', '.join(map(number_text, forbidden))}]")
    return Choice(
        field(dim.name),
        constant_name(dim.name),
        f'"{dim.name}", {", ".join(options)}',
        _type_of(dim),
        _remark(dim),
    )


def _forbidden(dim: Dimension, space: Space) -> list[ex.Scalar]:
    """Choices that a `require` rules out at every position, whatever is chosen elsewhere."""
    ruled_out: dict[Position, set[ex.Scalar]] = {p: set() for p in dim.positions}
    for requirement in space.requirements:
        if len(requirement.bare.positions) == 1 and requirement.bare.positions[0] in ruled_out:
            (position,) = requirement.bare.positions
            ruled_out[position] |= {c for c in position.choices if not requirement.bare.at({position: c})}
    return [c for c in dim.positions[0].choices if all(c in ruled_out[p] for p in dim.positions)]


def _type_of(dim: Dimension) -> str:
    kinds = {_python_type(c) for p in dim.positions for c in p.choices}
    kind = "float" if kinds == {"int", "float"} else " | ".join(sorted(kinds))
    absent = " | None" if any(c != TRUE for c in dim.present) else ""
    if dim.grouped:
        return f"Mapping[str, tuple[{kind}{absent}, ...]]"
    return f"tuple[{kind}{absent}, ...]" if dim.per else f"{kind}{absent}"


def _python_type(value: ex.Scalar) -> str:
    return (
        "bool"
        if isinstance(value, bool)
        else "str"
        if isinstance(value, str)
        else "int"
        if ex.is_whole(value)
        else "float"
    )


def _remark(dim: Dimension) -> str:
    lists = {p.choices for p in dim.positions}
    if len(lists) > 1:
        return f"{dim.per}, each with choices of its own"
    choices = " | ".join(map(ex.show_scalar, dim.positions[0].choices))
    if len(choices) > (LONGEST_REMARK if not dim.grouped else LONGEST_REMARK // 2):
        choices = f"{len(dim.positions[0].choices)} choices"
    return f"{choices}{f', {dim.per}' if dim.per else ''}"
