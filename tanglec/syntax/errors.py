"""From a failure of the parser to a message."""

from __future__ import annotations

import re

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from tanglec.diagnostics import Sink
from tanglec.source import Source, Span
from tanglec.spelling import closest
from tanglec.syntax.expected import expected, found
from tanglec.syntax.habits import DECLARATIONS, report_habit
from tanglec.syntax.layout import Misaligned


def report(error: UnexpectedInput | Misaligned, source: Source, start: int, end: int, sink: Sink) -> None:
    """Put the error of parsing the source from `start` to `end`, between two newlines, into the sink."""
    shift = start - 1
    match error:
        case Misaligned():
            _report_misaligned(source, error.offset + shift, sink)
        case UnexpectedToken():
            _report_token(error, source, shift, end, sink)
        case UnexpectedCharacters():
            offset = min((error.pos_in_stream or 0) + shift, len(source.text))
            if not report_habit(source, offset, sink):
                here = source.text[offset : offset + 1]
                title = (
                    f"the character `{here}` is not in the language"
                    if here.isprintable()
                    else "a control character"
                )
                sink.error("TSP0102", title, Span(source, offset, offset + 1))
        case _:
            sink.error("TSP0101", "the file ends too early", Span(source, end, end))


def _report_misaligned(source: Source, offset: int, sink: Sink) -> None:
    sink.error(
        "TSP0103",
        "this line is indented like no line above it",
        _line_at(source, offset),
        "neither in the block above nor beside it",
        help=["indent it exactly like the line that it should stand beside"],
    )


def _report_token(error: UnexpectedToken, source: Source, shift: int, end: int, sink: Sink) -> None:
    token, accepts = error.token, error.accepts or error.expected
    offset = end if token.type == "$END" else min(max(0, (token.start_pos or 0) + shift), end)
    if token.type in ("_NL", "$END"):
        offset = _end_of_code(source, offset)
    if report_habit(source, offset, sink):
        return
    if token.type == "_INDENT":
        sink.error(
            "TSP0103",
            "unexpected indentation",
            _line_at(source, offset),
            help=["only a line that ends with `:` opens an indented block"],
        )
    elif accepts == {"_INDENT"}:
        _report_unindented(source, offset, sink)
    else:
        span = Span(
            source, offset, offset + (len(token) if token.type not in ("_NL", "_DEDENT", "$END") else 0)
        )
        _report_unexpected(token.type, expected(accepts), span, sink)


def _report_unindented(source: Source, offset: int, sink: Sink) -> None:
    """`offset` is where the body should have begun."""
    sink.error(
        "TSP0103",
        "expected an indented block",
        _line_at(source, offset),
        help=["indent the body by four spaces"],
    )


def _report_unexpected(terminal: str, wanted: str, span: Span, sink: Sink) -> None:
    help = []
    if terminal == "NAME" and wanted.startswith("a declaration"):
        guess = closest(span.text, DECLARATIONS)
        help = (
            [f"did you mean `{guess}`?"]
            if guess
            else ["a statement belongs inside a `block` or the `network`"]
        )
    code = "TSP0115" if help else "TSP0101"
    sink.error(code, f"expected {wanted}, found {found(terminal, span.text)}", span, help=help)


def _end_of_code(source: Source, offset: int) -> int:
    """Back over line ends, blank and comment lines, to behind the last character of code."""
    while True:
        _, column = source.position(offset)
        start = offset - column + 1
        code = re.match(r'(?:"[^"]*"?|[^"#])*', source.text[start:offset])
        text = code[0].rstrip() if code else ""
        if text or start == 0:
            return start + len(text)
        offset = start - 1


def _line_at(source: Source, offset: int) -> Span:
    """The text of the line around the offset, without its indentation."""
    line, column = source.position(offset)
    text = source.line(line)
    start = offset - column + 1
    return Span(source, start + len(text) - len(text.lstrip()), start + len(text.split("#")[0].rstrip()))
