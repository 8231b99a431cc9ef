"""How long the compiler takes: `python -m benchmarks.compile`, from the top of a checkout (three minutes).

CPU seconds of whole processes, start-up and imports included, the least of some rounds: what else the machine does at the time
adds to a figure and never takes away. Every shipped space, and one that is written here at several sizes. Python's byte
code and the parser's tables are in their caches, as they are from the second run of an installed compiler on.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import log
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from benchmarks.machine import load, machine
from tanglec.library import shipped
from tanglert.train.atomic import replace_text

RESULTS = Path("benchmarks/results/compile.json")
COMMANDS = ("check", "inspect", "compile")
ROUNDS = 3
SIZES = (25, 50, 100)  # dimensions of the space that is written here; it has twice as many layers
_START = "from tanglec.cli.app import main; main()"

Seconds = dict[str, float]


def synthetic(dimensions: int) -> str:
    """A space of so many dimensions, half of them per layer, and twice as many layers: some of elastic depth."""
    blocks = (dimensions - 1) // 2
    layers = 2 * dimensions // blocks
    return "\n".join(
        [
            "space synthetic",
            "",
            "input image: tokens(16, 64)",
            "",
            f"dim depth: {layers - 2}..{layers}",
            *(f"dim width_{i}: 32 | 48 | 64\ndim ratio_{i} per layer_{i}: 1 | 2 | 4" for i in range(blocks)),
            *(_block(i) for i in range(blocks)),
            "",
            "network:",
            "    x = linear(image, 64)",
            *(_repeat(i, "depth" if i % 5 == 0 else str(layers)) for i in range(blocks)),
            "    return linear(mean(layer_norm(x)), 10)\n",
        ]
    )


def _block(number: int) -> str:
    hidden = f"width_{number} * ratio_{number}"
    return f"""
block layer_{number}(x):
    h = gelu(linear(layer_norm(x), {hidden}))
    return x + linear(h, width(x))"""


def _repeat(number: int, times: str) -> str:
    return f"    repeat {times}:\n        x = layer_{number}(x)"


def seconds(arguments: Sequence[str]) -> float:
    """CPU time of one command in a process of its own. Raises `CalledProcessError` if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _START, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@cache
def _environment() -> dict[str, str]:
    """That of this process, with byte code written to a folder of its own."""
    folder = mkdtemp()
    atexit.register(rmtree, folder)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder}


def growth(grown: Mapping[str, Seconds]) -> dict[str, float]:
    """Each command's exponent between the smallest and the largest size, start-up included: 1 is linear."""
    first, last = min(grown, key=int), max(grown, key=int)
    return {c: round(log(grown[last][c] / grown[first][c], int(last) / int(first)), 2) for c in COMMANDS}


def measured(space: str, out: str, run: Callable[[Sequence[str]], float] = seconds) -> Seconds:
    """Each command's CPU seconds on a space, by name or path."""
    options = {"compile": ("-o", out)}
    return {
        command: round(min(run([command, space, *options.get(command, ())]) for _ in range(ROUNDS)), 2)
        for command in COMMANDS
    }


def table(results: Mapping[str, Any]) -> str:
    """The results as Markdown."""
    head = f"| space | {' | '.join(COMMANDS)} |\n|---|{'---|' * len(COMMANDS)}"
    named = [(f"`{name}`", row) for name, row in results["spaces"].items()]
    grown = [
        (f"{n} dimensions, {2 * int(n)} layers or a few less", row) for n, row in results["synthetic"].items()
    ]
    rows = [f"| {name} | {' | '.join(f'{row[c]:.2f}' for c in COMMANDS)} |" for name, row in [*named, *grown]]
    return "\n".join([head, *rows])


def main() -> None:
    """Measure everything, and write it down."""
    with TemporaryDirectory() as folder:
        spaces = {name: measured(name, folder) for name in sorted(shipped())}
        grown = {}
        for size in SIZES:
            path = Path(folder) / "synthetic.tsp"
            path.write_text(synthetic(size))
            grown[str(size)] = measured(str(path), folder)
    results = {"spaces": spaces, "synthetic": grown, "growth": growth(grown)}
    text = json.dumps({"machine": machine(), "load": load(), "rounds": ROUNDS, **results}, indent=2)
    replace_text(RESULTS, text + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
