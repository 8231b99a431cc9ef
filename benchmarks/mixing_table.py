"""The tables of `benchmarks.mixing`, as Markdown."""

from __future__ import annotations

from typing import Any

TABLES = {
    "step": ("autoformer_t", "gpt", "conv_macro", "mobilenet_v3", "vit_mini", "rebuilt", "compiled"),
    "step, beside Algorithm 2": ("loops",),
    "peak memory": ("memory",),
    "step of a subnet": ("subnets",),
    "linear maps alone": ("few_tokens",),
    "a draw": ("sampling",),
}
"""Cases that share a table, by what the first column is headed."""


def tables(results: dict[str, Any]) -> str:
    """The tables of which something was measured."""
    cases, found = results["cases"], []
    for head, names in TABLES.items():
        rows = [row for name in names if name in cases for row in cases[name]["rows"].items()]
        if rows:
            found.append(table(head, dict(rows)))
    return "\n\n".join(found)


def table(head: str, rows: dict[str, Any]) -> str:
    """A line for each row: what its first column took, then the others as ratios to it, with their quartiles."""
    columns = list(next(iter(rows.values())))
    lines = [f"| {head} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, row in rows.items():
        first, *others = (row[column] for column in columns)
        lines.append(f"| {name} | {' | '.join([amount(first), *map(ratio, others)])} |")
    return "\n".join(lines)


def amount(figures: dict[str, Any]) -> str:
    """Such as 1.25 s, 12.5 ms, 125 µs, or 445 MB."""
    if "bytes" in figures:
        return f"{figures['bytes'] / 1e6:.0f} MB"
    seconds = figures["seconds"]
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if seconds >= s), ("µs", 1e-6))
    return f"{seconds / size:.3g} {unit}"


def ratio(figures: dict[str, Any]) -> str:
    """Such as 1.08 (1.07 to 1.09)."""
    if "quartiles" not in figures:
        return f"{figures['ratio']:.2f}"
    low, high = figures["quartiles"]
    return f"{figures['ratio']:.2f} ({low:.2f} to {high:.2f})"
