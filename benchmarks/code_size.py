"""How long spaces are: lines of `.tsp` and of the library blocks that they use, against a reference implementation.

`python -m benchmarks.code_size` prints the tables as Markdown. A line counts if it is neither blank nor a comment; docstrings
count.
"""

from __future__ import annotations

from pathlib import Path

from tanglec.diagnostics import Sink
from tanglec.library import find_space, libraries_for, shipped
from tanglec.passes.names import BlockDef, FileScope, nodes, resolve
from tanglec.syntax import ast
from tanglec.syntax.parser import parse

REFERENCE = {
    "toy_cell": (510, 1903),
    "conv_macro": (405, 1959),
    "nb201": (910, 2265),
    "darts": (907, 4628),
    "autoformer_t": (1986, 8807),
    "mobilenet_v3": (1698, 9614),
    "language_model": (1042, 4017),
}
"""Lines by the same rule of the code published with TangleNAS (Sukthanker et al. 2024): of the files that define the space's
network and its mixtures, and of all files of the space, its training and search scripts among them. Counted in
a copy of its repository. The definition of DARTS is without another 1,303 lines of its progressive variant."""

REFERENCE_SHARED = (
    ("optimisers", 1112),
    ("search", 1383),
    ("training and datasets", 925),
)
"""Lines of the same code that its spaces share."""

PARTS = (
    ("messages and their pages", "tanglec/codes/*.py"),
    ("command line", "tanglec/cli/**/*.py"),
    ("compiler", "tanglec/**/*.py"),
    ("its templates", "tanglec/**/*.j2"),
    ("its grammar", "grammar/*.lark"),
    ("runtime", "runtime/tanglert/**/*.py"),
    ("libraries of spaces", "spaces/lib/*.tsp"),
)
"""This project's files; one that matches twice belongs to the first part."""


def lines(text: str) -> int:
    """Lines that are neither blank nor a comment."""
    stripped = (line.strip() for line in text.splitlines())
    return sum(1 for line in stripped if line and not line.startswith("#"))


def scope(space: str) -> FileScope:
    """The names of a space. Raises `CompileError` if it has errors."""
    source, sink = find_space(space), Sink()
    module = parse(source, sink)
    sink.check()
    assert module is not None
    found = resolve(module, source, libraries_for(Path(source.path)), parse, sink)
    sink.check()
    return found


def library_blocks(file: FileScope) -> list[BlockDef]:
    """The blocks that a file takes from libraries, and the blocks that those use, each once."""
    found = list(file.used.values())
    for block in found:  # grows on the way
        names = {node.id for node in nodes(block.node) if isinstance(node, ast.Name)}
        near = {**block.file.used, **block.file.blocks}
        found.extend(near[name] for name in sorted(names & set(near)) if near[name] not in found)
    return found


def sizes(space: str) -> tuple[int, int]:
    """Lines of a space, and of the library blocks that it uses."""
    file = scope(space)
    return lines(file.source.text), sum(lines(block.node.span.text) for block in library_blocks(file))


def spaces_table() -> str:
    """A row for each shipped space, those first that the reference has."""
    rows = [
        "| space | `.tsp` | library | together | reference: definition | reference: all files |",
        "|---|---|---|---|---|---|",
    ]
    for space in [*REFERENCE, *(name for name in shipped() if name not in REFERENCE)]:
        own, library = sizes(space)
        theirs = [f"{n:,}" for n in REFERENCE.get(space, ())] or ["", ""]
        rows.append(f"| `{space}` | {own} | {library} | {own + library} | {' | '.join(theirs)} |")
    return "\n".join(rows)


def parts(top: Path) -> list[tuple[str, int]]:
    """Lines of every part of the checkout at `top`."""
    counted: set[Path] = set()
    sums = []
    for name, pattern in PARTS:
        files = set(top.glob(pattern)) - counted
        counted |= files
        sums.append((name, sum(lines(path.read_text(encoding="utf-8")) for path in files)))
    return sums


def machinery_table() -> str:
    """What all spaces share, of this project and of the reference."""
    ours = parts(Path())
    rows = [f"| {name} | {n:,} |" for name, n in (*ours, ("**together**", sum(n for _, n in ours)))]
    theirs = sum(n for _, n in REFERENCE_SHARED)
    named = ", ".join(f"{name} {n:,}" for name, n in REFERENCE_SHARED)
    reference = f"| reference: what its spaces share ({named}) | {theirs:,} |"
    return "\n".join(["| part | lines |", "|---|---|", *rows, reference])


def tables() -> str:
    return f"{spaces_table()}\n\n{machinery_table()}"


if __name__ == "__main__":
    print(tables())
