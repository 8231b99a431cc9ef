"""Searches over architectures with the inherited weights of a trained supernet.

All of them are a `Strategy`: `advance()` evaluates one more architecture until it is `done`; then there are
`best()` and the `history`; `state_dict()` at any time makes a search resume where it was.
"""

from tanglert.search.budget import Budget, Limit, NothingAdmitted
from tanglert.search.evolution import Evolution, EvolutionSettings
from tanglert.search.latency import LatencyError, LatencyTable
from tanglert.search.nsga2 import NSGA2, MissingLibrary, NSGA2Settings
from tanglert.search.pareto import front, nondominated
from tanglert.search.random import RandomSearch
from tanglert.search.strategy import Strategy

__all__ = [
    "NSGA2",
    "Budget",
    "Evolution",
    "EvolutionSettings",
    "LatencyError",
    "LatencyTable",
    "Limit",
    "MissingLibrary",
    "NSGA2Settings",
    "NothingAdmitted",
    "RandomSearch",
    "Strategy",
    "front",
    "nondominated",
]
