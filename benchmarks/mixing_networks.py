"""The networks that mixing is measured on, and the steps that are measured of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import nn

from benchmarks.mixing_steps import SEED, Batch, Searching, Weights
from benchmarks.timing import Step
from tanglec.api import compile_file
from tanglec.ir.extents import Scalar
from tanglert.arch import ArchBase
from tanglert.compiled import compile_blocks
from tanglert.sample.sandwich import SandwichSampler
from tanglert.supernet import SupernetBase

BATCH = 8
OTHER_BATCHES = {"vit_mini": 64}  # so small a network is trained with many samples
NETWORKS: dict[str, tuple[str | Path, dict[str, Scalar]]] = {
    "autoformer_t": ("autoformer_t", {}),
    "gpt": (Path(__file__).parent / "gpt.tsp", {}),
    "conv_macro": ("conv_macro", {}),
    "mobilenet_v3": ("mobilenet_v3", {"resolution": 112}),  # at 224 a round takes four times as long
    "vit_mini": ("vit_mini", {}),
}
"""Spaces by name or path, and their params."""
TRANSFORMERS = ("autoformer_t", "gpt")


Mode: TypeAlias = Literal["fast", "rebuilt", "loop", "compiled"]
"""How a supernet mixes: as it is compiled; with mixed weights that are made again in backward, which saves their memory; by
Algorithm 2 as it is written, which evaluates every term; by `torch.compile` block by block, and the plain network too."""

MODES: dict[Mode, str] = {
    "fast": "",
    "rebuilt": ", weights rebuilt",
    "loop": ", Algorithm 2",
    "compiled": ", compiled per block",
}
"""What labels add."""


class Workbench:
    """One of the networks, compiled, with a batch of random data."""

    def __init__(self, name: str, mode: Mode = "fast") -> None:
        self.path, self.params = NETWORKS[name]
        self.mode = mode
        self.compiled = compile_file(
            self.path, params=self.params, lowering="loop" if mode == "loop" else "auto"
        )
        self.module = self.compiled.load()
        self.batch = Batch(self.module.SPACE, OTHER_BATCHES.get(name, BATCH))
        extremes: SandwichSampler[ArchBase] = SandwichSampler(self.module.Arch, SEED)
        self.largest, self.smallest = extremes.largest(), extremes.smallest()
        self.drawn: ArchBase = self.module.Sampler(SEED)()
        self.label = f"`{name}`, {' × '.join(map(str, self.batch.x.shape))}{MODES[mode]}"

    def alone(self, arch: ArchBase) -> Step:
        """Forward, backward and AdamW of the stand-alone network of an architecture."""
        torch.manual_seed(SEED)
        network = self.compiled.derive(arch)
        if self.mode == "compiled":
            for block in (block for m in network.modules() if isinstance(m, nn.ModuleList) for block in m):
                block.compile(dynamic=False)
        return Weights(network).learning(self.batch)

    def searching(self) -> Searching:
        """A new supernet with what searches it."""
        torch.manual_seed(SEED)
        supernet: SupernetBase = self.module.Supernet()
        if self.mode == "rebuilt":
            supernet.rebuild_weights()
        if self.mode == "compiled":
            compile_blocks(supernet)
        return Searching(supernet, self.batch)


STEPS: dict[str, Callable[[Workbench], Step]] = {
    "plain": lambda bench: bench.alone(bench.largest),
    "weights + architecture": lambda bench: bench.searching().both,
    "weights": lambda bench: bench.searching().weights_only,
    "architecture": lambda bench: bench.searching().architecture_only,
}
"""By name; each makes a network of its own."""
