"""Names: which declarations a file has, what every name refers to, and what is unknown, doubled, unused or circular.

What is called and what is computed with are two namespaces. The pass looks at the text alone, so that it reports
everything in one run, also in blocks that no architecture ever reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, fields
from typing import Any

from tanglec.diagnostics import Label, Sink
from tanglec.ops.registry import Op, option_names, registry
from tanglec.passes.arithmetic import ARITY
from tanglec.record import record
from tanglec.source import Source, Span
from tanglec.spelling import closest
from tanglec.syntax import ast

# Functions of values that are not operations on tensors.
FUNCTIONS = ("width", "size", *ARITY)
# What looks like a call and wires blocks together.
FORMS = ("dag", "scan")
AGGREGATES = ("params", "macs", "sum", "product", "min", "max", "count")

Libraries = Callable[[str], Source | None]
Declared = ast.Param | ast.Input | ast.Dim
Parser = Callable[[Source, Sink], ast.Module | None]


@record(eq=False)
class BlockDef:
    """A block and the file that it sees."""

    node: ast.Block
    file: FileScope

    @property
    def name(self) -> str:
        return self.node.name.id


@record(eq=False, frozen=False)
class FileScope:
    """The declarations of one file by name."""

    source: Source
    module: ast.Module
    blocks: dict[str, BlockDef] = field(default_factory=dict)
    used: dict[str, BlockDef] = field(default_factory=dict)
    params: dict[str, ast.Param] = field(default_factory=dict)
    inputs: dict[str, ast.Input] = field(default_factory=dict)
    dims: dict[str, ast.Dim] = field(default_factory=dict)
    requires: list[ast.Require] = field(default_factory=list)
    notations: list[ast.Notation] = field(default_factory=list)
    network: ast.Network | None = None
    missing: set[str] = field(default_factory=set)  # what a `use` that failed would have brought

    @property
    def is_space(self) -> bool:
        return self.module.header is not None

    @property
    def labels(self) -> set[str]:
        """Names that are choices of some dimension, or that an option of an operation takes."""
        items = (i for d in self.dims.values() for c in d.lists for i in c.items)
        return {i.id for i in items if isinstance(i, ast.Name)} | option_names()

    def callee(self, name: str) -> BlockDef | Op | None:
        """Block of this file, used block, operation: in this order, so that a new operation breaks no old space."""
        found = self.blocks.get(name) or self.used.get(name) or registry().get(name)
        return None if isinstance(found, Op) and found.internal else found

    def constants(self) -> set[str]:
        return {*self.params, *self.dims}


def resolve(module: ast.Module, source: Source, libraries: Libraries, parse: Parser, sink: Sink) -> FileScope:
    """The scope of a file, with its libraries; everything that is wrong with its names is in the sink."""
    return _Resolver(libraries, parse, sink).file(module, source, space=True)


class _Resolver:
    def __init__(self, libraries: Libraries, parse: Parser, sink: Sink) -> None:
        self.libraries, self.parse, self.sink = libraries, parse, sink
        self.loaded: dict[str, FileScope | None] = {}

    def file(self, module: ast.Module, source: Source, *, space: bool) -> FileScope:
        scope = FileScope(source, module)
        for declaration in module.declarations:
            self._declare(scope, declaration)
        if space:
            self._check_complete(scope)
        _check_recursion(scope, self.sink)
        _check_bodies(scope, self.sink)
        if space:
            _check_unused(scope, self.sink)
        return scope

    def _declare(self, scope: FileScope, node: ast.Declaration) -> None:
        if isinstance(node, ast.Use):
            self._use(scope, node)
        elif isinstance(node, ast.Block):
            self._add(scope.blocks, (scope.blocks, scope.used), node.name, BlockDef(node, scope))
        elif isinstance(node, ast.Require):
            scope.requires.append(node)
        elif isinstance(node, ast.Notation):
            scope.notations.append(node)
        elif isinstance(node, ast.Network):
            if scope.network is not None:
                first = Label(scope.network.span, "the first one")
                self.sink.error(
                    "TSP0211", "a space has one `network`", node.span, "a second one", labels=[first]
                )
            scope.network = node
        else:
            tables: dict[type, dict[str, Any]] = {
                ast.Param: scope.params,
                ast.Input: scope.inputs,
                ast.Dim: scope.dims,
            }
            self._add(tables[type(node)], tuple(tables.values()), node.name, node)

    def _add(
        self,
        table: dict[str, Any],
        namespace: Sequence[Mapping[str, Declared | BlockDef]],
        name: ast.Name,
        value: Declared | BlockDef,
    ) -> None:
        earlier = next((t[name.id] for t in namespace if name.id in t), None)
        if earlier is not None:
            node = earlier.node if isinstance(earlier, BlockDef) else earlier
            labels = [Label(node.name.span, "first here")]
            self.sink.error("TSP0202", f"`{name.id}` is defined twice", name.span, labels=labels)
            return
        table[name.id] = value

    def _use(self, scope: FileScope, node: ast.Use) -> None:
        library = self._library(node.library)
        if library is None:
            scope.missing.update(name.id for name in node.names)
            return
        for name in node.names:
            block = library.blocks.get(name.id)
            if block is None:
                scope.missing.add(name.id)
                near = closest(name.id, library.blocks)
                help = [f"did you mean `{near}`?"] if near else [f"it has: {', '.join(library.blocks)}"]
                self.sink.error(
                    "TSP0205", f"library `{node.library.id}` has no block `{name.id}`", name.span, help=help
                )
            else:
                self._add(scope.used, (scope.blocks, scope.used), name, block)

    def _library(self, name: ast.Name) -> FileScope | None:
        if name.id not in self.loaded:
            self.loaded[name.id] = None  # a library that uses itself finds nothing
            source = self.libraries(name.id)
            if source is None:
                message = f"there is no library `{name.id}`"
                self.sink.error(
                    "TSP0205", message, name.span, help=[f"libraries are files such as `lib/{name.id}.tsp`"]
                )
            else:
                module = self.parse(source, self.sink)
                self.loaded[name.id] = None if module is None else self.file(module, source, space=False)
        return self.loaded[name.id]

    def _check_complete(self, scope: FileScope) -> None:
        source = scope.source
        end = Span(source, len(source.text.rstrip()), len(source.text.rstrip()))
        if not scope.is_space:
            self.sink.error(
                "TSP0211",
                "the file has no `space` line",
                Span(source, 0, 0),
                'begin with `space name "title"`',
            )
        if not scope.inputs:
            self.sink.error(
                "TSP0211", "the space has no `input`", end, "e.g. `input image: pixels(3, 32, 32)`"
            )
        if scope.network is None:
            self.sink.error("TSP0211", "the space has no `network`", end, "`network:` says how data flows")


def nodes(node: object) -> Iterator[ast.Node]:
    """A node and everything below it, in order."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, tuple):
            waiting.extend(reversed(here))
        elif isinstance(here, ast.Node):
            yield here
            waiting.extend(getattr(here, name) for name in _children(type(here)))


_NO_NODES = ("Span", "str", "bool", "int | Fraction")  # annotations, as they are written

_CHILDREN: dict[type[ast.Node], tuple[str, ...]] = {}


def _children(kind: type[ast.Node]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold others, the last first; looked up once."""
    if kind not in _CHILDREN:
        _CHILDREN[kind] = tuple(f.name for f in reversed(fields(kind)) if f.type not in _NO_NODES)
    return _CHILDREN[kind]


def _calls(body: object) -> Iterator[ast.Name]:
    return (n.callee for n in nodes(body) if isinstance(n, ast.Call))


def _check_recursion(scope: FileScope, sink: Sink) -> None:
    """Blocks do not call themselves, directly or through others of the file (also when handed on as a value)."""
    reaches = {name: {n.id for n in _blocks_in(block, scope)} for name, block in scope.blocks.items()}
    for name, block in scope.blocks.items():
        path = _cycle(name, reaches)
        if path:
            calls = [n for n in _blocks_in(block, scope) if n.id == path[1]]
            sink.error(
                "TSP0206",
                f"block `{name}` calls itself",
                calls[0].span,
                " -> ".join(path),
                labels=[Label(block.node.name.span, "this block")],
            )


def _blocks_in(block: BlockDef, scope: FileScope) -> Iterator[ast.Name]:
    """Where a block names blocks of its file, to call them or to hand them on."""
    own = {*assigned(block.node.body), *(p.name.id for p in block.node.parameters)}
    return (n for n in uses(block.node.body) if n.id in scope.blocks and n.id not in own)


def _cycle(start: str, reaches: dict[str, set[str]]) -> list[str]:
    """The shortest way from a block back to itself."""
    paths, seen = [[start]], set()
    while paths:
        path = paths.pop(0)
        for following in sorted(reaches.get(path[-1], ())):
            if following == start:
                return [*path, start]
            if following not in seen:
                seen.add(following)
                paths.append([*path, following])
    return []


@record(eq=False, frozen=False)
class _Body:
    """The names that a body can see, and those that it used."""

    scope: FileScope
    known: dict[str, Span]
    sink: Sink

    def check(self, body: object) -> None:
        below = list(nodes(body))
        calls = [n for n in below if isinstance(n, ast.Call)]
        skip = {id(c.callee) for c in calls}
        skip |= {id(a.name) for c in calls for a in c.arguments if a.name}
        skip |= {id(n.label) for n in below if isinstance(n, ast.Arm)}
        skip |= {id(t) for n in below if isinstance(n, ast.Assign) for t in n.targets}
        skip |= {id(n.index) for n in below if isinstance(n, ast.Repeat) and n.index}
        for call in calls:
            self._callee(call.callee)
        labels = self.scope.labels
        for node in below:
            if isinstance(node, ast.Name) and id(node) not in skip and node.id not in labels:
                self._value(node)

    def _callee(self, name: ast.Name) -> None:
        if name.id in self.known or self.scope.callee(name.id) is not None:
            return
        if name.id in (*FUNCTIONS, *FORMS) or name.id in self.scope.missing:
            return
        candidates = [
            *self.scope.blocks,
            *self.scope.used,
            *(n for n, o in registry().items() if not o.internal),
            *FUNCTIONS,
            *FORMS,
        ]
        self._unknown("TSP0204", f"there is no operation or block `{name.id}`", name, candidates)

    def _value(self, name: ast.Name) -> None:
        if name.id in self.known or self.scope.callee(name.id) is not None:
            return
        if name.id in self.scope.missing:
            return
        if name.id in self.scope.inputs:
            message = f"`{name.id}` is an input, and inputs are read in `network`"
            self.sink.error("TSP0217", message, name.span, help=["pass it on as an argument of the block"])
            return
        if name.id in (*FUNCTIONS, *FORMS):
            message = f"`{name.id}` is a function of the language, which cannot be handed on"
            self.sink.error("TSP0201", message, name.span, help=["hand on a block that calls it"])
            return
        self._unknown("TSP0201", f"unknown name `{name.id}`", name, [*self.known, *sorted(self.scope.labels)])

    def _unknown(self, code: str, title: str, name: ast.Name, candidates: Iterable[str]) -> None:
        near = closest(name.id, candidates)
        self.sink.error(code, title, name.span, help=[f"did you mean `{near}`?"] if near else [])


def assigned(body: object) -> dict[str, ast.Name]:
    """The names that a body binds, each with its first binding."""
    names: dict[str, ast.Name] = {}
    for node in nodes(body):
        targets: tuple[ast.Name, ...] = ()
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.Repeat) and node.index:
            targets = (node.index,)
        for target in targets:
            names.setdefault(target.id, target)
    return names


def augmented(body: object) -> dict[str, ast.Name]:
    """The names that a body rebinds by `+=` and the like."""
    targets = [n.target for n in nodes(body) if isinstance(n, ast.AugAssign)]
    return {target.id: target for target in reversed(targets)}


def _check_bodies(scope: FileScope, sink: Sink) -> None:
    declared: dict[str, Declared] = {**scope.params, **scope.inputs, **scope.dims}
    constants = {name: declared[name].name.span for name in scope.constants()}
    for block in scope.blocks.values():
        parameters = _parameters(block.node, sink)
        local = {**parameters, **assigned(block.node.body)}
        _check_shadows(augmented(block.node.body) | local, declared, sink)
        known = constants | {name: n.span for name, n in local.items()}
        _Body(scope, known, sink).check(block.node.body)
        _Body(scope, dict(constants), sink).check(tuple(p.default for p in block.node.parameters))
    if scope.network is not None:
        local = assigned(scope.network.body)
        _check_shadows(augmented(scope.network.body) | local, declared, sink)
        known = (
            constants
            | {name: n.span for name, n in local.items()}
            | {n: i.name.span for n, i in scope.inputs.items()}
        )
        _Body(scope, known, sink).check(scope.network.body)
    _check_declarations(scope, sink)


def _parameters(block: ast.Block, sink: Sink) -> dict[str, ast.Name]:
    names: dict[str, ast.Name] = {}
    for parameter in block.parameters:
        if parameter.name.id in names:
            labels = [Label(names[parameter.name.id].span, "first here")]
            sink.error(
                "TSP0202", f"`{parameter.name.id}` is defined twice", parameter.name.span, labels=labels
            )
        names[parameter.name.id] = parameter.name
    return names


def _check_shadows(local: Mapping[str, ast.Name], declared: Mapping[str, Declared], sink: Sink) -> None:
    for name, node in local.items():
        if name in declared:
            labels = [Label(declared[name].name.span, "declared here")]
            message = f"`{name}` is already a name of this file"
            sink.error(
                "TSP0208", message, node.span, "a local or parameter needs a name of its own", labels=labels
            )


def _check_declarations(scope: FileScope, sink: Sink) -> None:
    """Params see params; inputs and choices see params; conditions see params and dimensions; scopes name blocks."""
    params = {n: p.name.span for n, p in scope.params.items()}
    for param in scope.params.values():
        _Body(scope, params | {n: d.name.span for n, d in scope.dims.items()}, sink).check(param.value)
    for tensor in scope.inputs.values():
        _Body(scope, params | {n: d.name.span for n, d in scope.dims.items()}, sink).check(tensor.arguments)
    for dim in scope.dims.values():
        for name in (*((dim.per,) if dim.per else ()), *dim.of):
            if name.id not in scope.blocks and name.id not in scope.used:
                near = closest(name.id, [*scope.blocks, *scope.used])
                help = (
                    [f"did you mean `{near}`?"]
                    if near
                    else ["a scope is a block of this file or one that it uses"]
                )
                sink.error("TSP0207", f"there is no block `{name.id}`", name.span, help=help)
    for require in scope.requires:
        known = params | {n: d.name.span for n, d in scope.dims.items()}
        calls = [c for c in _calls(require) if c.id not in (*AGGREGATES, *FUNCTIONS)]
        for callee in calls:
            sink.error(
                "TSP0204",
                f"`require` knows no `{callee.id}`",
                callee.span,
                help=[f"it knows {', '.join(AGGREGATES)}"],
            )
        names = [
            n
            for n in nodes(require.condition)
            if isinstance(n, ast.Name) and n.id not in known and n.id not in scope.labels
        ]
        for name in (n for n in names if id(n) not in {id(c) for c in _calls(require)}):
            near = closest(name.id, known)
            sink.error(
                "TSP0201",
                f"unknown name `{name.id}`",
                name.span,
                help=[f"did you mean `{near}`?"] if near else [],
            )


def _check_unused(scope: FileScope, sink: Sink) -> None:
    names = [
        (d, {n.id for n in uses(d)}) for d in scope.module.declarations if not isinstance(d, ast.Notation)
    ]
    used = {name for _, own in names for name in own}
    chosen = {name for d, own in names if not isinstance(d, ast.Require) for name in own}
    for dim in scope.dims.values():
        if dim.name.id not in chosen:
            help = ["nothing in the network depends on it: a search would choose it without any effect"]
            sink.warn("TSP0203", f"dimension `{dim.name.id}` is never used", dim.name.span, help=help)
    others: list[tuple[str, ast.Param | ast.Input]] = [("param", p) for p in scope.params.values()]
    others += [("input", i) for i in scope.inputs.values()]
    for kind, declared in others:
        if declared.name.id not in used:
            sink.warn("TSP0203", f"{kind} `{declared.name.id}` is never used", declared.name.span)
    for block in scope.blocks.values():
        if block.name not in used:
            sink.warn("TSP0203", f"block `{block.name}` is never used", block.node.name.span)
    for node in scope.module.declarations:
        for name in node.names if isinstance(node, ast.Use) else ():
            if name.id not in used and name.id not in scope.missing:
                sink.warn("TSP0203", f"block `{name.id}` is never used", name.span)
    bodies = [b.node for b in scope.blocks.values()] + ([scope.network] if scope.network else [])
    for body in bodies:
        read = {n.id for n in uses(body)}
        local = dict(assigned(body.body))
        if isinstance(body, ast.Block):
            local |= {p.name.id: p.name for p in body.parameters}
        for local_name in local.values():
            if local_name.id not in read and not local_name.id.startswith("_"):
                sink.warn("TSP0203", f"`{local_name.id}` is never used", local_name.span)


def uses(node: object) -> Iterator[ast.Name]:
    """Names that are read below a node: not those that it declares, assigns or gives to an argument."""
    skip: set[int] = set()
    below = list(nodes(node))
    for n in below:
        if isinstance(n, ast.Assign):
            skip |= {id(t) for t in n.targets}
        elif isinstance(n, ast.Argument) and n.name:
            skip.add(id(n.name))
        elif isinstance(n, ast.Repeat) and n.index:
            skip.add(id(n.index))
        elif isinstance(n, ast.Use):
            skip |= {id(m) for m in (n.library, *n.names)}
        elif isinstance(n, ast.Arm):
            skip.add(id(n.label))
        elif isinstance(n, ast.Param | ast.Input | ast.Dim | ast.Block | ast.Parameter):
            skip.add(id(n.name))
        if isinstance(n, ast.Input):
            skip.add(id(n.kind))
    for n in below:
        if isinstance(n, ast.Name) and id(n) not in skip:
            yield n
