"""How many architectures a space has, exactly, without enumerating them: distributions of sums over a tree of choices."""

from __future__ import annotations

import math
import operator
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from tanglec.ir import extents as ex
from tanglec.ir.extents import Position
from tanglec.ir.nodes import Aggregate, Requirement, Space, Term
from tanglec.passes.intervals import Number
from tanglec.passes.tree import Assigned, Factor, Node, Option, TooManyStates, canonical, grow, sample
from tanglec.record import record

MOST_STATES = 1_000_000
SAMPLES = 4_000

State = tuple[Number, ...]

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


@record()
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
    number = space.architectures or exact_count(space, space.requirements)
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


@record()
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
