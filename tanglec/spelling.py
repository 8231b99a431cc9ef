"""Names that are nearly right."""

from __future__ import annotations

from collections.abc import Iterable


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate with the fewest edits from `name`, if that is at most a third of its length; for `did you mean`.

    Edits are insertions, deletions, substitutions and swaps of neighbours (optimal string alignment distance);
    capitals and underscores count for nothing. Ties go to the first candidate in alphabetical order.
    """
    plain = _plain(name)
    scored = sorted((_distance(plain, _plain(other)), other) for other in set(candidates) if other != name)
    if scored and scored[0][0] <= max(1, len(plain) // 3) and scored[0][0] < len(plain):
        return scored[0][1]
    return None


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _distance(a: str, b: str) -> int:
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a):
        before, last, row = row, before, [i + 1]
        for j, right in enumerate(b):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (left != right))
            if i and j and left == b[j - 1] and a[i - 1] == right:
                cost = min(cost, last[j - 1] + 1)
            row.append(cost)
    return row[-1]
