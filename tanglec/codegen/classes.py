"""Classes for instances: blocks of the same shape are one class, what differs between them its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tanglec.codegen.body import Dialect, Lines, Printer
from tanglec.codegen.generalise import Generaliser, Parameter, Values
from tanglec.codegen.lists import comprehension
from tanglec.codegen.members import Member, makers, members
from tanglec.codegen.naming import Namer, class_name, file_name, variable
from tanglec.codegen.reads import calls, operations
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Constructor, Instance, Layer, Slot, Value
from tanglec.ir.types import Axis

# What a constructor's positional arguments are, for the names of parameters.
_ARGUMENTS = {
    "Attend": ("heads", "head_dim"),
    "Conv": ("width", "width", "kernel"),
    "Depthwise": ("width", "kernel"),
    "Embedding": ("vocab", "width"),
    "Position": ("length", "width"),
    "nn.Conv2d": ("width", "width", "kernel"),
    "nn.Dropout": ("p",),
}


@dataclass(frozen=True, slots=True)
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


@dataclass(slots=True, eq=False)
class _Shape:
    """Instances that can share a class."""

    instances: list[Instance] = field(default_factory=list)
    printed: list[Lines] = field(default_factory=list)
    members: list[tuple[Member, ...]] = field(default_factory=list)


@dataclass(eq=False)
class Classes:
    """Builds the classes below the network, children first."""

    whole: Instance  # the network of the whole space: names are found on it
    dialect: Dialect
    taken: frozenset[str]
    functions: set[str] = field(default_factory=set)
    constructors: set[str] = field(default_factory=set)
    support: set[str] = field(default_factory=set)

    def build(self, network: Instance, name: str) -> list[Class]:
        """All classes, the network's last, under the given name."""
        self._prepare(network)
        keys: dict[int, int] = {}
        shapes: dict[tuple[object, ...], _Shape] = {}
        numbers: dict[tuple[object, ...], int] = {}
        for instance in self._postorder(network):
            lines = Printer(instance, self._members(instance), self.dialect).print()
            key = self._key(instance, lines, keys)
            shape = shapes.setdefault(key, _Shape())
            shape.instances.append(instance)
            shape.printed.append(lines)
            shape.members.append(self._members(instance))
            keys[id(instance.mark)] = numbers.setdefault(key, len(numbers))
        namer = Namer(self.taken, joint="")
        result = []
        for shape in shapes.values():
            last = shape.instances[-1] is network
            result.append(self._class(shape, name if last else namer(class_name(shape.instances[0].block))))
        return result

    # --- what there is -----------------------------------------------------------------------------------------------

    def _prepare(self, network: Instance) -> None:
        originals = {id(i.mark): i for i in self._postorder(self.whole)}
        first = {layer: operation for layer, operation in reversed(list(makers(self.whole.body)))}
        self._originals = {mark: members(i, first) for mark, i in originals.items()}
        self._operations = {layer: operation for layer, operation in reversed(list(makers(network.body)))}
        self._calls = {id(c.mark): c.instance for i in self._postorder(network) for c in calls(i.body)}
        self._made: dict[int, tuple[str, tuple[Slot, ...]]] = {}
        self._parameters: dict[str, tuple[str, ...]] = {}

    def _postorder(self, instance: Instance) -> Iterator[Instance]:
        for call in calls(instance.body):
            yield from self._postorder(call.instance)
        yield instance

    def _members(self, instance: Instance) -> tuple[Member, ...]:
        """The members of the original that this (perhaps specialised) instance still has."""
        result = []
        for member in self._originals[id(instance.mark)]:
            sources = tuple(s for s in member.sources if self._has(s))
            if sources:
                result.append(Member(member.name, member.base, sources, member.many))
        return tuple(result)

    def _has(self, source: object) -> bool:
        if isinstance(source, Layer):
            return source in self._operations and self._constructor(source) is not None
        return id(source) in self._calls

    def _constructor(self, layer: Layer) -> Constructor | None:
        return self.dialect.code(self._operations[layer]).layer

    def _key(self, instance: Instance, lines: Lines, keys: dict[int, int]) -> tuple[object, ...]:
        parts = []
        for member in self._members(instance):
            inner: list[object] = []
            for source in member.sources:
                if isinstance(source, Layer):
                    make = self._constructor(source)
                    assert make is not None
                    inner.append((make.name, len(make.args), tuple(n for n, _ in make.options)))
                else:
                    inner.append(keys[id(self._calls[id(source)].mark)])
            parts.append((member.name, member.many, tuple(inner)))
        inputs = tuple((name, isinstance(value, Layer)) for name, value in instance.inputs)
        return instance.block, instance.path, inputs, tuple(lines.text), tuple(parts)

    # --- one class ---------------------------------------------------------------------------------------------------

    def _class(self, shape: _Shape, name: str) -> Class:
        first = shape.instances[0]
        general = Generaliser(self._offered(shape), integers=not self.dialect.supernet)
        layers = [self._layer(shape, place, general) for place in range(len(shape.members[0]))]
        forward, attributes = self._forward(shape, general)
        for i, instance in enumerate(shape.instances):
            self._made[id(instance.mark)] = (name, tuple(p.values[i] for p in general.parameters))
        self._parameters[name] = tuple(p.name for p in general.parameters)
        self.functions |= general.functions
        self._note(shape)
        inputs = tuple((variable(n), self._annotation(v)) for n, v in first.inputs)
        parameters = tuple(general.parameters)
        return Class(
            name,
            first.block,
            file_name(first.path),
            parameters,
            (*layers, *attributes),
            inputs,
            len(first.outputs),
            tuple(forward),
        )

    def _note(self, shape: _Shape) -> None:
        """Remember what the file has to import."""
        for step in operations(shape.instances[0].body):
            code = self.dialect.code(step)
            if code.support:
                self.support.add(code.support)
        for entries in shape.members:
            for member in entries:
                for source in member.sources:
                    make = self._constructor(source) if isinstance(source, Layer) else None
                    if make is not None:
                        self.constructors.add(make.name)

    def _annotation(self, value: Value | Layer) -> str:
        if isinstance(value, Value):
            return "Tensor"
        make = self._constructor(value)
        assert make is not None
        self.constructors.add(make.name)
        return make.name

    def _offered(self, shape: _Shape) -> list[tuple[str, Values]]:
        """The user's static arguments, and the widths of the tensors that come in."""
        offered: list[tuple[str, Values]] = []
        for name in shape.instances[0].arguments:
            values = tuple(i.arguments[name] for i in shape.instances)
            if all(isinstance(v, Extent | Axis) for v in values):
                offered.append((name, values))
        if self.dialect.supernet:
            for place, (name, value) in enumerate(shape.instances[0].inputs):
                if isinstance(value, Value):
                    widths = tuple(i.inputs[place][1].type.features for i in shape.instances)  # type: ignore[union-attr]
                    offered.append(("width" if place == 0 else f"{name}_width", widths))
        return offered

    def _forward(self, shape: _Shape, general: Generaliser) -> tuple[list[str], list[str]]:
        """The lines of `forward` with their marks filled in, and the attributes that those need."""
        texts, attributes = [], []
        for number in range(len(shape.printed[0].slots)):
            known = len(general.parameters)
            values = tuple(lines.slots[number] for lines in shape.printed)
            text = general(values, "size")
            if len(general.parameters) > known or text in {p.name for p in general.parameters}:
                attributes.append(f"self.{_identifier(text)} = {text}")
                text = f"self.{_identifier(text)}"
            elif any(p.name in text for p in general.parameters) and len(set(map(repr, values))) > 1:
                attributes.append(f"self.size_{number} = {text}")
                text = f"self.size_{number}"
            texts.append(text)
        lines = []
        for number, line in enumerate(shape.printed[0].text):
            for mark, text in enumerate(texts):
                line = line.replace(f"⟦{mark}⟧", text)
            comments = {printed.comments.get(number, "") for printed in shape.printed}
            comment = comments.pop() if len(comments) == 1 else ""
            if comment and self.dialect.supernet and len(line) + len(comment) < 92:
                line = f"{line}  # {comment}"
            lines.append(line)
        return lines, list(dict.fromkeys(attributes))

    # --- layers ------------------------------------------------------------------------------------------------------

    def _layer(self, shape: _Shape, place: int, general: Generaliser) -> str:
        member = shape.members[0][place]
        rows = [entries[place].sources for entries in shape.members]
        if not member.many:
            (column,) = zip(*rows, strict=True)
            return f"self.{member.name} = {self._texts(column, general)}"
        return f"self.{member.name} = nn.ModuleList({self._list(rows, general)})"

    def _make(self, source: object) -> Constructor:
        """What makes a layer or a child block."""
        if isinstance(source, Layer):
            make = self._constructor(source)
            assert make is not None
            return make
        name, arguments = self._made[id(self._calls[id(source)].mark)]
        return Constructor(name, arguments)

    def _texts(self, column: Sequence[object], general: Generaliser) -> str:
        """The constructor of one layer, over all instances of the class."""
        makes = [self._make(s) for s in column]
        arguments = [
            general(tuple(m.args[j] for m in makes), self._hint(makes[0].name, j))
            for j in range(len(makes[0].args))
        ]
        for j, (option, _) in enumerate(makes[0].options):
            arguments.append(f"{option}={general(tuple(m.options[j][1] for m in makes), option)}")
        return f"{makes[0].name}({', '.join(arguments)})"

    def _hint(self, make: str, place: int) -> str:
        """What a constructor's argument is called, where a parameter of the class has to be named after it."""
        names = self._parameters.get(make) or _ARGUMENTS.get(make, ("width", "width"))
        return names[place] if place < len(names) else "size"

    def _list(self, rows: Sequence[Sequence[object]], general: Generaliser) -> str:
        """The items of a module list: a comprehension where they follow one rule, else one by one."""
        makes = [[self._make(s) for s in row] for row in rows]
        count = len(makes[0])
        alike = (
            len({(m.name, len(m.args), tuple(n for n, _ in m.options)) for row in makes for m in row}) == 1
        )
        if alike and count > 1:
            loop = comprehension(makes, general)
            if loop is not None:
                variable_name = "i" if re.search(r"\bi\b", loop) else "_"
                return f"{loop} for {variable_name} in range({count})"
        return "[" + ", ".join(self._texts(column, general) for column in zip(*rows, strict=True)) + "]"


def _identifier(text: str) -> str:
    return text if text.isidentifier() else "size"
