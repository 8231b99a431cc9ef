"""Parsing: from the text of a `.tsp` file to its syntax tree."""

from __future__ import annotations

import re

from tanglec.diagnostics import Abort, Sink
from tanglec.source import Source, Span
from tanglec.syntax import ast
from tanglec.syntax.recovery import pieces, report_brackets

INDENTING_TAB = re.compile(r"^ *\t[ \t]*(?=[^\s#])", re.MULTILINE)


def parse(source: Source, sink: Sink) -> ast.Module | None:
    """The tree of a file, or None where the sink now holds syntax errors (TSP01xx; one for each declaration)."""
    tab = INDENTING_TAB.search(source.text)
    if tab is not None:
        sink.error(
            "TSP0104",
            "a tab in the indentation",
            Span(source, tab.start(), tab.end()),
            help=["indent by four spaces; your editor can convert the whole file"],
        )
        return None
    before = len(sink.diagnostics)
    module = _parse(source, 0, len(source.text), sink)
    if len(sink.diagnostics) == before:
        return module
    if module is None:
        whole = sink.diagnostics[before:]
        del sink.diagnostics[before:]
        for start, end in pieces(source.text):
            _parse(source, start, end, sink)
        if len(sink.diagnostics) == before:
            sink.diagnostics.extend(whole)
    return None


def _parse(source: Source, start: int, end: int, sink: Sink) -> ast.Module | None:
    """Parse a part of the text that is a module by itself; None and an error in the sink where it is not."""
    from lark import UnexpectedInput  # 60 ms, and nothing else in the package needs it

    from tanglec.syntax.build import Builder
    from tanglec.syntax.errors import report
    from tanglec.syntax.layout import Misaligned
    from tanglec.syntax.tables import tables

    try:
        tree = tables().parse(f"\n{source.text[start:end]}\n")
        return Builder(source, sink, start - 1).module(tree)
    except Abort:
        return None
    except (UnexpectedInput, Misaligned) as error:
        if not report_brackets(source, start, end, sink):
            report(error, source, start, end, sink)
        return None
