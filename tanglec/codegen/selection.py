"""Choices between operations and sums of edges as Python.

op = Choose(self.op, at)
if arm := op.arm("skip_connect"):
    op.add(x)
if arm := op.arm("conv_3x3", "conv_5x5"):
    op.add(self.conv(x, arm))
return op.value()
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tanglec.codegen.expressions import number_text
from tanglec.codegen.layout import INDENT
from tanglec.codegen.naming import variable
from tanglec.ir.nodes import Arm, Choose, Layer, Scan, Slot, Sum, Value
from tanglec.ir.types import Axis

if TYPE_CHECKING:
    from tanglec.codegen.body import Printer


def print_choice(printer: Printer, step: Choose) -> None:
    """One `if` for every arm; the sum is the value."""
    printer.settle()
    name = printer.fresh(variable(step.on.positions[0].dim))
    printer.reserved.add(name)
    arm_name = printer.fresh("arm")
    printer.reserved.add(arm_name)
    printer.line(f"{name} = Choose({', '.join(_arguments(printer, step))})")
    for arm in step.arms:
        _arm(printer, step, arm, name, arm_name)
    printer.reserved -= {name, arm_name}
    printer.produce(step.result, f"{name}.value()", "")


def _arguments(printer: Printer, step: Choose) -> list[str]:
    texts = [printer.slot(step.on), printer.at]
    if any(_differs(step, arm) for arm in step.arms):
        texts.append(printer.slot(step.result.type.features))
        if step.result.type.kind == "pixels":
            texts.append("dim=1")
    if step.inside:
        texts.append("inside=True")
    return texts


def _differs(step: Choose, arm: Arm) -> bool:
    """Whether the arm's padded tensor is narrower than the result's."""
    mine, theirs = arm.value.type.features, step.result.type.features
    return _sizes(mine) != _sizes(theirs)


def _sizes(axis: Axis) -> list[int]:
    return [Axis((segment,)).size for segment in axis.segments]


def _arm(printer: Printer, step: Choose, arm: Arm, name: str, arm_name: str) -> None:
    labels = ", ".join(map(number_text, arm.labels))
    header = len(printer.out.text)
    printer.line("")  # its text when it is known whether the arm runs anything
    before = (printer.at, dict(printer.names), dict(printer.holders))
    printer.at = arm_name
    printer.depth += 1
    printer.steps(arm.body)
    own: Slot = arm.value.type.features
    reads = f", {printer.slot(own)}" if _differs(step, arm) else ""
    printer.line(f"{name}.add({printer.read(arm.value)[0]}{reads})")
    printer.depth -= 1
    used = any(re.search(rf"\b{arm_name}\b", line) for line in printer.out.text[header + 1 :])
    bound = f"{arm_name} := " if used else ""
    printer.out.text[header] = f"{INDENT * printer.depth}if {bound}{name}.arm({labels}):"
    printer.at, printer.names, printer.holders = before


def print_sum(printer: Printer, step: Sum) -> None:
    """`self.edges[1](x, at) + self.edges[2](h, at)`, or the edges that are kept."""
    if step.keep is not None and printer.dialect.supernet:
        _print_kept(printer, step)
        return
    texts = []
    for edge in step.edges:
        reads = [printer.read(v)[0] if isinstance(v, Value) else printer.ref(v) for v in edge.inputs]
        texts.append(f"{printer.ref(edge.mark)}({printer.arguments(*reads)})")
    printer.assign(
        step.result, " + ".join(texts), typed=printer.dialect.supernet
    )  # items of lists have no types


def _print_kept(printer: Printer, step: Sum) -> None:
    assert step.keep is not None
    reads = [printer.read(edge.inputs[0])[0] for edge in step.edges]  # type: ignore[arg-type]
    shared = [printer.ref(layer) for layer in step.edges[0].inputs if isinstance(layer, Layer)]
    arguments = [printer.slot(step.keep), f"[{', '.join(reads)}]", _edges(printer, step), printer.at, *shared]
    printer.assign(step.result, f"kept({', '.join(arguments)})")


def _edges(printer: Printer, step: Sum) -> str:
    """`self.edges[2:5]`: the edges into one node follow one another."""
    places = [printer.many[edge.mark] for edge in step.edges]
    (name,) = {listed for listed, _ in places}
    numbers = [number for _, number in places]
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"self.{name}[{numbers[0] or ''}:{numbers[-1] + 1}]"
    return f"[{', '.join(printer.ref(edge.mark) for edge in step.edges)}]"


def print_scan(printer: Printer, step: Scan) -> None:
    """`scan(self.cell, x, h, at)`."""
    texts = [printer.ref(step.call.mark), printer.read(step.xs)[0], printer.read(step.initial)[0]]
    texts += [printer.at] if printer.dialect.supernet else []
    printer.produce(step.result, f"scan({', '.join(texts)})", "")
