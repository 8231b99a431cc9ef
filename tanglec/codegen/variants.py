"""Shapes that a condition of the user's tells apart as one: `if self.se:` around what only some instances do.

Where an `if` of a block came out differently for its instances, these print alike but for a few statements. They become one
class that asks the same question, as the user did.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import combinations

from tanglec.codegen.body import MARK, Lines
from tanglec.codegen.layout import INDENT
from tanglec.codegen.shape import Part, Place, Shape
from tanglec.ir.nodes import Decision, Instance
from tanglec.record import record

_BLANK = "⟦⟧"
_BINDS = re.compile(r"^( *if )\w+ := ")  # an arm whose choices one variant needs, the other not
_SHORT = 4  # lines of a body that may differ entirely


def joined(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes of one block, those together that a condition tells apart and that have more in common than not."""
    result = list(shapes)
    while True:
        tried = [(i, j, _join(result[i], result[j])) for i, j in combinations(range(len(result)), 2)]
        found = [(shape.extra, i, j, shape) for i, j, shape in tried if shape is not None]
        if not found:
            return result
        _, i, j, shape = min(found, key=lambda f: f[:3])
        result[i] = shape
        del result[j]


@record()
class _Line:
    """A line of the joined body; the numbers of its marks in each variant, None where it lacks the line."""

    text: str
    yes: tuple[int, ...] | None
    no: tuple[int, ...] | None
    asks: bool = False  # its mark is the condition itself


def _join(a: Shape, b: Shape) -> Shape | None:
    if a.header != b.header:
        return None
    found = _told_apart_by(a.instances, b.instances)
    if found is None:
        return None
    place, first = found
    yes, no = (a, b) if first else (b, a)
    parts, lines = _parts(yes.parts, no.parts, place), _lines(yes.printed[0], no.printed[0])
    if parts is None or lines is None:
        return None
    extra = sum(line.yes is None or line.no is None for line in lines)
    if 2 * extra > max(len(lines), _SHORT):
        return None
    joint = Shape(a.header, parts, origins=(a, b), extra=a.extra + b.extra + extra)
    for shape in (a, b):
        for instance, own, members in zip(shape.instances, shape.printed, shape.members, strict=True):
            by_name = {m.name: m for m in members if m is not None}
            joint.instances.append(instance)
            joint.printed.append(_printed(lines, own, instance.decisions[place], shape is yes))
            joint.members.append(tuple(by_name.get(part.name) for part in parts))
    return joint


def _told_apart_by(a: Sequence[Instance], b: Sequence[Instance]) -> tuple[Place, bool] | None:
    """The first condition that came out one way for all of `a`, and the other way for all of `b`; and which for `a`."""
    for place in a[0].decisions:
        outcomes = [{_outcome(i.decisions.get(place)) for i in instances} for instances in (a, b)]
        if outcomes in ([{True}, {False}], [{False}, {True}]):
            return place, True in outcomes[0]
    return None


def _outcome(decision: Decision | None) -> bool | None:
    return None if decision is None else decision.outcome


# --- members ---------------------------------------------------------------------------------------------------------


def _parts(yes: Sequence[Part], no: Sequence[Part], place: Place) -> tuple[Part, ...] | None:
    """The members of both, those of one alone under the condition; None if they do not fit together."""
    result: list[Part] = []
    for tag, i, j, k, n in SequenceMatcher(None, yes, no, autojunk=False).get_opcodes():
        if tag == "equal":
            result += yes[i:j]
            continue
        if any(part.many or part.place is not None for part in (*yes[i:j], *no[k:n])):
            return None
        result += (replace(part, place=place, sense=True) for part in yes[i:j])
        result += (replace(part, place=place, sense=False) for part in no[k:n])
    return tuple(result) if len({part.name for part in result}) == len(result) else None


# --- lines -----------------------------------------------------------------------------------------------------------


def _lines(yes: Lines, no: Lines) -> list[_Line] | None:
    """The lines of both, those of one alone behind `if`; None where that would split a statement."""
    mine, theirs = _blanked(yes), _blanked(no)
    texts = [_BINDS.sub(r"\1", text) for text, _ in mine], [_BINDS.sub(r"\1", text) for text, _ in theirs]
    result: list[_Line] = []
    for tag, i, j, k, n in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs = zip(mine[i:j], theirs[k:n], strict=True)
            result += (_Line(max(a, b, key=len), own, other) for (a, own), (b, other) in pairs)
            continue
        margin = _margin(texts[0][i:j], texts[0][j : j + 1], texts[1][k:n])
        if margin is None:
            return None
        result += _question(margin, mine[i:j], theirs[k:n])
    return result


Blanked = tuple[str, tuple[int, ...]]


def _blanked(lines: Lines) -> list[Blanked]:
    """Every line without its marks' numbers, and these."""
    return [(MARK.sub(_BLANK, line), tuple(int(n) for n in MARK.findall(line))) for line in lines.text]


def _margin(mine: Sequence[str], behind: Sequence[str], theirs: Sequence[str]) -> str | None:
    """How far whole statements that differ are indented; None where they are no whole statements."""
    margins = [[_indent(text) for text in lines] for lines in (mine, theirs) if lines]
    starts = {own[0] for own in margins}
    whole = all(len(m) >= len(own[0]) for own in margins for m in own)
    ends = all(len(_indent(text)) <= len(margins[0][0]) for text in behind)
    parts = any(text.lstrip().startswith("else:") for text in (*mine[:1], *theirs[:1], *behind))
    return starts.pop() if len(starts) == 1 and whole and ends and not parts else None


def _indent(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _question(margin: str, yes: Sequence[Blanked], no: Sequence[Blanked]) -> list[_Line]:
    """The statements of each variant under the condition."""
    if not yes:
        return [
            _Line(f"{margin}if not ({_BLANK}):", (), (), asks=True),
            *(_Line(INDENT + text, None, own) for text, own in no),
        ]
    result = [_Line(f"{margin}if {_BLANK}:", (), (), asks=True)]
    result += (_Line(INDENT + text, own, None) for text, own in yes)
    if no and not yes[-1][0].lstrip().startswith("return "):
        result.append(_Line(f"{margin}else:", (), ()))
        margin += INDENT
    return result + [_Line(margin[len(_indent(no[0][0])) :] + text, None, own) for text, own in no]


def _printed(lines: Sequence[_Line], own: Lines, decision: Decision | None, sense: bool) -> Lines:
    """An instance's lines in the joined form; slots of lines that it lacks are None."""
    assert decision is not None
    result = Lines()
    for line in lines:
        marks, text = line.yes if sense else line.no, line.text
        for i in range(text.count(_BLANK)):
            text = text.replace(_BLANK, f"⟦{len(result.slots)}⟧", 1)
            asked = ("condition", decision) if line.asks else None
            result.slots.append(asked or (None if marks is None else own.slots[marks[i]]))
        result.text.append(text)
    return result
