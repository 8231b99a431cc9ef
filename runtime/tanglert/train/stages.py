"""The stages of a progressive search: each begins with the weights and the choices that the one before it leaves.

Chen et al. 2021 (DrNAS, section 3.3): a stage searches few channels and all choices, the next more channels and the
most probable choices. Its learning rate begins anew, and it has a warm-up of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tanglert.protocols import SpaceModule
from tanglert.train.bilevel import Bilevel
from tanglert.train.options import Options, OptionsError
from tanglert.train.order import derived_seed
from tanglert.train.widen import WidenError, Widening


def check_stages(modules: Sequence[SpaceModule], options: Options) -> None:
    """Looks at all stages before the first begins. Raises OptionsError naming the one that cannot follow.

    modules: the space as each stage has it. They differ in their widths, never in what there is to choose.
    """
    if len(modules) != len(options.stages):
        raise OptionsError(f"{len(options.stages)} stages, but the space was compiled for {len(modules)}")
    if options.stages and options.stages[0].keep is not None:
        raise OptionsError("stage 1 begins with nothing learnt to choose by: keep is for the later ones")
    states = []
    for number, module in enumerate(modules, 1):
        try:
            stage_options(options, number - 1)
        except OptionsError as error:
            raise OptionsError(f"stage {number}: {error}", "stages") from None
        if module.SPACE.positions != modules[0].SPACE.positions:
            raise OptionsError(f"stage {number} has other choices than stage 1: only widths may change")
        with torch.device("meta"):
            states.append(module.Supernet().state_dict())
    for number, (before, after) in enumerate(zip(states, states[1:], strict=False), 2):
        try:
            Widening(before, after, torch.Generator())
        except WidenError as error:
            raise OptionsError(f"stage {number} cannot follow stage {number - 1}: {error}") from None


def stage_options(options: Options, number: int) -> Options:
    """What trains stage `number`, counted from 0: its epochs and warm-up, and an order of the data of its own."""
    stage = options.stages[number]
    seed = options.seed if number == 0 else derived_seed(options.seed, "stage", number)
    return options.but(epochs=stage.epochs, warmup_epochs=stage.warmup_epochs, stages=(), seed=seed)


def begin_stage(engine: Bilevel, before: Mapping[str, Any], keep: int | None, seed: int) -> None:
    """Puts an engine that has not trained yet where the stage before it ended.

    Weights and their optimiser's momentum are widened, architecture parameters, their optimiser and the generators go
    on; then all but the `keep` most probable choices of every position are pruned (None keeps those in play). The
    step is 0 again, and with it the learning rate and the temperature of GDAS.

    before: `state_dict()` of the engine of that stage. seed: of the channels that are copied. Raises WidenError
    where the engine's supernet is not a wider one.
    """
    generator = torch.Generator().manual_seed(seed)
    widening = Widening(before["weights"], engine.supernet.state_dict(), generator)
    engine.load_state_dict(
        {
            **before,
            "step": 0,
            "sums": {},
            "weights": widening.state(before["weights"]),
            "optimizer": widening.optimizer(before["optimizer"], engine.supernet, engine.optimizer),
        }
    )
    if keep is not None:
        alphas = engine.relaxation.alphas
        alphas.keep_best(keep, engine.relaxation.mean())
