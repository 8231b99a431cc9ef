"""The layers and blocks that a class holds, and what they are called.

Names are found on the whole space and kept for every architecture, so that a stand-alone module has the supernet's
`state_dict` keys. Layers of a repetition whose iterations look alike are one `nn.ModuleList` each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from tanglec.codegen.naming import Namer, attribute, plural
from tanglec.ir.nodes import Call, Instance, Layer, Operation, Repeat, Step, Sum, bodies
from tanglec.record import record

# Names of intermediate results, which say nothing about the layer that made them.
_PASSING = frozenset(("x", "y", "z", "h"))

Source = Layer | object  # a layer, or the mark of a call


@record()
class Member:
    """An attribute: one layer or block, or a list with one for each iteration or edge. `base` is its operation or block.

    `places` are the numbers of the sources in the list of the whole space; an architecture may lack some.
    """

    name: str
    base: str
    sources: tuple[Source, ...]
    many: bool = False
    places: tuple[int, ...] = ()

    @property
    def holes(self) -> bool:
        """Whether the list lacks items before its last."""
        return self.places != tuple(range(len(self.places)))


@record()
class _Found:
    source: Source
    base: str
    hint: str = ""
    named: bool = False
    listed: bool = False  # belongs to a list, even if the list has one item


def members(instance: Instance, operations: dict[Layer, Operation]) -> tuple[Member, ...]:
    """The members of an instance's class in order of execution. `operations` tells what made a layer."""
    inherited = {value for _, value in instance.inputs if isinstance(value, Layer)}
    seen: set[Source] = set(inherited)
    columns: list[list[_Found]] = []
    for found in _columns(instance.body, operations):
        new = [f for f in found if f.source not in seen]
        if new:
            seen.update(f.source for f in new)
            columns.append(new)
    return tuple(_named(columns))


def _columns(body: tuple[Step, ...], operations: dict[Layer, Operation]) -> Iterator[list[_Found]]:
    """One list for each attribute: several sources where iterations are alike."""
    nodes: dict[int, list[Sum]] = {}
    for step in body:
        if isinstance(step, Sum):
            nodes.setdefault(id(step.dag), []).append(step)
    for step in body:
        if isinstance(step, Operation):
            if step.layer is not None:
                yield [
                    _Found(step.layer, step.op, step.layer.name or step.output.name, bool(step.layer.name))
                ]
        elif isinstance(step, Call):
            for given in step.inputs:
                if isinstance(given, Layer):
                    yield [_Found(given, operations[given].op, given.name, True)]
            yield [_Found(step.mark, step.instance.block)]
        elif isinstance(step, Repeat):
            yield from _repeated(step, operations)
        elif isinstance(step, Sum):
            edges = [e for node in nodes.pop(id(step.dag), []) for e in node.edges]
            if edges:  # all edges of a dag are one list, and so are the layers that they share
                yield [_Found(e.mark, e.instance.block, listed=True) for e in edges]
                yield from _shared(edges, operations)
        else:
            for _, inner in bodies(step):
                yield from _columns(inner, operations)


def _shared(edges: list[Call], operations: dict[Layer, Operation]) -> Iterator[list[_Found]]:
    """The layers that the edges of a dag are given: one list for each, an item for every node."""
    for column in zip(*(e.inputs for e in edges), strict=True):
        layers = list(dict.fromkeys(given for given in column if isinstance(given, Layer)))
        if layers:
            yield [_Found(layer, operations[layer].op, layer.name, listed=True) for layer in layers]


def _repeated(step: Repeat, operations: dict[Layer, Operation]) -> Iterator[list[_Found]]:
    bodies = [list(_columns(body, operations)) for body in step.bodies]
    shared = {s for s, n in Counter(f.source for b in bodies for c in b for f in c).items() if n > 1}
    for body in bodies:
        for column in body:
            if column[0].source in shared:
                yield column
    own = [[c for c in body if c[0].source not in shared] for body in bodies]
    alike = len({tuple(c[0].base for c in body) for body in own}) == 1 and all(
        len(c) == 1 and not c[0].listed for b in own for c in b
    )
    if alike and own and not any(isinstance(s, Repeat) for s in step.bodies[0]):
        for row in zip(*own, strict=True):
            yield [replace(column[0], listed=True) for column in row]
    else:
        for body in own:
            yield from body


def _named(columns: list[list[_Found]]) -> Iterator[Member]:
    bases = Counter(c[0].base for c in columns)
    hints = Counter(c[0].hint for c in columns)
    namer = Namer()
    for column in columns:
        first, many = column[0], column[0].listed
        telling = (
            first.hint not in _PASSING
            and first.hint != ""
            and hints[first.hint] == 1
            and bases[first.base] > 1
        )
        name = first.hint if first.named or telling and not many else first.base
        name = namer(attribute(plural(name) if many else name))
        places = tuple(range(len(column))) if many else ()
        yield Member(name, first.base, tuple(f.source for f in column), many, places)


def makers(body: tuple[Step, ...]) -> Iterator[tuple[Layer, Operation]]:
    """Every layer with the first operation that uses it, in a body and the blocks that it calls."""
    for step in body:
        if isinstance(step, Operation):
            if step.layer is not None:
                yield step.layer, step
        elif isinstance(step, Call):
            yield from makers(step.instance.body)
        for _, inner in bodies(step):
            yield from makers(inner)
