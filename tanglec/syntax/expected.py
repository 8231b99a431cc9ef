"""What the parser expected and what it found, in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

VALUE = frozenset({"NAME", "NUMBER", "TRUE", "FALSE", "NONE", "MINUS", "LPAR", "LSQB"})
OPERATORS = frozenset({"PLUS", "MINUS", "TIMES", "OVER", "COMPARE", "AND", "OR", "IF"})
DECLARATION = frozenset({"USE", "PARAM", "INPUT", "DIM", "REQUIRE", "NOTATION", "BLOCK", "NETWORK"})
STATEMENT = frozenset({"NAME", "RETURN", "REPEAT", "IF"})
LABEL = frozenset({"NAME", "NUMBER", "TRUE", "FALSE", "NONE"})

WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": 'a title in `"…"`',
    "AUGMENT": "`+=`",
    "EQUAL": "`=`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "VBAR": "`|`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "__ANON_0": "`..`",
    "COMPARE": "a comparison",
    "_NL": "the end of the line",
    "_INDENT": "an indented block",
    "_DEDENT": "the end of the block",
    "$END": "the end of the file",
}

GROUPS = (
    (DECLARATION, "a declaration (`dim`, `block`, `network`, …)"),
    (STATEMENT, "a statement"),
    (VALUE, "a value"),
    (LABEL, "a label of the dimension"),
)


def expected(terminals: Collection[str]) -> str:
    """`a name`, `` `,` or `)` ``; operators are left out where something else can follow."""
    left = set(terminals)
    words = []
    for group, word in GROUPS:
        if group <= left:
            words.append(word)
            left -= group | {"NOT", "CHOOSE", "SPACE", "_DEDENT", "$END", "_NL", "ENTANGLED"}
    rest = left - OPERATORS - {"LSQB", "LPAR"}
    return _listed(words + _described(rest or left))


def _described(terminals: Collection[str]) -> list[str]:
    return [WORDS.get(terminal, f"`{terminal.lower()}`") for terminal in sorted(terminals)]


def _listed(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "something else"


def found(terminal: str, text: str) -> str:
    """What stands at the error."""
    return WORDS[terminal] if terminal in ("_NL", "_INDENT", "_DEDENT", "$END") else f"`{text}`"
