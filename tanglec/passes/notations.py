"""`notation`: other names for the dimensions, under which architectures of the space are published."""

from __future__ import annotations

from tanglec.diagnostics import Label, Sink
from tanglec.ir.nodes import Notation, Renaming
from tanglec.passes.names import FileScope
from tanglec.source import Span
from tanglec.spelling import closest
from tanglec.syntax import ast


def read_notations(scope: FileScope, sink: Sink) -> tuple[Notation, ...]:
    """Every `notation` of a file; what is wrong with it is in the sink (TSP0201, TSP0202, TSP0221)."""
    _check_names(scope, sink)
    _check_keys(scope, sink)
    for notation in scope.notations:
        _check_dimensions(notation, scope, sink)
    return tuple(
        Notation(n.name.id, tuple(Renaming(k.key.id, tuple(d.id for d in k.dims), k.listed) for k in n.keys))
        for n in scope.notations
    )


def _check_names(scope: FileScope, sink: Sink) -> None:
    first: dict[str, ast.Name] = {}
    for notation in scope.notations:
        if notation.name.id in first:
            labels = [Label(first[notation.name.id].span, "first here")]
            title = f"notation `{notation.name.id}` is defined twice"
            sink.error("TSP0202", title, notation.name.span, labels=labels)
        first.setdefault(notation.name.id, notation.name)


def _check_keys(scope: FileScope, sink: Sink) -> None:
    """A key means the same wherever it is read, so that nobody needs to say which notation a text is in."""
    known: dict[str, tuple[tuple[str, ...], bool, Span]]
    known = {name: ((name,), False, node.name.span) for name, node in scope.dims.items()}
    for notation in scope.notations:
        seen: dict[str, ast.Name] = {}
        for renaming in notation.keys:
            key, dims = renaming.key, tuple(d.id for d in renaming.dims)
            if key.id in seen:
                labels = [Label(seen[key.id].span, "first here")]
                sink.error("TSP0202", f"key `{key.id}` is defined twice", key.span, labels=labels)
            elif key.id in known and known[key.id][:2] != (dims, renaming.listed):
                labels = [Label(known[key.id][2], "here")]
                title = f"key `{key.id}` already means something else"
                sink.error("TSP0202", title, renaming.span, labels=labels)
            seen.setdefault(key.id, key)
            known.setdefault(key.id, (dims, renaming.listed, renaming.span))


def _check_dimensions(notation: ast.Notation, scope: FileScope, sink: Sink) -> None:
    """Keys stand for dimensions, for each of them once; those of a list have one choice each."""
    seen: dict[str, ast.Name] = {}
    for renaming in notation.keys:
        for name in renaming.dims:
            node = scope.dims.get(name.id)
            if node is None:
                near = closest(name.id, scope.dims)
                help = [f"did you mean `{near}`?"] if near else []
                sink.error("TSP0201", f"there is no dimension `{name.id}`", name.span, help=help)
            elif name.id in seen:
                labels = [Label(seen[name.id].span, "first here")]
                title = f"notation `{notation.name.id}` names `{name.id}` twice"
                sink.error("TSP0202", title, name.span, labels=labels)
            elif renaming.listed and node.per is not None:
                title = f"`{name.id}` has several choices, which do not fit into one place of a list"
                help = [f"write `{renaming.key.id}={name.id}`: its choices are a list of their own"]
                sink.error("TSP0221", title, name.span, labels=[Label(node.span, "declared here")], help=help)
            seen.setdefault(name.id, name)
