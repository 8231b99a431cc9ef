"""Classes for instances: blocks of the same shape are one class, what differs between them its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tanglec.codegen.assembly import Assembly, Class, Made
from tanglec.codegen.body import Dialect, Printer
from tanglec.codegen.constructors import required_options
from tanglec.codegen.generalise import Unfit
from tanglec.codegen.members import Member, makers, members
from tanglec.codegen.naming import Namer, class_name
from tanglec.codegen.reads import calls, operations
from tanglec.codegen.shape import Part, Shape
from tanglec.codegen.variants import joined
from tanglec.ir.nodes import Constructor, Instance, Layer


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
        self._namer = Namer(self.taken, joint="")
        result: list[Class] = []
        for instances in self._by_block(network):
            for shape in joined(self._shapes(instances)):
                result += self._classes(shape, name if instances[-1] is network else "")
        return result

    def _by_block(self, network: Instance) -> list[list[Instance]]:
        """All instances block by block, behind those of the blocks that they call."""
        groups: dict[object, list[Instance]] = {}
        for instance in self._postorder(network):
            groups.setdefault(_block(instance, network), []).append(instance)
        ordered: dict[object, list[Instance]] = {}

        def visit(block: object) -> None:
            for instance in groups[block]:
                for call in calls(instance.body):
                    if (called := _block(call.instance, network)) not in ordered:
                        visit(called)
            ordered[block] = groups[block]

        visit(_block(network, network))
        return list(ordered.values())

    def _shapes(self, instances: list[Instance]) -> list[Shape]:
        """The instances of one block by what they agree in: all but sizes, functions and options, which can be parameters."""
        shapes: dict[object, Shape] = {}
        for instance in instances:
            own = self._members(instance)
            lines = Printer(instance, own, self.dialect).print()
            parts = tuple(Part(m.name, m.many, m.places, tuple(map(self._kind, m.sources))) for m in own)
            header = tuple((name, isinstance(value, Layer)) for name, value in instance.inputs)
            shape = shapes.setdefault((header, parts, tuple(lines.text)), Shape(header, parts))
            shape.instances.append(instance)
            shape.printed.append(lines)
            shape.members.append(own)
        return list(shapes.values())

    def _kind(self, source: object) -> object:
        """What sources of instances of one class agree in."""
        made = self._make(source)
        return (made.make.name, len(made.make.args), required_options(made.make))

    # --- what there is -----------------------------------------------------------------------------------------------

    def _prepare(self, network: Instance) -> None:
        originals = {id(i.mark): i for i in self._postorder(self.whole)}
        first = {layer: operation for layer, operation in reversed(list(makers(self.whole.body)))}
        self._originals = {mark: members(i, first) for mark, i in originals.items()}
        self._operations = {layer: operation for layer, operation in reversed(list(makers(network.body)))}
        self._calls = {id(c.mark): c.instance for i in self._postorder(network) for c in calls(i.body)}
        self._made: dict[int, Made] = {}

    def _postorder(self, instance: Instance) -> Iterator[Instance]:
        for call in calls(instance.body):
            yield from self._postorder(call.instance)
        yield instance

    def _members(self, instance: Instance) -> tuple[Member, ...]:
        """The members of the original that this (perhaps specialised) instance still has."""
        result = []
        for member in self._originals[id(instance.mark)]:
            kept = [i for i, source in enumerate(member.sources) if self._has(source)]
            sources = tuple(member.sources[i] for i in kept)
            if sources:
                places = tuple(kept) if member.many else ()
                result.append(Member(member.name, member.base, sources, member.many, places))
        return tuple(result)

    def _has(self, source: object) -> bool:
        if isinstance(source, Layer):
            return source in self._operations and self._constructor(source) is not None
        return id(source) in self._calls

    def _constructor(self, layer: Layer) -> Constructor | None:
        return self.dialect.code(self._operations[layer]).layer

    # --- one class ---------------------------------------------------------------------------------------------------

    def _classes(self, shape: Shape, name: str) -> list[Class]:
        """The class of a shape; one for each of those that it was joined from, where that cannot be."""
        assembly = Assembly(shape, self.dialect, self._make)
        try:
            made = assembly.build()
        except Unfit:
            return [c for origin in shape.origins for c in self._classes(origin, name)]
        made = replace(made, name=name or self._namer(class_name(shape.instances[0].block)))
        self._remember(shape, made)
        return [made]

    def _remember(self, shape: Shape, made: Class) -> None:
        for i, instance in enumerate(shape.instances):
            parameters = tuple(p.name for p in made.parameters)
            make = Constructor(made.name, tuple(p.values[i] for p in made.parameters))
            self._made[id(instance.mark)] = Made(make, parameters)
        self.functions |= made.functions
        self._note(shape)

    def _make(self, source: object) -> Made:
        """What makes a layer or a child block."""
        if not isinstance(source, Layer):
            return self._made[id(self._calls[id(source)].mark)]
        make = self._constructor(source)
        assert make is not None
        return Made(make)

    def _note(self, shape: Shape) -> None:
        """Remember what the file has to import."""
        first = shape.instances[0]
        for step in operations(first.body):
            code = self.dialect.code(step)
            if code.support:
                self.support.add(code.support)
        members = [member for entries in shape.members for member in entries if member is not None]
        sources = [source for member in members for source in member.sources]
        given = [value for _, value in first.inputs]
        for source in (*sources, *given):
            make = self._constructor(source) if isinstance(source, Layer) else None
            if make is not None:
                self.constructors.add(make.name)


def _block(instance: Instance, network: Instance) -> object:
    """The block of an instance; the network is one of its own, whatever others are called."""
    return None if instance is network else (instance.path, instance.block)
