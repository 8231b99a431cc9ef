"""Diagnostics as text: for people (`full`, `concise`), for programs (`json`) and for GitHub's checks (`github`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from tanglec.diagnostics import FORMATS as FORMATS
from tanglec.diagnostics import Diagnostic
from tanglec.excerpt import excerpt
from tanglec.source import Span
from tanglec.style import PLAIN, Style


def render(diagnostics: Sequence[Diagnostic], format: str = "full", *, colour: bool = False) -> str:
    """All diagnostics in one of `FORMATS`, ending in a line end unless there is nothing to say.

    `full` and `concise` end with a summary and may be coloured (ANSI); `json` is one object with a list
    `diagnostics`, also where that is empty; `github` is one workflow command a line. Raises `KeyError` for another
    format.
    """
    writers: dict[str, Callable[[Sequence[Diagnostic], Style], str]] = {
        "full": _full,
        "concise": _concise,
        "json": _json,
        "github": _github,
    }
    return writers[format](diagnostics, Style(colour))


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`; empty where there are none."""
    counts = [
        (sum(d.severity == severity for d in diagnostics), severity) for severity in ("error", "warning")
    ]
    return ", ".join(f"{n} {severity}{'s' * (n > 1)}" for n, severity in counts if n)


def render_full(diagnostic: Diagnostic, style: Style = PLAIN) -> str:
    """One diagnostic with the lines that it is about, its notes and its help."""
    tone = style.tone(diagnostic.severity)
    lines = [tone(f"{diagnostic.severity}[{diagnostic.code}]") + style.bold(f": {diagnostic.title}")]
    lines += excerpt(diagnostic, style)
    margin = "  " if diagnostic.span is None else " " * len(str(_last_line(diagnostic)))
    remarks = _remarks(margin, "note", diagnostic.notes, style) + _remarks(
        margin, "help", diagnostic.help, style
    )
    if remarks and diagnostic.span is not None:
        lines.append(f"{margin} {style.frame('|')}")
    lines += remarks
    return "\n".join(lines) + "\n"


def _remarks(margin: str, kind: str, texts: Sequence[str], style: Style) -> list[str]:
    lines = []
    for text in texts:
        first, *rest = text.split("\n")
        lines.append(f"{margin} {style.frame('=')} {style.bold(kind)}: {first}")
        lines += [f"{margin}   {' ' * len(kind)}  {line}" for line in rest]
    return lines


def _last_line(diagnostic: Diagnostic) -> int:
    assert diagnostic.span is not None
    return max(span.line for span in [diagnostic.span, *(label.span for label in diagnostic.labels)])


def _full(diagnostics: Sequence[Diagnostic], style: Style) -> str:
    parts = [render_full(diagnostic, style) for diagnostic in diagnostics]
    return "\n".join([*parts, f"{summary(diagnostics)}\n"]) if parts else ""


def _concise(diagnostics: Sequence[Diagnostic], style: Style) -> str:
    lines = []
    for diagnostic in diagnostics:
        code = style.tone(diagnostic.severity)(diagnostic.code)
        lines.append(f"{_place(diagnostic.span)}{code} {diagnostic.title}")
    return "\n".join([*lines, f"{summary(diagnostics)}\n"]) if lines else ""


def _place(span: Span | None) -> str:
    if span is None:
        return ""
    line, column = span.source.position(span.start)
    return f"{span.source.path}:{line}:{column}: "


def _json(diagnostics: Sequence[Diagnostic], style: Style) -> str:
    content = {
        "diagnostics": [_plain(diagnostic) for diagnostic in diagnostics],
        "errors": sum(d.severity == "error" for d in diagnostics),
        "warnings": sum(d.severity == "warning" for d in diagnostics),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _plain(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "title": diagnostic.title,
        "text": diagnostic.text,
        "place": _plain_span(diagnostic.span),
        "labels": [{"place": _plain_span(label.span), "text": label.text} for label in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "help": list(diagnostic.help),
    }


def _plain_span(span: Span | None) -> dict[str, object] | None:
    """Lines and columns are counted from one, in characters; the end is exclusive."""
    if span is None:
        return None
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "path": span.source.path,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _github(diagnostics: Sequence[Diagnostic], style: Style) -> str:
    return "".join(f"::{d.severity} {_properties(d)}::{_message(d)}\n" for d in diagnostics)


def _properties(diagnostic: Diagnostic) -> str:
    properties = {"title": diagnostic.code}
    if diagnostic.span is not None:
        place = _plain_span(diagnostic.span) or {}
        keys = {"file": "path", "line": "line", "endLine": "end_line", "col": "column"}
        properties = {key: str(place[value]) for key, value in keys.items()} | properties
    return ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())


def _message(diagnostic: Diagnostic) -> str:
    first = ": ".join(filter(None, [diagnostic.title, diagnostic.text]))
    remarks = [f"note: {note}" for note in diagnostic.notes] + [f"help: {text}" for text in diagnostic.help]
    return _escaped("\n".join([first, *remarks]))


def _escaped(text: str, also: str = "") -> str:
    """GitHub reads `%25`, `%0A` … as the characters that would end a command, or one of its properties."""
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
