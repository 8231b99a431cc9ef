"""The registry of codes: every message of the compiler has one, and every code a page that explains it.

Codes are stable: a code is never given another meaning. Families: TSP01xx syntax, 02xx names and scopes, 03xx shapes,
04xx entanglement, 05xx lowering, 09xx command line, files and architectures.
"""

from __future__ import annotations

from tanglec.codes import commands, entanglement, lowering, names, shapes, syntax
from tanglec.codes.entry import Entry

FAMILIES = {
    "Syntax": syntax.ENTRIES,
    "Names and scopes": names.ENTRIES,
    "Shapes": shapes.ENTRIES,
    "Entanglement": entanglement.ENTRIES,
    "Lowering": lowering.ENTRIES,
    "Command line, files and architectures": commands.ENTRIES,
}

ENTRIES: dict[str, Entry] = {entry.code: entry for family in FAMILIES.values() for entry in family}


def explain(code: str) -> str:
    """The page of a code in markdown; `304` and `tsp0304` are `TSP0304`. Raises `KeyError` for an unknown code."""
    number = code.upper().removeprefix("TSP")
    return ENTRIES[f"TSP{number.zfill(4)}"].markdown()


def pages() -> dict[str, str]:
    """The files of `docs/errors/`: name -> text, a page for each code and the index."""
    lines = ["# Codes", "", "What each message means; `tanglec explain CODE` prints the same pages."]
    for family, entries in FAMILIES.items():
        lines += ["", f"## {family}", ""]
        lines += [f"- [{entry.code}]({entry.code}.md): {entry.title}" for entry in entries]
    return {"README.md": "\n".join(lines) + "\n"} | {f"{e.code}.md": e.markdown() for e in ENTRIES.values()}
