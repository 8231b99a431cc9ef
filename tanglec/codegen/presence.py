"""Where a dimension has its positions, as the runtime's `Dim(present=…)` is given it: by a rule where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tanglec.codegen.expressions import extent_text
from tanglec.codegen.naming import constant_name
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent
from tanglec.ir.nodes import Dimension
from tanglec.passes.arithmetic import sort_of


def presence_text(conditions: Sequence[Extent], dimensions: Sequence[Dimension]) -> str:
    """A rule where the conditions follow one, such as `[i < DEPTH for i in range(14)]`, else one by one."""
    deciding = {p.dim for c in conditions for p in c.positions}
    for dim in dimensions:
        if dim.name in deciding:
            for rule, expected in _rules(dim, len(conditions)):
                if len(expected) == len(conditions) and all(map(_agree, conditions, expected)):
                    return f"[{rule}]"
    return f"[{', '.join(extent_text(c)[0] for c in conditions)}]"


def _rules(dim: Dimension, count: int) -> Iterator[tuple[str, list[Extent]]]:
    """Ways in which a dimension decides on the presence of `count` positions: a depth, edges that are kept."""
    name, choices = constant_name(dim.name), [ex.choice(p) for p in dim.positions]
    depth = sort_of(choices[0]) == "number"
    if not dim.per and depth:
        yield (
            f"i < {name} for i in range({count})",
            [ex.apply(">", choices[0], ex.const(i)) for i in range(count)],
        )
    elif dim.gates:
        yield from _kept_rules(dim, name)
    elif dim.per and depth and not dim.grouped and count % len(choices) == 0:
        each = count // len(choices)
        expected = [ex.apply(">", d, ex.const(i)) for d in choices for i in range(each)]
        yield f"i < {name}[k] for k in range({len(choices)}) for i in range({each})", expected


def _kept_rules(dim: Dimension, name: str) -> Iterator[tuple[str, list[Extent]]]:
    """Every edge into node `n` of a `dag` comes from one of its inputs or of the nodes before."""
    sizes = [sum(p.group == g for p in dim.positions) for g in dim.groups]
    if len(set(sizes)) > 1:
        return
    groups = ", ".join(f'"{g}"' for g in dim.groups) + ("," if len(dim.groups) == 1 else "")
    grouped = dim.grouped
    for inputs in range(1, 4):
        expected = [
            ex.apply("keeps", ex.choice(p), ex.const(source))
            for p in dim.positions
            for source in range(p.index + inputs)
        ]
        rule = f"keeps({name}[{'g, ' if grouped else ''}n], i)"
        rule += f" for g in ({groups})" if grouped else ""
        yield f"{rule} for n in range({sizes[0]}) for i in range(n + {inputs})", expected


def _agree(a: Extent, b: Extent) -> bool:
    return a == b or (a == TRUE or a.positions == b.positions) and ex.equal(a, b)
