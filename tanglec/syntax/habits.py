"""What people type from habit (Python, PyTorch, C) and how it is written here."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from tanglec.diagnostics import Sink
from tanglec.record import record
from tanglec.source import Source, Span

CONSTANTS = {"None": "none", "True": "true", "False": "false"}
OURS = frozenset({"if", "else", "and", "or", "not", "return", "as"})
PYTHON = "|".join(sorted({*keyword.kwlist, "self"} - OURS - set(CONSTANTS)))
DECLARATIONS = ("space", "use", "param", "input", "dim", "require", "notation", "block", "network")

INSTEAD = {
    "elif": "nest an `if` under `else:`",
    "for": "`repeat n as i:` runs a body `n` times, with `i` from 0",
    "in": "`repeat n as i:` runs a body `n` times, with `i` from 0",
    "while": "`repeat n:` runs a body `n` times",
    "def": "`block name(x):` defines a block",
    "class": "`block name(x):` defines a block; its weights belong to each call",
    "lambda": "define a `block`, or name an operation: `act=gelu`",
    "import": "`use library: name, name` brings in library blocks",
    "from": "`use library: name, name` brings in library blocks",
    "is": "compare with `==` or `!=`",
    "assert": "`require condition` holds for every architecture",
    "pass": "a body needs a statement; leave out the `if` or the `repeat` instead",
    "self": "a block has no object: its parameters are tensors and values only",
}


@record()
class Habit:
    """A pattern within one line; a group `mark` is what to point at, if not all of it.

    `{0}` in the texts stands for what the pattern matched, `{1}` … for its groups.
    """

    pattern: str
    code: str
    title: str
    help: str


HABITS = (
    Habit(r"^\s*else\s+if\b", "TSP0106", "`else if` is not in the language", INSTEAD["elif"]),
    Habit(r"^dim\b[^:=]*(?P<mark>=)", "TSP0114", "a dimension takes `:`, not `=`", "write `dim name: a | b`"),
    Habit(r"^dim\b[^:]*:.*(?P<mark>[({][^)}]*[)}]?)", "TSP0114", "choices are separated by `|`", "write `dim name: a | b`"),
    Habit(r"^dim\b[^:]*:.*\b(?P<mark>or)\b", "TSP0114", "choices are separated by `|`, not by `or`", "write `dim name: a | b`"),
    Habit(
        rf"^\s+({'|'.join(DECLARATIONS)})\b(?!\s*(?:\+|-|\*|/)?=).*",
        "TSP0115",
        "`{1}` belongs at the left margin",
        "declarations stand outside of blocks, without indentation",
    ),
    Habit(r"\bchoose\b", "TSP0118", "`choose` inside an expression", "give it a name first: `y = choose dim:`, then use `y`"),
    Habit(r"\[[^\[\]]*:[^\[\]]*\]?", "TSP0111", "a slice is written with `..`", "write `x[1..]`, `x[..3]` or `x[1..3]` (the end excluded)"),
    Habit(r"\[\s*\.\.\.", "TSP0111", "`...` is not in the language", "`x[1..]` selects along the tokens, whatever the other axes"),
    Habit(r"^space\b[^\"]*(?P<mark>\"[^\"]*)$", "TSP0112", "the title is never closed", 'end it with `"`'),
    Habit(r"^space\b[^']*(?P<mark>'[^']*'?)", "TSP0112", "the title stands in double quotes", 'write `"…"`'),
    Habit(r"^use\b[^:]*(?P<mark>\.\w+)", "TSP0113", "the name of a library has no dots", "write `use library: name, name`"),
    Habit(r"'[^']*'?", "TSP0112", "quotes are for the title of the space only", "write a name without quotes: `act=gelu`; comments begin with `#`"),
    Habit(r"\"[^\"]*\"?", "TSP0112", "quotes are for the title of the space only", "write a name without quotes: `act=gelu`; comments begin with `#`"),
    Habit(r"(?<![\w.])\.(\d+)", "TSP0116", "a number begins with a digit", "write `0.{1}`"),
    Habit(r"\b(\d+)\.(?![\d.])", "TSP0116", "a number ends with a digit", "write `{1}` or `{1}.0`"),
    Habit(r"\b\d\w*[A-Za-z_]\w*", "TSP0116", "a name begins with a letter", "rename `{0}`, for instance `conv_{0}`"),
    Habit(
        r"(?:nn|torch|F)\.\w+(?:\.\w+)*",
        "TSP0113",
        "`{0}`: operations have plain names",
        "write `linear(x, width)`, `gelu(x)`: the tensor is the first argument, widths of inputs are inferred",
    ),
    Habit(r"[\w)\]]+\s*\.\s*\w+", "TSP0113", "values have no attributes", "write `width(x)`, `mean(x)`: a function of the value"),
    Habit(r"\*\*", "TSP0108", "`**` is not in the language", "write a product: `x * x`"),
    Habit(r"&&?", "TSP0108", "`{0}` is not in the language", "write `and`"),
    Habit(r"\|\|", "TSP0108", "`||` is not in the language", "write `or` in a condition, one `|` between choices"),
    Habit(r"!(?!=)", "TSP0108", "`!` is not in the language", "write `not`"),
    Habit(r"\?", "TSP0108", "`?` is not in the language", "write `a if condition else b`"),
    Habit(r"->", "TSP0108", "a block declares no result type", "types are inferred: end the line with `:`"),
    Habit(r"^block\b[^)]*\([^)]*\w\s*(?P<mark>:)", "TSP0108", "a parameter declares no type", "types are inferred: write the name alone"),
    Habit(r":=", "TSP0108", "`:=` is not in the language", "assign on a line of its own"),
    Habit(r";", "TSP0108", "`;` is not in the language", "write one statement a line"),
    Habit(
        r"(?:==|!=|<=|>=|<|>)[^=<>!]*(?:==|!=|<=|>=|<|>)",
        "TSP0109",
        "comparisons do not chain",
        "join two comparisons by `and`: `a < b and b < c`",
    ),
    Habit(r"\b(?:if|require)\b[^=]*(?P<mark>=)", "TSP0110", "`=` in a condition", "compare with `==`"),
    Habit(r"^\s+\w+\s*(?P<mark>==)", "TSP0110", "`==` compares", "give a name its value with `=`"),
    Habit(r"^\s+(\w+)\s*\(", "TSP0119", "a call alone does nothing", "values are immutable: write `x = {1}(…)` or `return {1}(…)`"),
)  # fmt: skip


def report_keyword(word: str, span: Span, sink: Sink) -> None:
    """Refuse one of Python's words where a name is wanted."""
    if word in CONSTANTS:
        here = CONSTANTS[word]
        sink.error("TSP0107", f"`{word}` is written `{here}`", span, help=[f"write `{here}`"])
    else:
        instead = INSTEAD.get(word, f"Python's words are no names here: rename it, for instance `{word}_`")
        sink.error("TSP0106", f"`{word}` is not in the language", span, help=[instead])


def report_habit(source: Source, offset: int, sink: Sink) -> bool:
    """Explain the syntax error at `offset` if a habit stands there; otherwise do nothing and return False."""
    line, column = source.position(offset)
    start = offset - column + 1
    code = re.match(r'(?:"[^"]*"?|[^"#])*', source.line(line))
    text = code[0].rstrip() if code else ""
    for found in _around(rf"\b({PYTHON})\b\s*", text, column - 1):
        report_keyword(found[1], Span(source, start + found.start(1), start + found.end(1)), sink)
        return True
    for habit in HABITS:
        for found in _around(habit.pattern, text, column - 1):
            mark = "mark" if "mark" in found.groupdict() else 0
            lead = len(found[mark]) - len(found[mark].lstrip())
            span = Span(source, start + found.start(mark) + lead, start + found.end(mark))
            words = (found[0].strip(), *found.groups())
            sink.error(habit.code, habit.title.format(*words), span, help=[habit.help.format(*words)])
            return True
    return False


def _around(pattern: str, text: str, column: int) -> Iterator[re.Match[str]]:
    return (m for m in re.finditer(pattern, text) if m.start() <= column <= m.end())
