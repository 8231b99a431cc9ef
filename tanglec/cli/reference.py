"""The page of operations, written from the registry: `python -m tanglec.cli.reference docs/operations.md`."""

from __future__ import annotations

import inspect
import sys
from itertools import groupby
from pathlib import Path

from tanglec.cli.files import write_all
from tanglec.ops.registry import Op, Parameter, registry

_HEAD = r"""# Operations

What a space can call. Each entry shows the signature: parameters with their kinds and defaults, `?` where
`none` is admitted, `*` where several are taken. `make docs` writes this page from `tanglec/ops/`.

| kind | what it takes |
|---|---|
| `pixels`, `tokens`, `vector`, `ids`, `heads` | a tensor of that kind; `tensor` is any |
| `size` | a width: an expression, or the layout of another tensor, `width(x)` |
| `extent` | a number that may depend on choices |
| `whole`, `number`, `flag` | a constant: whole, any number, `true` or `false` |
| `layer` | a named layer, such as `table = embedding(vocab, embed)` |
| `name(a\|b)` | one of these names, a constant |
"""


def page() -> str:
    """The text of `docs/operations.md`."""
    callable_ones = [op for op in registry().values() if not op.internal]
    callable_ones.sort(key=lambda op: (_family(op), op.name))
    parts = [_HEAD]
    for family, ops in groupby(callable_ones, key=_family):
        parts.append(f"\n## {family}\n")
        parts += [_entry(op) for op in ops]
    return "".join(parts)


def _family(op: Op) -> str:
    """The title of an operation's file: the first sentence of its docstring."""
    doc = inspect.getdoc(inspect.getmodule(op.infer)) or ""
    return doc.split("\n")[0].split(". ")[0].rstrip(".")


def _entry(op: Op) -> str:
    signature = f"{op.name}({', '.join(map(_parameter, op.parameters))})"
    return f"\n### `{op.name}`\n\n```\n{signature}\n```\n\n{inspect.cleandoc(op.doc)}\n"


def _parameter(parameter: Parameter) -> str:
    star = "*" if parameter.variadic else ""
    optional = "?" if parameter.optional else ""
    default = "" if parameter.default is None else f" = {parameter.default}"
    return f"{star}{parameter.name}: {parameter.kind}{optional}{default}"


if __name__ == "__main__":
    write_all({Path(sys.argv[1]): page()})
