"""The statements of a `forward`: steps of the IR as lines of Python, in the user's names.

What the user did not name and reads once is written in place. A variable is used again only when its old value is not
read any more; otherwise the new value gets a name of its own. Sizes that may differ between instances of a class are left
as marks (`⟦0⟧`), for the class to fill in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import field

from tanglec.codegen.expressions import ATOM
from tanglec.codegen.layout import INDENT
from tanglec.codegen.members import Member
from tanglec.codegen.naming import variable
from tanglec.codegen.reads import reads
from tanglec.codegen.repetition import Repetition
from tanglec.codegen.selection import print_choice, print_scan, print_sum
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import (
    Branch,
    Call,
    Choose,
    Code,
    Function,
    Instance,
    Layer,
    Operation,
    Repeat,
    Slot,
    Step,
    Sum,
    Value,
)
from tanglec.ir.types import TensorType
from tanglec.record import record

# How strongly the result of an operator binds, and what its operands must.
_BINDING = {
    "add": (5, 5, 5),
    "subtract": (5, 5, 6),
    "shift": (5, 5, 5),
    "multiply": (6, 6, 7),
    "scale": (6, 6, 6),
    "sum": (5, 5, 5),
}

MARK = re.compile(r"⟦(\d+)⟧")
_FUNCTION = re.compile(r"([\w.]+)\(\{0\}\)")  # code that is the plain call of a function

WIDTH = 96  # a longer expression is taken apart


@record(eq=False, frozen=False)
class Lines:
    """Printed statements. `comments` belong to lines by number; `slots` are what the marks stand for, with a hint."""

    text: list[str] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    slots: list[tuple[str, Slot] | None] = field(default_factory=list)


@record()
class Dialect:
    """The two ways to print: a supernet, whose layers are told `at` which choices to run, or a stand-alone module."""

    supernet: bool

    def code(self, operation: Operation) -> Code:
        return operation.supernet if self.supernet else operation.plain


class Printer:
    """Prints one body. `refs` are the texts of layers and blocks, `names` those of tensors."""

    def __init__(self, instance: Instance, members: Iterable[Member], dialect: Dialect) -> None:
        self.instance, self.dialect = instance, dialect
        self.out = Lines()
        self.depth = 0
        self.names: dict[Value, str] = {}
        self.holders: dict[str, Value] = {}
        self.declared: set[str] = set()
        self.pending: dict[Value, tuple[str, int]] = {}
        self.left: Counter[Value] = Counter(reads(instance.body, instance.outputs))
        self.reserved: set[str] = {"at"}
        self.inline: set[Value] = set()  # named values that are written where they are read all the same
        self.at = "at"  # what to run at; inside an arm of a choice it is another
        self.many = {
            s: (m.name, i) for m in members if m.many for s, i in zip(m.sources, m.places, strict=True)
        }
        self.holes = {m.name for m in members if m.many and m.holes}
        self.bases = {m.name: m.base for m in members}
        self.refs: dict[object, str] = {s: f"self.{m.name}" for m in members if not m.many for s in m.sources}
        for name, value in instance.inputs:
            if isinstance(value, Layer):
                self.refs[value] = variable(name)
                self.reserved.add(variable(name))
            else:
                self.bind(value, variable(name))

    def print(self) -> Lines:
        """The lines of the whole `forward`."""
        self.steps(self.instance.body)
        self.line(f"return {', '.join(self.read(v)[0] for v in self.instance.outputs)}")
        return self.out

    # --- lines and names ---------------------------------------------------------------------------------------------

    def line(self, text: str, comment: str = "") -> None:
        if comment:
            self.out.comments[len(self.out.text)] = comment
        self.out.text.append(INDENT * self.depth + text)

    def append(self, lines: Lines) -> None:
        """Lines that a copy printed."""
        offset = len(self.out.text)
        self.out.text.extend(lines.text)
        self.out.comments.update({offset + n: c for n, c in lines.comments.items()})
        self.out.slots = lines.slots

    def slot(self, value: Slot, hint: str = "size") -> str:
        """A mark for something that is printed when all instances are known; `hint` names it where they differ."""
        self.out.slots.append((hint, value))
        return f"⟦{len(self.out.slots) - 1}⟧"

    def bind(self, value: Value, name: str) -> None:
        self.names[value] = name
        self.holders[name] = value
        self.declared.add(name)

    def fresh(self, hint: str) -> str:
        """A variable that holds nothing which is still read, also not by an expression that is still to be written."""
        name, n = hint, 1
        while name in self.reserved or self._held(name):
            n += 1
            name = f"{hint}_{n}"
        return name

    def _held(self, name: str) -> bool:
        if name not in self.holders:
            return False
        waiting = (text for text, _ in self.pending.values() if name in text)
        return self.left[self.holders[name]] > 0 or any(re.search(rf"\b{name}\b", text) for text in waiting)

    def assign(self, value: Value, text: str, comment: str = "", typed: bool = False) -> None:
        """A value in a variable; `typed` says of a new one what it is, where type checkers cannot know."""
        name = self.fresh(variable(value.name or "h"))
        declared = f"{name}: Tensor" if typed and name not in self.declared else name
        self.bind(value, name)
        self.line(f"{declared} = {text}", comment)

    def read(self, value: Value) -> tuple[str, int]:
        """The text of a value that is read once more, and how strongly it binds."""
        self.left[value] -= 1
        if value in self.pending:
            return self.pending.pop(value)
        return self.names[value], ATOM

    def copy(self) -> Printer:
        """The same state with lines of its own, one level deeper: for trying how something prints."""
        trial = Printer.__new__(Printer)
        trial.__dict__.update(self.__dict__)
        trial.out = Lines(slots=list(self.out.slots))
        trial.names, trial.holders, trial.refs = dict(self.names), dict(self.holders), dict(self.refs)
        trial.declared = set(self.declared)
        trial.pending, trial.left = dict(self.pending), Counter(self.left)
        trial.depth = self.depth + 1
        return trial

    # --- steps -------------------------------------------------------------------------------------------------------

    def steps(self, body: tuple[Step, ...]) -> None:
        for step in body:
            if isinstance(step, Operation):
                self._operation(step)
            elif isinstance(step, Call):
                self._call(step)
            elif isinstance(step, Repeat):
                Repetition(self, step).print()
            elif isinstance(step, Branch):
                self._branch(step)
            elif isinstance(step, Choose):
                print_choice(self, step)
            elif isinstance(step, Sum):
                print_sum(self, step)
            else:
                print_scan(self, step)

    def _operation(self, step: Operation) -> None:
        code = self.dialect.code(step)
        if step.op != "sum":  # a long sum is broken before its terms
            self._unnest(code, step.inputs)
        texts = [self.read(v) for v in step.inputs]
        text = self._filled(code, texts, step)
        comment = f"(B, {shape_text(step.output.type)})" if step.shape_comment else ""
        self.produce(step.output, text, comment, _BINDING.get(step.op, (ATOM,))[0])

    def _unnest(self, code: Code, inputs: tuple[Value, ...]) -> None:
        """Give names to nested expressions where the whole would be too long."""
        nested = [v for v in inputs if v in self.pending]
        if sum(len(self.pending[v][0]) for v in nested) + len(code.call) > WIDTH:
            for value in nested:
                self.assign(value, self.pending.pop(value)[0])

    def _filled(self, code: Code, texts: list[tuple[str, int]], step: Operation) -> str:
        call = code.call
        for i, (text, binds) in enumerate(texts):
            argument = re.search(rf"[(\[,] ?\{{{i}\}}[,)\]]", call)
            reaches = re.search(rf"\{{{i}\}}[.\[]", call)  # a method or an index of it
            needed = ATOM if reaches else 0 if argument else _BINDING.get(step.op, (0, 0, 0))[min(i + 1, 2)]
            if binds < needed:
                texts[i] = (f"({text})", ATOM)
        handed_on = _FUNCTION.fullmatch(call) if step.via else None
        if handed_on:
            call = f"{self.slot(Function(handed_on[1]), step.via)}({{0}})"
        names = {name: self._size(value, name) for name, value in code.values}
        layer = self.ref(step.layer) if step.layer is not None and "{layer}" in call else ""
        tied = f"{self.ref(step.tied)}.weight" if step.tied is not None else ""
        if self.at != "at":
            call = re.sub(r"\bat\b", self.at, call)
        return call.format(*(t for t, _ in texts), layer=layer, tied=tied, **names)

    def _size(self, value: Slot, hint: str) -> str:
        mark = self.slot(value, hint)
        elastic = isinstance(value, Extent) and not value.is_constant
        return f"{self.at}.size({mark})" if elastic else mark

    def ref(self, source: object) -> str:
        """The text of a layer or block."""
        if source in self.refs:
            return self.refs[source]
        name, index = self.many[source]
        return f'self.{name}["{index}"]' if name in self.holes else f"self.{name}[{index}]"

    def arguments(self, *texts: str) -> str:
        """The arguments of a layer or block."""
        return ", ".join((*texts, self.at) if self.dialect.supernet else texts)

    def produce(self, value: Value, text: str, comment: str, binds: int = ATOM) -> None:
        """A value in a variable, or in place of its only reading."""
        if value not in self.inline and (value.name or self.left[value] != 1):
            self.assign(value, text, comment)
        else:
            self.pending[value] = (text, binds)

    def _call(self, step: Call) -> None:
        for value in step.inputs:
            if (
                isinstance(value, Value)
                and value in self.pending
                and len(self.pending[value][0]) > WIDTH // 2
            ):
                self.assign(value, self.pending.pop(value)[0])
        texts = [self.read(v)[0] if isinstance(v, Value) else self.ref(v) for v in step.inputs]
        text = f"{self.ref(step.mark)}({self.arguments(*texts)})"
        if len(step.results) == 1:
            self.produce(step.results[0], text, "")
            return
        names = []
        for result in step.results:
            names.append(self.fresh(variable(result.name or "h")))
            self.bind(result, names[-1])
            self.left[result] += 1  # not to be overwritten by its siblings
        for result in step.results:
            self.left[result] -= 1
        self.line(f"{', '.join(names)} = {text}")

    # --- conditions --------------------------------------------------------------------------------------------------

    def _branch(self, step: Branch) -> None:
        self.settle()
        names, condition = self._joined_names(step), self.slot(step.condition, "condition")
        self.line(f"if {self.at}.holds({condition}):")
        sides = [
            (step.then, [(n, j.then) for n, j in zip(names, step.joined, strict=True)]),
            (step.otherwise, [(n, j.otherwise) for n, j in zip(names, step.joined, strict=True)]),
        ]
        self._side(*sides[0], other=sides[1])
        self.line("else:")
        self._side(*sides[1])
        for name, joined in zip(names, step.joined, strict=True):
            self.bind(joined.result, name)

    def settle(self) -> None:
        """Give what is still to be written in place a name before statements come between."""
        for value in list(self.pending):
            self.assign(value, self.pending.pop(value)[0])

    def _joined_names(self, step: Branch) -> list[str]:
        """Variables for the results; what only the sides still read may be overwritten."""
        inside = Counter(reads((step,), ()))
        self.left.subtract(inside)
        names: list[str] = []
        for joined in step.joined:
            name = self.fresh(variable(joined.result.name or "h"))
            self.reserved.add(name)
            names.append(name)
        self.reserved.difference_update(names)
        self.left.update(inside)
        return names

    def _side(
        self,
        body: tuple[Step, ...],
        results: list[tuple[str, Value]],
        other: tuple[tuple[Step, ...], list[tuple[str, Value]]] | None = None,
    ) -> None:
        """One side. What only the `other` side still reads may be overwritten here."""
        before = (dict(self.names), dict(self.holders))
        elsewhere = Counter(reads(other[0], (v for _, v in other[1]))) if other else Counter()
        self.left.subtract(elsewhere)
        self.depth += 1
        start = len(self.out.text)
        self.steps(body)
        moved = [(name, self.read(value)[0]) for name, value in results]
        self.move(moved)
        if len(self.out.text) == start:
            self.line("pass")
        self.depth -= 1
        self.left.update(elsewhere)
        self.names, self.holders = before

    def move(self, pairs: list[tuple[str, str]]) -> None:
        pairs = [(name, text) for name, text in pairs if name != text]
        if pairs:
            self.line(f"{', '.join(n for n, _ in pairs)} = {', '.join(t for _, t in pairs)}")


def shape_text(type: TensorType) -> str:
    """`embed, 7, 7` or `50, embed`: sizes in PyTorch's order, as the user wrote them."""
    sizes = [ex.show(s) for s in type.sizes]
    features = " + ".join(ex.show(s) for s in type.features.segments)
    if type.kind == "pixels":
        return ", ".join([features, *sizes])
    return ", ".join([*([] if type.heads is None else [ex.show(type.heads)]), *sizes, features])
