"""Discretisation: the most probable architecture that the space allows."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor

from tanglert.arch import ArchBase, RequireError
from tanglert.choices import Probabilities
from tanglert.extent import Position
from tanglert.relax.parameters import ArchParameters
from tanglert.space import Space

A = TypeVar("A", bound=ArchBase)
Ranks: TypeAlias = tuple[tuple[int, int], ...]
"""Concessions: (place among the movable positions, rank of the choice taken there), places ascending."""

DRAWS = 10_000
"""Random architectures to choose from where the most probable ones are all forbidden."""


def most_probable(
    alphas: ArchParameters,
    arch_class: type[A],
    tries: int = 10_000,
    admit: Callable[[A], bool] | None = None,
    probabilities: Probabilities | None = None,
) -> A:
    """The best choice at every position; where a `require` or a limit (`admit`) forbids that, the next most probable.

    probabilities: by which that is judged, a relaxation's `mean()`; the softmax of the alphas without them. The best
    choice is the same for both, the order of architectures is not.
    After `tries` architectures in decreasing probability, the most probable of many random allowed ones.
    Raises RequireError if none of them is allowed.
    """
    logs = alphas.log_probabilities(probabilities)
    for count, choice in enumerate(in_decreasing_probability(logs)):
        found = _allowed(arch_class, alphas, choice, logs, admit)
        if found is not None:
            return found
        if count + 1 >= tries:
            break
    return best_of_random(alphas, arch_class, logs, admit)


def _allowed(
    arch_class: type[A],
    alphas: ArchParameters,
    choice: list[int],
    logs: Tensor,
    admit: Callable[[A], bool] | None,
) -> A | None:
    """The architecture of a joint choice; None if it is forbidden or costs too much."""
    try:
        arch = arch_of(arch_class, alphas, choice, logs)
    except RequireError:
        return None
    return arch if admit is None or admit(arch) else None


def in_decreasing_probability(logs: Tensor) -> Iterator[list[int]]:
    """Joint choices (an index for every position), the most probable first, none twice.

    logs: (positions, choices), -inf for what is no choice. A heap of sums with at most three successors for
    each one taken (k smallest sums): positions stand by the price of their first concession; a candidate has
    conceded at some positions up to a last one, which may concede further, pass on to the next position, or
    be taken back in favour of the next.
    """
    order = logs.argsort(dim=1, descending=True, stable=True).tolist()
    prices = [[row[best[0]] - row[i] for i in best] for row, best in zip(logs.tolist(), order, strict=True)]
    prices = [[price for price in row if price != float("inf")] for row in prices]
    movable = sorted((i for i, row in enumerate(prices) if len(row) > 1), key=lambda i: prices[i][1])
    best = [row[0] for row in order]

    def choice(ranks: Ranks) -> list[int]:
        picked = list(best)
        for place, rank in ranks:
            picked[movable[place]] = order[movable[place]][rank]
        return picked

    yield best
    heap: list[tuple[float, Ranks]] = [(prices[movable[0]][1], ((0, 1),))] if movable else []
    while heap:
        _, ranks = heapq.heappop(heap)
        yield choice(ranks)
        for successor in successors(ranks, [len(prices[i]) for i in movable]):
            heapq.heappush(heap, (total(successor, prices, movable), successor))


def successors(ranks: Ranks, counts: Sequence[int]) -> Iterator[Ranks]:
    """The candidates that come after `ranks` and after nothing else; none of them is cheaper."""
    place, rank = ranks[-1]
    if rank + 1 < counts[place]:
        yield (*ranks[:-1], (place, rank + 1))
    if place + 1 < len(counts):
        yield (*ranks, (place + 1, 1))
        if rank == 1:
            yield (*ranks[:-1], (place + 1, 1))


def total(ranks: Ranks, prices: list[list[float]], movable: list[int]) -> float:
    """What a candidate's concessions cost in log probability."""
    return sum(prices[movable[place]][rank] for place, rank in ranks)


def best_of_random(
    alphas: ArchParameters, arch_class: type[A], logs: Tensor, admit: Callable[[A], bool] | None = None
) -> A:
    """The most probable of the allowed ones among `DRAWS` uniform architectures, drawn with a fixed seed."""
    generator = torch.Generator().manual_seed(0)
    weights = alphas.allowed().double()
    draws = torch.stack([torch.multinomial(row, DRAWS, True, generator=generator) for row in weights])
    scores = logs.cpu().gather(1, draws).sum(0)
    for i in scores.argsort(descending=True, stable=True).tolist():
        found = _allowed(arch_class, alphas, draws[:, i].tolist(), logs, admit)
        if found is not None:
            return found
    limits = "" if admit is None else f" and keeps the limits ({admit})"
    pruned = " with the choices that pruning has left" if alphas.in_play else ""
    raise RequireError(
        f"neither the most probable architectures of {alphas.space.name} nor any of {DRAWS} random ones meets"
        f" its conditions (`require`){limits}{pruned}"
    )


def arch_of(arch_class: type[A], alphas: ArchParameters, choice: list[int], logs: Tensor) -> A:
    """The architecture with choice number `choice[i]` at position i of the alphas, and its strongest edges."""
    indices = dict(zip(alphas.positions, choice, strict=True))
    strengths = {p: row[i] for (p, i), row in zip(indices.items(), logs.exp().tolist(), strict=True)}
    return arch_class.from_indices({**indices, **strongest_edges(alphas.space, indices, strengths)})


def strongest_edges(
    space: Space, indices: Mapping[Position, int], strengths: Mapping[Position, float]
) -> dict[Position, int]:
    """For every choice of which edges to keep the one whose edges have the most probable choices on them.

    DARTS (Liu et al. 2019, section 2.4): a node keeps the edges with the strongest operations. strengths: the
    probability of the choice that is taken at a position.
    """
    gates = {position: 0 for dim in space.dims if dim.gates for position in dim.positions}
    best: dict[Position, int] = {}
    for gate in gates:
        behind = [p for p in indices if gate in space.present(p).positions]
        scores = []
        for number in range(len(gate.choices)):
            trial = {**indices, **gates, gate: number}
            scores.append(sum(strengths[p] for p in behind if space.present(p).at(trial)))
        best[gate] = scores.index(max(scores))
    return best
