"""How many architectures a space has, exactly, and the range of what they cost, without enumerating them.

Positions that share a presence condition, a `require` or a term of a cost form a graph. Positions of high degree (an
embedding width, a depth) are split on; what is left falls into small components, which are independent of one another and
are enumerated. The result is a tree, over which architectures are counted and sampled, and sums distributed.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position, Scalar
from tanglec.ir.nodes import Aggregate, Requirement, Space, Term

LEAF = 256  # joint choices that a component may have to be enumerated
MOST_STATES = 1_000_000
SAMPLES = 20_000

Assigned = Mapping[Position, Scalar]
State = tuple[int, ...]


class TooManyStates(Exception):
    """The distinct sums are more than the dynamic programme may hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """What several positions decide together: a condition that must hold, or a term of aggregate number `index`."""

    positions: frozenset[Position]
    condition: Extent = TRUE
    term: Term | None = None
    index: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One way to choose at a node: the choices, the terms that they decide, and what is left to choose."""

    choices: dict[Position, Scalar]
    terms: tuple[tuple[int, int], ...]  # (aggregate, value)
    rest: tuple[Node, ...]
    count: int


@dataclass(frozen=True, slots=True, eq=False)
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


def grow(positions: Iterable[Position], factors: Sequence[Factor], assigned: Assigned, hubs: Sequence[Position] = ()) -> tuple[Node, ...]:
    """One node for each connected component of the positions; `hubs` are split on first."""
    return tuple(_node(part, touching, assigned, hubs) for part, touching in _components(positions, factors, hubs))


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


def _node(part: list[Position], factors: list[Factor], assigned: Assigned, hubs: Sequence[Position]) -> Node:
    first = next((h for h in hubs if h in part), None)
    if first is None and (len(part) == 1 or ex.domain_size(part) <= LEAF):
        options = [_option(choices, factors, assigned, (), hubs) for choices in ex.assignments(part)]
    else:
        hub = first or max(part, key=lambda p: (len({q for f in factors if p in f.positions for q in f.positions}), p))
        rest = [p for p in part if p != hub]
        options = [_option({hub: value}, factors, assigned, rest, hubs) for value in hub.choices]
    kept = tuple(o for o in options if o is not None and o.count)
    return Node(kept, sum(o.count for o in kept))


def _option(
    choices: dict[Position, Scalar], factors: Sequence[Factor], assigned: Assigned, rest: Sequence[Position], hubs: Sequence[Position]
) -> Option | None:
    here = {**assigned, **choices}
    terms, open_factors = [], []
    for factor in factors:
        if not factor.positions <= here.keys():
            open_factors.append(factor)
        elif factor.term is None:
            if not factor.condition.at(here):
                return None
        elif factor.term.present.at(here):
            terms.append((factor.index, int(ex.number(factor.term.value.at(here)))))
    nodes = grow(rest, open_factors, here, hubs)
    return Option(choices, tuple(terms), nodes, math.prod(n.count for n in nodes))


# --- what trees are good for -----------------------------------------------------------------------------------------


def sample(nodes: Sequence[Node], rng: random.Random) -> dict[Position, Scalar]:
    """One of the architectures, all equally likely."""
    chosen: dict[Position, Scalar] = {}
    for node in nodes:
        option = rng.choices(node.options, weights=[o.count for o in node.options])[0]
        chosen |= option.choices
        chosen |= sample(option.rest, rng)
    return chosen


def extremes(nodes: Sequence[Node]) -> tuple[int, int]:
    """The smallest and largest sum of aggregate 0."""
    low = high = 0
    for node in nodes:
        ranges = []
        for option in node.options:
            least, most = extremes(option.rest)
            own = sum(value for _, value in option.terms)
            ranges.append((own + least, own + most))
        low += min(r[0] for r in ranges)
        high += max(r[1] for r in ranges)
    return low, high


_COMBINE = {"sum": int.__add__, "count": int.__add__, "product": int.__mul__, "min": min, "max": max}
_NEUTRAL = {"sum": 0, "count": 0, "product": 1, "min": 10**30, "max": -(10**30)}


def distribution(nodes: Sequence[Node], kinds: Sequence[str]) -> Counter[State]:
    """How many architectures have which values of the aggregates. Raises `TooManyStates`."""
    result: Counter[State] = Counter({tuple(_NEUTRAL[k] for k in kinds): 1})
    for node in nodes:
        ways: Counter[State] = Counter()
        for option in node.options:
            own = [_NEUTRAL[k] for k in kinds]
            for index, value in option.terms:
                own[index] = _COMBINE[kinds[index]](own[index], value)
            for state, count in distribution(option.rest, kinds).items():
                ways[_together(kinds, tuple(own), state)] += count
        if len(result) * len(ways) > 20 * MOST_STATES:
            raise TooManyStates
        product: Counter[State] = Counter()
        for a, n in result.items():
            for b, m in ways.items():
                product[_together(kinds, a, b)] += n * m
        if len(product) > MOST_STATES:
            raise TooManyStates
        result = product
    return result


def _together(kinds: Sequence[str], a: State, b: State) -> State:
    return tuple(_COMBINE[k](x, y) for k, x, y in zip(kinds, a, b, strict=True))


# --- counting a space ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Count:
    """The number of architectures; where it is an estimate, `low` and `high` are its 95 % interval."""

    number: int
    low: int
    high: int
    exact: bool

    def __str__(self) -> str:
        if self.exact:
            return f"{self.number:,}" if self.number < 10**9 else f"{_short(self.number)}"
        return f"~{_short(self.number)} ({_short(self.low)} to {_short(self.high)})"


def _short(number: int) -> str:
    return f"{number:,}" if number < 10**6 else f"{number:.3e}".replace("e+", "e")


def exactly(number: int) -> Count:
    return Count(number, number, number, True)


def count(space: Space) -> Count:
    """The number of architectures that meet every `require`; exact wherever the distinct sums stay under a million."""
    plain = [r for r in space.requirements if not r.aggregates]
    aggregated = [r for r in space.requirements if r.aggregates]
    factors = conditions(space, plain)
    if not aggregated:
        return exactly(math.prod(n.count for n in grow(space.positions, factors, {})))
    aggregates = list({id(a): a for r in aggregated for a in r.aggregates.values()}.values())
    hubs = sorted({p for r in aggregated for p in r.condition.positions if p not in r.aggregates})
    terms = [f for i, a in enumerate(aggregates) for f in term_factors(a.terms, i)]
    fixed = _fixed(aggregates)
    nodes = grow(space.positions, [*factors, *terms], {}, hubs)
    try:
        return exactly(_count_allowed(nodes, hubs, {}, aggregates, fixed, aggregated))
    except TooManyStates:
        return _estimate(grow(space.positions, factors, {}), aggregated)


def conditions(space: Space, requirements: Sequence[Requirement]) -> list[Factor]:
    """Presence, and the given requirements, as factors."""
    conditions = [Factor(frozenset(r.condition.positions), r.condition) for r in requirements]
    return [*canonical(space.positions, space.presence), *conditions]


def term_factors(terms: Iterable[Term], index: int) -> list[Factor]:
    """Terms that depend on choices; the others are `constant_part`."""
    factors = []
    for term in terms:
        positions = frozenset(ex.union(term.present, term.value))
        if positions:
            factors.append(Factor(positions, term=term, index=index))
    return factors


def constant_part(terms: Iterable[Term]) -> int:
    constant = (t for t in terms if not ex.union(t.present, t.value))
    return sum(int(ex.number(t.value.constant)) for t in constant if t.present.constant)


def _fixed(aggregates: Sequence[Aggregate]) -> State:
    """Each aggregate over its constant terms alone."""
    values = []
    for aggregate in aggregates:
        value = _NEUTRAL[aggregate.kind]
        for term in aggregate.terms:
            if not ex.union(term.present, term.value) and term.present.constant:
                value = _COMBINE[aggregate.kind](value, int(ex.number(term.value.constant)))
        values.append(value)
    return tuple(values)


def _count_allowed(
    nodes: Sequence[Node], hubs: Sequence[Position], chosen: Assigned, aggregates: Sequence[Aggregate], so_far: State,
    requirements: Sequence[Requirement],
) -> int:  # fmt: skip
    """Ways through the tree whose aggregates meet the requirements. Hubs come first, one after the other, in one node."""
    kinds = [a.kind for a in aggregates]
    if any(h not in chosen for h in hubs):
        total = 0
        for option in nodes[0].options:
            state = so_far
            for index, value in option.terms:
                own = tuple(value if i == index else _NEUTRAL[k] for i, k in enumerate(kinds))
                state = _together(kinds, state, own)
            total += _count_allowed(option.rest, hubs, {**chosen, **option.choices}, aggregates, state, requirements)
        return total
    result = 0
    for state, ways in distribution(nodes, kinds).items():
        values = dict(zip(map(id, aggregates), _together(kinds, so_far, state), strict=True))
        if all(r.condition.at({**chosen, **{p: values[id(a)] for p, a in r.aggregates.items()}}) for r in requirements):
            result += ways
    return result


def aggregate_value(aggregate: Aggregate, assignment: Assigned) -> int:
    """The value of an aggregate for one architecture."""
    value = _NEUTRAL[aggregate.kind]
    for term in aggregate.terms:
        if term.present.at(assignment):
            value = _COMBINE[aggregate.kind](value, int(ex.number(term.value.at(assignment))))
    return value


def meets(requirement: Requirement, assignment: Assigned) -> bool:
    """Whether an architecture meets a requirement."""
    values = {p: aggregate_value(a, assignment) for p, a in requirement.aggregates.items()}
    return bool(requirement.condition.at({**assignment, **values}))


def _estimate(nodes: Sequence[Node], requirements: Sequence[Requirement]) -> Count:
    """The share of sampled architectures that meet the requirements, with Wilson's interval."""
    rng = random.Random(0)
    total = math.prod(n.count for n in nodes)
    hits = sum(all(meets(r, a) for r in requirements) for a in (sample(nodes, rng) for _ in range(SAMPLES)))
    z, share = 1.96, hits / SAMPLES
    centre = (share + z * z / (2 * SAMPLES)) / (1 + z * z / SAMPLES)
    half = z * math.sqrt(share * (1 - share) / SAMPLES + z * z / (4 * SAMPLES**2)) / (1 + z * z / SAMPLES)
    return Count(hits * total // SAMPLES, int((centre - half) * total), int((centre + half) * total) + 1, False)


def cost_range(space: Space, terms: Sequence[Term]) -> tuple[int, int]:
    """The smallest and largest sum of terms over all architectures (conditions on aggregates left aside)."""
    plain = [r for r in space.requirements if not r.aggregates]
    nodes = grow(space.positions, [*conditions(space, plain), *term_factors(terms, 0)], {})
    low, high = extremes(nodes)
    base = constant_part(terms)
    return base + low, base + high
