"""How many architectures a space has, exactly, and the range of what they cost, without enumerating them.

Positions that share a presence condition, a `require` or a term of a cost form a graph. Positions of high degree (an
embedding width, a depth) are split on; what is left falls into small components, which are independent of one another and
are enumerated. The result is a tree, over which architectures are counted and sampled, and sums distributed.
"""

from __future__ import annotations

import math
import operator
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position, Scalar
from tanglec.ir.nodes import Aggregate, Requirement, Space, Term
from tanglec.passes.intervals import interval

LEAF = 256  # joint choices that a component may have to be enumerated
MOST_STATES = 1_000_000
MOST_WORK = 1_000_000  # evaluations of single operators while a tree grows
SAMPLES = 4_000

Assigned = Mapping[Position, Scalar]
Number = int | Fraction
State = tuple[Number, ...]


class TooManyStates(Exception):
    """The tree, or the distinct sums over it, are more than may be held."""


@dataclass(frozen=True, slots=True, eq=False)
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


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One way to choose at a node: the choices, the terms that they decide, and what is left to choose."""

    choices: dict[Position, Scalar]
    terms: tuple[tuple[int, Number], ...]  # (aggregate, value)
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


@dataclass(slots=True)
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


# --- what trees are good for -----------------------------------------------------------------------------------------


def sample(nodes: Sequence[Node], rng: random.Random) -> dict[Position, Scalar]:
    """One of the architectures, all equally likely."""
    chosen: dict[Position, Scalar] = {}
    for node in nodes:
        option = rng.choices(node.options, weights=[o.count for o in node.options])[0]
        chosen |= option.choices
        chosen |= sample(option.rest, rng)
    return chosen


def extremes(nodes: Sequence[Node]) -> tuple[Number, Number]:
    """The smallest and largest sum of aggregate 0."""
    low: Number = 0
    high: Number = 0
    for node in nodes:
        ranges = []
        for option in node.options:
            least, most = extremes(option.rest)
            own = sum(value for _, value in option.terms)
            ranges.append((own + least, own + most))
        low += min((r[0] for r in ranges), default=0)
        high += max((r[1] for r in ranges), default=0)
    return low, high


_COMBINE: dict[str, Callable[[Number, Number], Number]] = {
    "sum": operator.add,
    "count": operator.add,
    "product": operator.mul,
    "min": min,
    "max": max,
}
_NEUTRAL = {"sum": 0, "count": 0, "product": 1, "min": 10**30, "max": -(10**30)}


def distribution(nodes: Sequence[Node], kinds: Sequence[str], most: int = MOST_STATES) -> Counter[State]:
    """How many architectures have which values of the aggregates. Raises `TooManyStates`."""
    result: Counter[State] = Counter({tuple(_NEUTRAL[k] for k in kinds): 1})
    for node in nodes:
        ways: Counter[State] = Counter()
        for option in node.options:
            own = _own(kinds, option)
            for state, count in distribution(option.rest, kinds, most).items():
                ways[_together(kinds, own, state)] += count
        if len(result) * len(ways) > 20 * most:
            raise TooManyStates
        result = _convolved(kinds, result, ways)
        if len(result) > most:
            raise TooManyStates
    return result


def _convolved(kinds: Sequence[str], first: Counter[State], second: Counter[State]) -> Counter[State]:
    """Both choices made independently. The innermost loop of counting: written for speed."""
    if len(kinds) == 1:
        combine = _COMBINE[kinds[0]]
        single: Counter[Number] = Counter()
        pairs = [(b, m) for (b,), m in second.items()]
        for (a,), n in first.items():
            for b, m in pairs:
                single[combine(a, b)] += n * m
        return Counter({(state,): ways for state, ways in single.items()})
    operators = [_COMBINE[k] for k in kinds]
    result: Counter[State] = Counter()
    for state, n in first.items():
        for other, m in second.items():
            joined = tuple([f(x, y) for f, x, y in zip(operators, state, other, strict=True)])
            result[joined] += n * m
    return result


def _own(kinds: Sequence[str], option: Option) -> State:
    """The aggregates over the terms that an option decides."""
    own: list[Number] = [_NEUTRAL[k] for k in kinds]
    for index, value in option.terms:
        own[index] = _COMBINE[kinds[index]](own[index], value)
    return tuple(own)


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
            return f"{self.number:,}" if self.number < 10**12 else f"{_short(self.number)}"
        return f"~{_short(self.number)} ({_short(self.low)} to {_short(self.high)})"


def _short(number: int) -> str:
    if number < 10**6:
        return f"{number:,}"
    mantissa, exponent = f"{Decimal(number):.3e}".split("e+")
    return f"{mantissa}e{int(exponent):02}"


def count(space: Space) -> Count:
    """The number of architectures that meet every `require`; exact wherever the distinct sums stay under a million."""
    number = exact_count(space, space.requirements)
    return _estimate(space) if number is None else Count(number, number, number, True)


def exact_count(space: Space, requirements: Sequence[Requirement], most: int = MOST_STATES) -> int | None:
    """How many architectures meet the requirements; None where that would take more than `most` states."""
    plain = [r for r in requirements if not r.aggregates]
    aggregated = [r for r in requirements if r.aggregates]
    if any(not r.condition.positions and not r.condition.constant for r in plain):
        return 0
    factors = conditions(space, plain)
    try:
        if not aggregated:
            return math.prod(n.count for n in grow(space.positions, factors))
        aggregates = [a for r in aggregated for a in r.aggregates.values()]
        hubs = sorted({p for r in aggregated for p in r.condition.positions if p not in r.aggregates})
        terms = [f for i, a in enumerate(aggregates) for f in term_factors(a.terms, i)]
        nodes = grow(space.positions, [*factors, *terms], hubs)
        allowed = _Allowed(aggregates, aggregated, hubs, most)
        return allowed.count(nodes, {}, _fixed(aggregates))
    except TooManyStates:
        return None


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


def constant_part(terms: Iterable[Term]) -> Number:
    """The sum of the terms that do not depend on choices."""
    constant = (t for t in terms if not ex.union(t.present, t.value))
    return sum(ex.number(t.value.constant) for t in constant if t.present.constant)


def _fixed(aggregates: Sequence[Aggregate]) -> State:
    """Each aggregate over its constant terms alone."""
    values = []
    for aggregate in aggregates:
        value: Number = _NEUTRAL[aggregate.kind]
        for term in aggregate.terms:
            if not ex.union(term.present, term.value) and term.present.constant:
                value = _COMBINE[aggregate.kind](value, ex.number(term.value.constant))
        values.append(value)
    return tuple(values)


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Counts the ways through a tree whose aggregates meet the requirements."""

    aggregates: Sequence[Aggregate]
    requirements: Sequence[Requirement]
    hubs: Sequence[Position]
    most: int

    def count(self, nodes: Sequence[Node], chosen: Assigned, so_far: State) -> int:
        """Hubs come first, one after the other, in one node; `so_far` is what they and the constants decide."""
        kinds = [a.kind for a in self.aggregates]
        if any(h not in chosen for h in self.hubs):
            total = 0
            for option in nodes[0].options:
                state = _together(kinds, so_far, _own(kinds, option))
                total += self.count(option.rest, {**chosen, **option.choices}, state)
            return total
        result = 0
        for state, ways in distribution(nodes, kinds, self.most).items():
            if self._met(chosen, _together(kinds, so_far, state)):
                result += ways
        return result

    def _met(self, chosen: Assigned, state: State) -> bool:
        values = dict(zip(map(id, self.aggregates), state, strict=True))
        return all(
            r.condition.at({**chosen, **{p: values[id(a)] for p, a in r.aggregates.items()}})
            for r in self.requirements
        )


def aggregate_value(aggregate: Aggregate, assignment: Assigned) -> Number:
    """The value of an aggregate for one architecture."""
    value: Number = _NEUTRAL[aggregate.kind]
    for term in aggregate.terms:
        if term.present.at(assignment):
            value = _COMBINE[aggregate.kind](value, ex.number(term.value.at(assignment)))
    return value


def meets(requirement: Requirement, assignment: Assigned) -> bool:
    """Whether an architecture meets a requirement."""
    values = {p: aggregate_value(a, assignment) for p, a in requirement.aggregates.items()}
    return bool(requirement.condition.at({**assignment, **values}))


def _estimate(space: Space) -> Count:
    """The share of sampled architectures that meet the requirements, with Wilson's interval."""
    aggregated = [r for r in space.requirements if r.aggregates]
    plain = conditions(space, [r for r in space.requirements if not r.aggregates])
    try:
        nodes, sieve = grow(space.positions, plain), []
    except TooManyStates:
        nodes, sieve = grow(space.positions, []), plain
    rng = random.Random(0)
    hits = 0
    for _ in range(SAMPLES):
        arch = sample(nodes, rng)
        hits += all(f.condition.at(arch) for f in sieve) and all(meets(r, arch) for r in aggregated)
    total = math.prod(n.count for n in nodes)
    low, high = _wilson(hits, SAMPLES)
    return Count(hits * total // SAMPLES, int(low * total), int(high * total) + 1, False)


def _wilson(hits: int, samples: int, z: Fraction = Fraction(196, 100)) -> tuple[Fraction, Fraction]:
    """The 95 % interval of a share (Wilson 1927), in exact numbers: it is multiplied by astronomical ones."""
    share = Fraction(hits, samples)
    spread = Fraction(math.sqrt(share * (1 - share) / samples + z * z / (4 * samples**2)))
    centre, scale = share + z * z / (2 * samples), 1 + z * z / samples
    return max(Fraction(0), (centre - z * spread) / scale), min(Fraction(1), (centre + z * spread) / scale)


def cost_range(space: Space, terms: Sequence[Term]) -> tuple[int, int]:
    """The smallest and largest sum of terms over all architectures (conditions on aggregates left aside).

    Where the terms depend on too many choices together, bounds: what each term can be by itself.
    """
    plain = [r for r in space.requirements if not r.aggregates]
    try:
        nodes = grow(space.positions, [*conditions(space, plain), *term_factors(terms, 0)])
    except TooManyStates:
        return _bounds(terms)
    low, high = extremes(nodes)
    base = constant_part(terms)
    return int(base + low), int(base + high)


def _bounds(terms: Sequence[Term]) -> tuple[int, int]:
    low: Number = 0
    high: Number = 0
    for term in terms:
        least, most = interval(term.value)
        absent, present = interval(term.present)
        low += least if absent else min(least, 0)
        high += most if present else 0
    return int(low), int(high)
