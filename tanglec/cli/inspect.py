"""`tanglec inspect`: what a space is, how it is mixed, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tanglec.cli.arguments import AsJSON, File, Params, Sharing, read_params
from tanglec.cli.tables import memory, table


def inspect(file: File, param: Params = None, sharing: Sharing = "entangled", json: AsJSON = False) -> None:
    """Show a space: dimensions, number of architectures, groups and how each is mixed, costs, memory.

    \b
    Examples:
      tanglec inspect autoformer_t
      tanglec inspect my_space.tsp --param resolution=384 --json
      tanglec inspect darts --sharing separate
    """
    from tanglec.cli.analysis import analysed
    from tanglec.cli.inspection import inspection
    from tanglec.cli.messages import reported, show
    from tanglec.passes.count import Count

    with reported("json" if json else "full"):
        result = analysed(file, read_params(param), sharing=sharing)
    seen = inspection(result.space)
    if json:
        from json import dumps

        print(dumps(seen, indent=2))
        return
    show(result.warnings)
    print("\n".join(_page(seen, str(Count(**seen["architectures"])))))


def _page(seen: Mapping[str, Any], architectures: str) -> Iterator[str]:
    yield f"{seen['name']}: {seen['title']}" if seen["title"] else seen["name"]
    yield ""
    yield from _facts(seen, architectures)
    yield from ("", "Dimensions", *table(_dimensions(seen["dimensions"])))
    yield from (f"  {d['name']} can only be sampled: {d['sampled_only']}" for d in _sampled_only(seen))
    if seen["groups"]:
        yield from ("", "Groups (operations that mix choices, by the dimensions that meet in them)")
        yield from table(_groups(seen["groups"]))
        yield from _legend(seen["groups"])
    yield from (
        "",
        "Memory of the supernet in training, an estimate at float32",
        *table(_memory(seen["memory"])),
    )


def _facts(seen: Mapping[str, Any], architectures: str) -> Iterator[str]:
    ranges = {k: f"{v['min']:,} to {v['max']:,}" for k, v in seen["cost"].items()}
    rows = [
        ["input", ", ".join(f"{name}: {type}" for name, type in seen["inputs"].items())],
        ["output", ", ".join(seen["outputs"])],
        ["architectures", architectures],
        ["parameters", ranges["params"]],
        ["multiply-adds", ranges["macs"]],
        *(["require", text] for text in seen["requirements"]),
    ]
    yield from table(rows)


def _sampled_only(seen: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [d for d in seen["dimensions"] if d["sampled_only"]]


def _dimensions(dimensions: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for d in dimensions:
        lists = d["choices"] if isinstance(d["choices"][0], list) else [d["choices"]]
        choices = _kept(lists) if d["gates"] else ", ".join(" | ".join(map(_word, c)) for c in lists)
        counts = (
            f"{d['positions']} position{'s' * (d['positions'] > 1)}, {d['uses']} use{'s' * (d['uses'] > 1)}"
        )
        yield [d["name"], d["scope"], choices, counts, "sampled only" if d["sampled_only"] else ""]


def _kept(lists: Sequence[Sequence[str]]) -> str:
    """`2 of up to 5 edges into a node`."""
    longest = max(lists, key=len)
    edges = {source for subset in longest for source in subset.split("+")}
    return f"{longest[0].count('+') + 1} of up to {len(edges)} edges into a node"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _groups(groups: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    before = ""
    for group in groups:
        product = _product(group)
        each = f", {group['evaluations']} evaluations each" if group["evaluations"] > 1 else ""
        places = ", ".join(path or "network" for path in group["paths"])
        name = f"{product} ({group['scope']})" if product != before else ""
        yield [
            name,
            group["kind"],
            f"{group['uses']} {group['operation']}",
            f"{_way(group)}{each}",
            places,
        ]
        before = product


_WAYS = {  # by what they are recognised by
    "mask": "mask       one evaluation, with the superposed weight",
    "≤": "scale ≤ n  up to n samples in a batch, channels are scaled instead, before and after: fewer numbers than weights",
    "*": "*          in the architecture's step on a CPU at any batch: scales need no gradient of the weight",
    "moments": "moments    statistics of all widths at once",
    "loop": "loop       one evaluation for each joint choice: no closed form",
}


def _legend(groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the ways of mixing mean, those that occur."""
    shown = " ".join(_way(group) for group in groups)
    yield from (f"    {meaning}" for mark, meaning in _WAYS.items() if mark in shown)


def _way(group: Mapping[str, Any]) -> str:
    """`mask, scale ≤ 2`: up to two samples; `mask, scale*`: in steps of the architecture only."""
    if not group["scaled_up_to"]:
        return str(group["lowering"])
    low, high = group["scaled_up_to"]
    star = "*" if group["scaled_in_architecture_steps"] else ""
    if not high and not star:
        return str(group["lowering"])
    most = f" ≤ {high if low == high else f'{low} to {high}'}" if high else ""
    return f"{group['lowering']}, scale{most}{star}"


def _product(group: Mapping[str, Any]) -> str:
    return " × ".join(group["dimensions"])


def _memory(bytes: Mapping[str, int]) -> Iterator[list[str]]:
    yield ["weights", memory(bytes["weights"])]
    yield ["gradients", memory(bytes["gradients"])]
    yield ["AdamW's state", memory(bytes["adamw"])]
    yield ["activations", f"{memory(bytes['activations'])} a sample, all operations at their largest"]
