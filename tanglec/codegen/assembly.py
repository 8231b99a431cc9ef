"""One class out of the instances that share it: its constructor, its parameters, and the lines of its `forward`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from tanglec.codegen.body import MARK, Dialect
from tanglec.codegen.constructors import aligned, argument_name
from tanglec.codegen.generalise import Generaliser, Unfit
from tanglec.codegen.layout import INDENT
from tanglec.codegen.lists import among, comprehension
from tanglec.codegen.members import Source
from tanglec.codegen.naming import Namer, attribute, file_name, variable
from tanglec.codegen.parameters import Parameter, Values
from tanglec.codegen.runs import runs
from tanglec.codegen.shape import Part, Place, Shape
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Constructor, Layer, Slot, Value
from tanglec.ir.types import Axis
from tanglec.record import record

_BRACKETED = re.compile(r"if not \(([\w.]+)\):")  # brackets that what they hold does not need
_EQUAL = re.compile(r"\w+ == \w+")
_WITH_COMMENT = 92  # a line that is longer with its comment goes without


@record()
class Class:
    """A class as it is printed."""

    name: str
    block: str
    path: str
    parameters: tuple[Parameter, ...]
    layers: tuple[str, ...]  # statements of the constructor
    inputs: tuple[tuple[str, str], ...]  # name and annotation of each input of `forward`
    results: int
    forward: tuple[str, ...]
    functions: frozenset[str]  # of the runtime, that its sizes call


@record()
class Made:
    """What makes a layer or a block; `parameters` are the names of a block's arguments."""

    make: Constructor
    parameters: tuple[str, ...] | None = None


class Assembly:
    """Puts one class together. `made` tells what makes a layer (or, by the mark of its call, a block)."""

    def __init__(self, shape: Shape, dialect: Dialect, made: Callable[[object], Made]) -> None:
        self.shape, self.dialect, self.made = shape, dialect, made
        places = runs([self._slots(i) for i in range(len(shape.instances))]) if dialect.supernet else {}
        self.general = Generaliser(self._offered(), places, integers=not dialect.supernet)
        self._named: dict[str, str] = {}  # attributes by what they hold
        self._attributes = Namer({part.name for part in shape.parts})

    def build(self) -> Class:
        """The class, still without a name. Raises `Unfit` where instances that a condition tells apart differ in more."""
        first = self.shape.instances[0]
        layers = self._layers()
        forward = self._forward()
        held = [f"self.{attribute} = {text}" for text, attribute in self._named.items()]
        return Class(
            "",
            first.block,
            file_name(first.path),
            tuple(self.general.parameters),
            (*layers, *held),
            tuple((variable(n), self._annotation(v)) for n, v in first.inputs),
            len(first.outputs),
            tuple(forward),
            frozenset(self.general.functions),
        )

    def _annotation(self, value: Value | Layer) -> str:
        return "Tensor" if isinstance(value, Value) else self.made(value).make.name

    def _slots(self, number: int) -> list[Slot]:
        """Everything that an instance's constructor and `forward` are given."""
        slots = [slot[1] for slot in self.shape.printed[number].slots if slot is not None]
        for member in self.shape.members[number]:
            for source in () if member is None else member.sources:
                make = self.made(source).make
                slots += [*make.args, *(value for _, value in make.options)]
        return slots

    def _offered(self) -> list[tuple[str, Values]]:
        """The user's static arguments, and the widths of the tensors that come in."""
        instances = self.shape.instances
        offered: list[tuple[str, Values]] = []
        for name in instances[0].arguments:
            values = tuple(i.arguments[name] for i in instances)
            if all(isinstance(v, Extent | Axis) for v in values):
                offered.append((name, values))
        if self.dialect.supernet:
            for place, (name, value) in enumerate(instances[0].inputs):
                if isinstance(value, Value):
                    widths = tuple(i.inputs[place][1].type.features for i in instances)  # type: ignore[union-attr]
                    offered.append(("width" if place == 0 else f"{name}_width", widths))
        return offered

    # --- forward -----------------------------------------------------------------------------------------------------

    def _forward(self) -> list[str]:
        """The lines of `forward` with their marks filled in."""
        columns = zip(*(lines.slots for lines in self.shape.printed), strict=True)
        texts = [self._filled(column) for column in columns]
        lines = []
        for number, line in enumerate(self.shape.printed[0].text):
            line = MARK.sub(lambda mark: texts[int(mark[1])], line)
            line = _BRACKETED.sub(r"if not \1:", line)
            comments = {printed.comments.get(number, "") for printed in self.shape.printed}
            comment = comments.pop() if len(comments) == 1 else ""
            if comment and self.dialect.supernet and len(line) + len(comment) < _WITH_COMMENT:
                line = f"{line}  # {comment}"
            lines.append(line)
        return lines

    def _filled(self, column: Sequence[tuple[str, Slot] | None]) -> str:
        """What a mark stands for; an attribute where instances differ."""
        known = [slot for slot in column if slot is not None]
        hint, values = known[0][0], tuple(value for _, value in known)
        self._only([slot is not None for slot in column])
        text = self.general(values, hint)
        if self.general.alike(values):
            return text
        if self.general.some is not None and not text.isidentifier():
            raise Unfit
        if text not in self._named:
            own = text if text.isidentifier() else _dimension(values) or hint
            self._named[text] = self._attributes(attribute(own))
        return f"self.{self._named[text]}"

    # --- layers ------------------------------------------------------------------------------------------------------

    def _only(self, present: Sequence[bool]) -> None:
        """Speak of the instances that have a slot or member."""
        self.general.some = None if all(present) else [i for i, has in enumerate(present) if has]

    def _layers(self) -> list[str]:
        """The statements that make the members, those of a condition under it."""
        made = [(part, self._layer(place, part)) for place, part in enumerate(self.shape.parts)]
        self._only([True])
        statements: list[str] = []
        before: tuple[Place | None, bool] = (None, True)
        for (place, sense), group in groupby(made, lambda m: (m[0].place, m[0].sense)):
            if place is not None:
                decisions = tuple(i.decisions[place] for i in self.shape.instances)
                condition = self.general(decisions, "condition")
                question = f"if {condition if sense else _negated(condition)}:"
                statements.append("else:" if before == (place, not sense) else question)
            statements += (f"{INDENT if place else ''}{statement}" for _, statement in group)
            before = (place, sense)
        return statements

    def _layer(self, place: int, part: Part) -> str:
        entries = [members[place] for members in self.shape.members]
        self._only([entry is not None for entry in entries])
        known = [entry for entry in entries if entry is not None]
        member, rows = known[0], [entry.sources for entry in known]
        if not member.many:
            (column,) = zip(*rows, strict=True)
            return f"self.{member.name} = {self._text(column)}"
        if member.holes:  # keys of the `state_dict` as in the whole list
            items = zip(member.places, zip(*rows, strict=True), strict=True)
            texts = [f'"{i}": {self._text(column)}' for i, column in items]
            return f"self.{member.name} = nn.ModuleDict({{{', '.join(texts)}}})"
        return f"self.{member.name} = nn.ModuleList({self._list(rows)})"

    def _text(self, column: Sequence[object]) -> str:
        """The constructor of one layer, over all instances of the class."""
        parameters = self.made(column[0]).parameters
        makes = aligned([self.made(source).make for source in column])
        first = makes[0]
        arguments = [
            self.general(tuple(m.args[j] for m in makes), argument_name(first.name, j, parameters))
            for j in range(len(first.args))
        ]
        for j, (option, _) in enumerate(first.options):
            arguments.append(f"{option}={self.general(tuple(m.options[j][1] for m in makes), option)}")
        return f"{first.name}({', '.join(arguments)})"

    def _list(self, rows: Sequence[Sequence[Source]]) -> str:
        """The items of a module list: a comprehension where they follow one rule, else one by one."""
        columns = list(zip(*rows, strict=True))
        kinds: dict[str, list[int]] = {}
        for i, column in enumerate(columns):
            kinds.setdefault(self.made(column[0]).make.name, []).append(i)
        known = len(self.general.parameters)
        loops = [self._items([columns[i] for i in places], places) for places in kinds.values()]
        count = len(columns)
        if count > 1 and len(loops) == 1 and loops[0] is not None:
            running = "i" if re.search(r"\bi\b", loops[0]) else "_"
            return f"{loops[0]} for {running} in range({count})"
        if len(loops) == 2 and loops[0] is not None and loops[1] is not None:
            fewer = min(kinds.values(), key=len)
            one, other = loops if fewer is [*kinds.values()][0] else loops[::-1]
            return f"{one} if i in {among(fewer)} else {other} for i in range({count})"
        self.general.forget(known)
        return "[" + ", ".join(self._text(column) for column in columns) + "]"

    def _items(self, columns: Sequence[Sequence[object]], places: Sequence[int]) -> str | None:
        """Alike items at some places of a list as an expression in `i`; None if no rule fits."""
        makes = [[self.made(source).make for source in column] for column in columns]
        if len({len(m.args) for column in makes for m in column}) > 1:
            return None
        flat = aligned([m for column in makes for m in column])
        width = len(makes[0])
        grid = [flat[i : i + width] for i in range(0, len(flat), width)]
        return comprehension(grid, places, self.made(columns[0][0]).parameters, self.general)


def _negated(condition: str) -> str:
    """`not se`, `stride != 1`."""
    if condition.isidentifier():
        return f"not {condition}"
    return condition.replace(" == ", " != ") if _EQUAL.fullmatch(condition) else f"not ({condition})"


def _dimension(values: Values) -> str:
    """The dimension whose choices these are, if they are choices."""
    dims = {v.positions[0].dim if isinstance(v, Extent) and v.kind == "choice" else "" for v in values}
    return variable(dims.pop()) if len(dims) == 1 else ""
