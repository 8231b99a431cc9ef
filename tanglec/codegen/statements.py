"""Parts of a cost as statements: `total += …` at one place, or in a loop over alike places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from tanglec.codegen.alike import Part
from tanglec.codegen.cases import Labels, optional_dimensions
from tanglec.codegen.expressions import number_text
from tanglec.codegen.layout import INDENT
from tanglec.codegen.naming import Namer, variable
from tanglec.codegen.naming import field as field_name
from tanglec.codegen.places import Place, by_group, source, span
from tanglec.codegen.plain import ANY, Plain, choice_text, position_text
from tanglec.codegen.polynomial import Monomial
from tanglec.codegen.repeated import repeated, replaced
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position
from tanglec.ir.nodes import Space
from tanglec.passes.intervals import Number
from tanglec.record import record

Loop = tuple[Part, list[Place]]

Counted = tuple[Monomial, Number | Position]  # a coefficient may be a variable

LONGEST_TABLE = 60  # characters; a longer one gets a name
LONGEST_SUM = 84
_NAMES = {"round_to": "rounded", "max": "most", "min": "least", "//": "quotient", "%": "rest"}


@record(eq=False, frozen=False)
class Statements:
    """Writes parts one after the other; the names that it gives out are used once in a function."""

    space: Space
    names: Namer = field(init=False)
    columns: int = 0
    optional: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = Namer({variable(d.name) for d in self.space.dimensions} | {"arch", "total", "i"})
        self.optional = optional_dimensions(self.space)

    # --- what must hold ----------------------------------------------------------------------------------------------

    def conditions(self, part: Part) -> list[str]:
        """What must hold for a part to count, as operands of `and`."""
        absent = set(part.guards)
        if not part.uniform or part.complete:
            absent |= {p for p in part.labels if p.dim in self.optional}
        result = [f"{position_text(p)} is not None" for p in sorted(absent)]
        if part.condition != TRUE:
            result.append(self.plain(part).condition(part.condition, 2))
        if part.uniform and not part.complete:
            result += self._tests(part)
        return result

    def _tests(self, part: Part) -> list[str]:
        """That the labels are those of a case."""
        labels = [at for at, _ in part.cases]
        if len(labels) == 1:
            return [self._test(p, value) for p, value in zip(part.labels, labels[0], strict=True)]
        return [f"{key(part.labels)} in ({', '.join(map(label, labels))})"]

    def _test(self, position: Position, value: ex.Scalar) -> str:
        name = position_text(position)
        if isinstance(value, bool):
            no = f"{name} is False" if position.dim in self.optional else f"not {name}"
            return name if value else no
        return f"{name} == {choice_text(value)}"

    def plain(self, part: Part) -> Plain:
        """How the part's extents are printed: what it guards is there."""
        return Plain({p for p in part.positions if p.dim in self.optional} - set(part.guards))

    def column(self, number: bool) -> str:
        """The name of a variable for constants: `c1`, or `costs` for those of each label."""
        if not number:
            return self.names("costs")
        self.columns += 1
        return self.names(f"c{self.columns}")

    # --- statements --------------------------------------------------------------------------------------------------

    def alone(self, part: Part) -> list[str]:
        """The part where its positions stand."""
        before, body = self._body(part)
        return [*before, *body]

    def loop(self, part: Part, places: Sequence[Place]) -> list[str]:
        """The part at several places."""
        before, body = self._body(part)
        groups = by_group(places)
        spans = [span(indices) for indices in groups.values()]
        dims = scoped(part)
        if len(groups) == 1 and spans[0].startswith("("):
            head = [f"for i in {spans[0]}:", *indented(picks(dims, literal(next(iter(groups)))))]
        else:
            sources = [source(self.space.dimension(d), places) for d in dims]
            joined = sources[0] if len(dims) == 1 else f"zip({', '.join(sources)}, strict=True)"
            head = [f"for {', '.join(map(variable, dims))} in {joined}:"]
        return [*before, *head, *indented(body)]

    def _body(self, part: Part) -> tuple[list[str], list[str]]:
        """Tables, which stand before a loop, and the statements that add the part."""
        if part.uniform:
            return [], self.counted(self.conditions(part), self.plain(part), part.terms)
        if not part.dense:
            parts = part.split()
            return [], [
                line for p in parts for line in self.counted(self.conditions(p), self.plain(p), p.terms)
            ]
        before: list[str] = []
        pieces = []
        for monomial in part.monomials:
            table, look = self._table(part, monomial)
            if len(table) > LONGEST_TABLE:
                name = self.names("costs")
                before.append(f"{name} = {table}")
                table = name
            pieces.append(self.plain(part).product(monomial, table + look))
        return before, under(self.conditions(part), added(pieces))

    def counted(self, conditions: Sequence[str], plain: Plain, terms: Sequence[Counted]) -> list[str]:
        """`if …: total += …`, what occurs often in the sum computed once."""
        lines, shorter = self.named(plain, terms)
        return under(conditions, [*lines, f"total += {plain.polynomial(shorter)}"])

    def named(self, plain: Plain, terms: Sequence[Counted]) -> tuple[list[str], Sequence[Counted]]:
        """Gives names to what is no polynomial and occurs more than once, the innermost first."""
        lines: list[str] = []
        given: dict[Extent, Extent] = {}
        for extent in repeated(m for m, _ in terms):
            name = self.names(_NAMES.get(extent.kind, "part"))
            lines.append(f"{name} = {plain.text(replaced(extent, given))}")
            given[extent] = ex.choice(placeholder(name))
        return lines, [(tuple(replaced(e, given) for e in m), c) for m, c in terms]

    def _table(self, part: Part, monomial: Monomial) -> tuple[str, str]:
        """The coefficients of a monomial by label, and how one is looked up."""
        found = {at: c for at, _ in part.cases if (c := part.coefficient(at, monomial))}
        entries = ", ".join(f"{label(at)}: {number(c)}" for at, c in found.items())
        full = part.complete and len(found) == len(part.cases)
        return f"{{{entries}}}", f"[{key(part.labels)}]" if full else f".get({key(part.labels)}, 0)"


def added(pieces: Sequence[str]) -> list[str]:
    """One statement, or one for each piece where that would be long."""
    together = " + ".join(pieces)
    return [f"total += {p}" for p in ([together] if len(together) <= LONGEST_SUM else pieces)]


def under(conditions: Sequence[str], body: Sequence[str]) -> list[str]:
    """Statements under conditions."""
    return [f"if {' and '.join(conditions)}:", *indented(body)] if conditions else list(body)


def scoped(part: Part) -> list[str]:
    """The dimensions that a loop over the part's places goes over."""
    return list(dict.fromkeys(p.dim for p in part.positions if p.scoped))


def picks(dims: Sequence[str], group: str) -> list[str]:
    """The choices at place `i`."""
    values = [f"arch.{field_name(d)}{f'[{group}]' if group else ''}[i]" for d in dims]
    return [f"{', '.join(map(variable, dims))} = {', '.join(values)}"]


def number(value: Number) -> str:
    return number_text(ex.const(value).constant)


def literal(group: str) -> str:
    return f'"{group}"' if group else ""


def placeholder(name: str) -> Position:
    """A variable of the function, where extents have positions."""
    return Position(name, ANY, scoped=True)


def indented(lines: Sequence[str]) -> list[str]:
    return [f"{INDENT}{line}" for line in lines]


def key(labels: Sequence[Position]) -> str:
    names = [position_text(p) for p in labels]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def label(values: Labels) -> str:
    texts = [choice_text(v) for v in values]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
