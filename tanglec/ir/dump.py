"""The IR as text, one line a step: for tests and for whoever works on the compiler."""

from __future__ import annotations

from collections.abc import Iterator

from tanglec.ir import extents as ex
from tanglec.ir.nodes import Call, Choose, Operation, Repeat, Scan, Space, Step, Sum, Value


def dump(space: Space) -> str:
    """Dimensions with their positions, then the network with the type of every tensor."""
    lines = [f"space {space.name}"]
    for dimension in space.dimensions:
        lines.append(f"dim {dimension.name} {dimension.per}".rstrip() + _sampled(dimension.sampled_only))
        for position, present in zip(dimension.positions, dimension.present, strict=True):
            choices = " | ".join(map(ex.show_scalar, position.choices))
            lines.append(
                f"    {position}: {choices}" + ("" if present == ex.TRUE else f"  if {ex.show(present)}")
            )
    lines += [f"require {ex.show(r.condition)}" for r in space.requirements]
    names = _Names()
    lines += [f"input {names[t.value]}: {t.value.type}" for t in space.inputs]
    lines += _steps(space.network.body, names, "")
    lines.append(f"return {', '.join(names[v] for v in space.network.outputs)}")
    return "\n".join(lines) + "\n"


class _Names:
    """Values by the user's name and a number."""

    def __init__(self) -> None:
        self.known: dict[Value, str] = {}

    def __getitem__(self, value: Value) -> str:
        return self.known.setdefault(value, f"{value.name or 't'}{len(self.known)}")


def _sampled(why: str) -> str:
    return f" (sampled only: {why})" if why else ""


def _steps(steps: tuple[Step, ...], names: _Names, margin: str) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Operation):
            yield margin + _operation(step, names)
        elif isinstance(step, Call):
            yield from _call(step, names, margin)
        elif isinstance(step, Repeat):
            yield f"{margin}repeat {ex.show(step.count)}"
            for i, body in enumerate(step.bodies):
                yield f"{margin}  iteration {i}"
                yield from _steps(body, names, margin + "    ")
            for carried in step.carried if step.elastic else ():
                values = ", ".join(names[v] for v in (carried.before, *carried.after))
                yield f"{margin}  {names[carried.result]} = one of {values}"
        elif isinstance(step, Choose):
            yield from _choose(step, names, margin)
        elif isinstance(step, Sum):
            yield from _sum(step, names, margin)
        elif isinstance(step, Scan):
            yield f"{margin}scan {names[step.token]} in {names[step.xs]}, {names[step.state]} from {names[step.initial]}"
            yield from _call(step.call, names, margin + "    ")
            yield f"{margin}  {names[step.result]}: {step.result.type}"
        else:
            yield f"{margin}if {ex.show(step.condition)}"
            yield from _steps(step.then, names, margin + "    ")
            yield f"{margin}else"
            yield from _steps(step.otherwise, names, margin + "    ")
            for joined in step.joined:
                either = f"{names[joined.then]} or {names[joined.otherwise]}"
                yield f"{margin}  {names[joined.result]} = {either}"


def _operation(step: Operation, names: _Names) -> str:
    inputs = ", ".join(names[v] for v in step.inputs)
    mixed = f"  # {step.lowering} over {', '.join(map(str, step.sums_over))}" if step.sums_over else ""
    return f"{names[step.output]}: {step.output.type} = {step.op}({inputs}){mixed}"


def _call(step: Call, names: _Names, margin: str) -> Iterator[str]:
    inputs = [names[v] if isinstance(v, Value) else v.name for v in step.inputs]
    inside = [names[v] if isinstance(v, Value) else v.name for _, v in step.instance.inputs]
    yield f"{margin}{step.instance.block}({', '.join(f'{a}={b}' for a, b in zip(inside, inputs, strict=True))})"
    yield from _steps(step.instance.body, names, margin + "    ")
    results = zip(step.results, step.instance.outputs, strict=True)
    yield f"{margin}  {', '.join(f'{names[a]} = {names[b]}' for a, b in results)}"


def _choose(step: Choose, names: _Names, margin: str) -> Iterator[str]:
    yield f"{margin}choose {step.on.positions[0]}"
    for arm in step.arms:
        shared = "entangled " if len(arm.labels) > 1 else ""
        yield f"{margin}  {shared}{', '.join(map(ex.show_scalar, arm.labels))}"
        yield from _steps(arm.body, names, margin + "    ")
    values = ", ".join(names[arm.value] for arm in step.arms)
    yield f"{margin}  {names[step.result]}: {step.result.type} = one of {values}"


def _sum(step: Sum, names: _Names, margin: str) -> Iterator[str]:
    for gate, edge in zip(step.gates, step.edges, strict=True):
        condition = "" if gate == ex.TRUE else f" if {ex.show(gate)}"
        yield f"{margin}edge{condition}"
        yield from _call(edge, names, margin + "    ")
    values = " + ".join(names[edge.results[0]] for edge in step.edges)
    yield f"{margin}  {names[step.result]} = {values}"
