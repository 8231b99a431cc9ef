"""The architectures of a space as a tree of choices.

Positions that share a presence condition, a `require` or a term of a cost form a graph. Positions of high degree (an
embedding width, a depth) are split on; what is left falls into small components, which are independent of one another and
are enumerated. The result is a tree, over which architectures are counted and sampled, and sums distributed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position, Scalar
from tanglec.ir.nodes import Term
from tanglec.passes.intervals import Number
from tanglec.record import record

LEAF = 256  # joint choices that a component may have to be enumerated
MOST_WORK = 1_000_000  # evaluations of single operators while a tree grows

Assigned = Mapping[Position, Scalar]


class TooManyStates(Exception):
    """The tree, or the distinct sums over it, are more than may be held."""


@record(eq=False)
class Factor:
    """What several positions decide together: a condition that must hold, or a term of aggregate number `index`."""

    positions: frozenset[Position]
    condition: Extent = TRUE
    term: Term | None = None
    index: int = -1

    @property
    def parts(self) -> int:
        """The work of evaluating it."""
        return self.condition.parts if self.term is None else self.term.present.parts + self.term.value.parts


@record(eq=False)
class Option:
    """One way to choose at a node: the choices, the terms that they decide, and what is left to choose."""

    choices: dict[Position, Scalar]
    terms: tuple[tuple[int, Number], ...]  # (aggregate, value)
    rest: tuple[Node, ...]
    count: int


@record(eq=False)
class Node:
    """Alternatives; `count` is the number of ways through."""

    options: tuple[Option, ...]
    count: int


def canonical(positions: Iterable[Position], presence: Mapping[Position, Extent]) -> list[Factor]:
    """What is absent is not counted: an absent position has its first choice and no other."""
    factors = []
    for position in positions:
        first = ex.apply("==", ex.choice(position), ex.const(position.choices[0]))
        condition = ex.apply("or", presence[position], first)
        if condition != TRUE and condition.positions:
            factors.append(Factor(frozenset(condition.positions), condition))
    return factors


def _components(
    positions: Iterable[Position], factors: Sequence[Factor], hubs: Sequence[Position]
) -> Iterator[tuple[list[Position], list[Factor]]]:
    left = dict.fromkeys(positions)
    if any(h in left for h in hubs):
        yield list(left), list(factors)
        return
    by_position: dict[Position, list[Factor]] = {p: [] for p in left}
    for factor in factors:
        for position in factor.positions:
            if position in by_position:
                by_position[position].append(factor)
    while left:
        part, touching, queue = [], {}, [next(iter(left))]
        while queue:
            position = queue.pop()
            if position not in left:
                continue
            del left[position]
            part.append(position)
            for factor in by_position[position]:
                touching[id(factor)] = factor
                queue.extend(p for p in factor.positions if p in left)
        yield part, list(touching.values())


def grow(
    positions: Iterable[Position],
    factors: Sequence[Factor],
    hubs: Sequence[Position] = (),
) -> tuple[Node, ...]:
    """One node for each connected component of the positions; `hubs` are split on first. Raises `TooManyStates`."""
    if any(ex.domain_size(f.positions) > MOST_WORK for f in factors):
        raise TooManyStates  # all its joint choices would be walked
    return _Tree(hubs).grow(positions, factors, {})


@record(eq=False, frozen=False)
class _Tree:
    """Grows nodes while there is work left."""

    hubs: Sequence[Position]
    work_left: int = MOST_WORK

    def grow(
        self, positions: Iterable[Position], factors: Sequence[Factor], assigned: Assigned
    ) -> tuple[Node, ...]:
        components = _components(positions, factors, self.hubs)
        return tuple(self._node(part, touching, assigned) for part, touching in components)

    def _node(self, part: list[Position], factors: list[Factor], assigned: Assigned) -> Node:
        first = next((h for h in self.hubs if h in part), None)
        if first is None and (len(part) == 1 or ex.domain_size(part) <= LEAF):
            options = [self._option(choices, factors, assigned, ()) for choices in ex.assignments(part)]
        else:
            hub = first or max(part, key=lambda p: (_degree(p, factors), p))
            rest = [p for p in part if p != hub]
            options = [self._option({hub: value}, factors, assigned, rest) for value in hub.choices]
        kept = tuple(o for o in options if o is not None and o.count)
        return Node(kept, sum(o.count for o in kept))

    def _option(
        self,
        choices: dict[Position, Scalar],
        factors: Sequence[Factor],
        assigned: Assigned,
        rest: Sequence[Position],
    ) -> Option | None:
        here = {**assigned, **choices}
        terms, open_factors = [], []
        self.work_left -= len(factors) + len(rest)
        for factor in factors:
            if not factor.positions <= here.keys():
                open_factors.append(factor)
                continue
            self.work_left -= factor.parts
            if self.work_left < 0:
                raise TooManyStates
            if factor.term is None:
                if not factor.condition.at(here):
                    return None
            elif factor.term.present.at(here):
                terms.append((factor.index, ex.number(factor.term.value.at(here))))
        nodes = self.grow(rest, open_factors, here)
        return Option(choices, tuple(terms), nodes, math.prod(n.count for n in nodes))


def _degree(position: Position, factors: Sequence[Factor]) -> int:
    """How many positions share a factor with this one."""
    return len({q for f in factors if position in f.positions for q in f.positions})


def sample(nodes: Sequence[Node], rng: random.Random) -> dict[Position, Scalar]:
    """One of the architectures, all equally likely."""
    chosen: dict[Position, Scalar] = {}
    for node in nodes:
        option = rng.choices(node.options, weights=[o.count for o in node.options])[0]
        chosen |= option.choices
        chosen |= sample(option.rest, rng)
    return chosen
