"""Everything that a generated file says, computed beforehand: the templates hold no logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tanglec.codegen import conditions, formula
from tanglec.codegen.body import Dialect
from tanglec.codegen.classes import Class, Classes
from tanglec.codegen.expressions import extent_text, functions_in, number_text
from tanglec.codegen.naming import constant_name, field, file_name
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent
from tanglec.ir.nodes import Dimension, Space, Term
from tanglec.ir.types import TensorType
from tanglec.passes.cost import multiply_add_terms, parameter_terms
from tanglec.passes.count import cost_range, count
from tanglec.passes.entangle import Group, groups

# Names of a generated file that a block's class must not take.
RESERVED = frozenset(
    """Arch ArchBase Attend Axis BatchNorm Block Choices Conv Depth Depthwise Dim DropPath Embedding Extent Flatten Fraction
    GroupNorm Input LayerNorm Linear Mixed Network Position Probabilities RMSNorm Sampler Sliced Softmax Space Supernet
    SupernetBase Tensor TiedLinear Token TupleBlock UniformSampler ChannelLayerNorm RelativeAttend""".split()
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A dimension: its constant, and the field of `Arch` with its type."""

    field: str
    constant: str
    arguments: str
    type: str
    remark: str


@dataclass(frozen=True, slots=True)
class SupernetFile:
    """What the supernet template shows."""

    name: str
    path: str
    sha256: str
    fingerprint: str
    title: str
    params: str
    architectures: str
    parameters: str
    macs: str
    groups: tuple[str, ...]
    dims: tuple[Choice, ...]
    constants: tuple[Choice, ...]  # the dimensions, each behind those that decide on its presence
    inputs: tuple[tuple[str, str, str], ...]  # name, kind, shape
    output: str
    result: str
    count_params: tuple[str, ...]
    count_macs: tuple[str, ...]
    conditions: tuple[str, ...]
    blocks: tuple[Class, ...]
    network: Class
    core_imports: tuple[str, ...]
    layer_imports: tuple[str, ...]
    standard_imports: tuple[str, ...]
    torch_imports: tuple[str, ...]
    optional_arch: bool


def supernet_file(space: Space) -> SupernetFile:
    """The contents of `generated/<name>.py`."""
    classes = Classes(
        space.network, Dialect(supernet=True), RESERVED | {constant_name(d.name) for d in space.dimensions}
    )
    *blocks, network = classes.build(space.network, "Supernet")
    params, macs = parameter_terms(space.network), multiply_add_terms(space.network)
    bodies = (formula.function_body(params, space), formula.function_body(macs, space))
    restrictions = conditions.condition_texts(space)
    outputs = [v.type for v in space.network.outputs]
    used = _used(classes, space, [*blocks, network], [*bodies[0], *bodies[1], *restrictions])
    return SupernetFile(
        name=space.name,
        path=file_name(space.path),
        sha256=space.sha256,
        fingerprint=space.fingerprint,
        title=space.title,
        params=", ".join(f"{n}={ex.show_scalar(v)}" for n, v in space.params.items()),
        architectures=str(count(space)),
        parameters=_range(space, params),
        macs=_range(space, macs),
        groups=tuple(_group_lines(groups(space))),
        dims=tuple(_dimension(d) for d in space.dimensions),
        constants=tuple(_dimension(d) for d in _by_dependence(space.dimensions)),
        inputs=tuple((t.name, t.value.type.kind, _shape(t.value.type)) for t in space.inputs),
        output=f'("{outputs[0].kind}", {_shape(outputs[0])})' if len(outputs) == 1 else '("several", ())',
        result="Tensor" if len(outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(outputs))}]",
        count_params=tuple(bodies[0]),
        count_macs=tuple(bodies[1]),
        conditions=tuple(restrictions),
        blocks=tuple(blocks),
        network=network,
        core_imports=tuple(used[0]),
        layer_imports=tuple(used[1]),
        standard_imports=_standard_imports(space, [*bodies[0], *bodies[1], *restrictions]),
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
        *classes.functions,
    }
    core |= {
        a
        for c in everything
        for p in c.parameters
        for a in p.annotation.split(" | ")
        if a in ("Axis", "Extent")
    }
    core |= {f for d in space.dimensions for present in d.present for f in functions_in(present)}
    if any("Depth(" in line and "= Depth(" in line for line in lines):
        core.add("Depth")
    if any("divisible(" in t for t in texts):
        core.add("divisible")
    layers = {name for name in classes.constructors if "." not in name}
    layers |= {"Block" if c.results == 1 else "TupleBlock" for c in everything[:-1]}
    return sorted(core), sorted(layers)


def _standard_imports(space: Space, texts: Sequence[str]) -> tuple[str, ...]:
    lines = ["import math"] if any("math." in t for t in texts) else []
    if any(len(d.groups) > 1 for d in space.dimensions):
        lines.append("from collections.abc import Mapping")
    lines.append("from dataclasses import dataclass")
    if any("Fraction(" in t for t in (*texts, *(_dimension(d).arguments for d in space.dimensions))):
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


def _range(space: Space, terms: Sequence[Term]) -> str:
    low, high = cost_range(space, tuple(terms))
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


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


def _dimension(dim: Dimension) -> Choice:
    scalars = [[number_text(c) for c in p.choices] for p in dim.positions]
    options = []
    if all(s == scalars[0] for s in scalars):
        options.append(f"[{', '.join(scalars[0])}]")
    else:
        rows = ", ".join(f"[{', '.join(row)}]" for row in scalars)
        options.append(f"lists=[{rows}]")
    if dim.per:
        options += [f'per="{dim.per.removeprefix("per ")}"', f"positions={len(dim.positions)}"]
        if len(dim.groups) > 1:
            counts = {g: sum(p.group == g for p in dim.positions) for g in dim.groups}
            options.append("groups={" + ", ".join(f'"{g}": {n}' for g, n in counts.items()) + "}")
    if any(c != TRUE for c in dim.present):
        options.append(f"present={_present(dim.present)}")
    if dim.sampled_only:
        options.append("sampled=True")
    return Choice(
        field(dim.name),
        constant_name(dim.name),
        f'"{dim.name}", {", ".join(options)}',
        _type_of(dim),
        _remark(dim),
    )


def _present(conditions: Sequence[Extent]) -> str:
    """`[i < DEPTH for i in range(14)]` where the conditions follow that rule, else one by one."""
    first = next((c for c in conditions if c.kind == ">"), None)
    if first is not None and not any(p.scoped for p in first.positions):
        follows = [ex.apply(">", first.args[0], ex.const(i)) for i in range(len(conditions))]
        if all(c == f or ex.equal(c, f) for c, f in zip(conditions, follows, strict=True)):
            return f"[i < {extent_text(first.args[0])[0]} for i in range({len(conditions)})]"
    return f"[{', '.join(extent_text(c)[0] for c in conditions)}]"


def _type_of(dim: Dimension) -> str:
    kinds = {_python_type(c) for p in dim.positions for c in p.choices}
    kind = "float" if kinds == {"int", "float"} else " | ".join(sorted(kinds))
    absent = " | None" if any(c != TRUE for c in dim.present) else ""
    if len(dim.groups) > 1:
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
        return f"{dim.per}: {len(dim.positions)} positions, each with choices of its own"
    choices = " | ".join(map(ex.show_scalar, dim.positions[0].choices))
    return f"{choices}{f', {dim.per}' if dim.per else ''}"
