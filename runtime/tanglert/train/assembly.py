"""The parts of a search, put together: data split, supernet, engine, evaluation, random searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tanglert.arch import ArchBase
from tanglert.compiled import compile_blocks
from tanglert.data.faults import refuse_unfit, warn_of_missing_classes
from tanglert.data.part import Data, Part
from tanglert.protocols import HardRelaxation, Relaxation, SpaceModule
from tanglert.relax import ArchParameters, most_probable
from tanglert.relax.penalty import Penalty
from tanglert.search import front
from tanglert.train import methods
from tanglert.train.augmentation import augmented
from tanglert.train.bilevel import Bilevel
from tanglert.train.checkpoint import BrokenCheckpoint
from tanglert.train.config import description, digest, file_digest
from tanglert.train.distributed import ALONE, World
from tanglert.train.engine import Engine
from tanglert.train.evaluate import Evaluator
from tanglert.train.folder import inherited_weights
from tanglert.train.oneshot import OneShot
from tanglert.train.options import Options, OptionsError
from tanglert.train.order import derived_seed, split
from tanglert.train.result import Result
from tanglert.train.stages import begin_stage, check_stages, stage_options
from tanglert.train.task import TaskError, task_for


class Search:
    """The parts of a search, put together for a space, its data and the options.

    module: the space as it is derived and costed. stages: as each stage of `options.stages` has it, with other widths
    (partial channels); none where there is one stage, of the space as it is. `now` is that of the running stage.

    Raises TaskError, DataMismatch, OptionsError, SampledOnlyError, NothingAdmitted.
    """

    def __init__(
        self,
        module: SpaceModule,
        data: Data,
        options: Options,
        world: World = ALONE,
        stages: Sequence[SpaceModule] = (),
    ) -> None:
        self.module, self.data, self.options, self.world = module, data, options, world
        self.stages = tuple(stages) or (module,) * len(options.stages)
        self.space = module.SPACE
        if not self.space.dims:
            raise TaskError(
                f"`{self.space.name}` has no dimension: it is one network, there is nothing to search"
            )
        check_stages(self.stages, options)
        self.task = task_for(self.space, options.label_smoothing)
        refuse_unfit(data, self.space)
        self.device = world.place(options.torch_device())
        self.parent: dict[str, str] | None = None
        rest, apart = split(len(data.train), options.validation_fraction, options.seed)
        self.train = data.train.subset(rest).to(self.device)
        self.validation = data.train.subset(apart).to(self.device)
        self.test = data.test.to(self.device)
        if world.is_main:
            parts = {"training": self.train, "validation": self.validation, "test": self.test}
            warn_of_missing_classes(data, parts)
        self.costs = methods.costs(module, options)
        self.admit = methods.budget(module, options)
        self._begin(0)

    def _begin(self, stage: int) -> None:
        """Sets up a stage, untrained."""
        options = self.options
        self.stage = stage
        self.now = self.stages[stage] if self.stages else self.module
        self.engine = self._engine(stage_options(options, stage) if self.stages else options)
        self.evaluator = Evaluator(
            self.engine.supernet, self.task, self.train, options.batch_size, self.world, options.precision
        )
        if self.evaluator.has_batch_norm and self.engine.batches.size == 1:
            raise OptionsError(
                f"`{self.space.name}` has batch norms, which need two samples in a batch at least",
                "batch_size",
            )
        self.probe = self.now.Sampler(derived_seed(options.seed, "probe"))()
        self.ranking = methods.strategy(
            self.now, self.task, self.on_validation, self.admit, self.costs, options
        )
        self.random = methods.random_search(
            "random", options.random, self.now, self.task, self.on_test, self.admit, options
        )

    def next_stage(self) -> bool:
        """Goes on to the next stage, with weights widened and choices pruned; False after the last."""
        if self.stage + 1 >= len(self.stages):
            return False
        before = self.engine.state_dict()
        self._begin(self.stage + 1)
        assert isinstance(self.engine, Bilevel)
        keep = self.options.stages[self.stage].keep
        begin_stage(self.engine, before, keep, derived_seed(self.options.seed, "widen", self.stage))
        return True

    @property
    def epochs_before(self) -> int:
        """Epochs of the stages that are complete."""
        return sum(stage.epochs for stage in self.options.stages[: self.stage])

    def _engine(self, options: Options) -> Engine:
        seed = self.options.seed
        alphas = None
        if options.by_gradients:  # first, so that a space without a mixture is refused at once
            alphas = ArchParameters(self.now.SPACE, derived_seed(seed, "alphas"))
        torch.manual_seed(derived_seed(seed, "weights"))
        supernet = self.now.Supernet().to(self.device)
        supernet.rebuild_weights(options.rebuild)
        if options.compile:
            compile_blocks(supernet, options.compile_limit)
        train = augmented(self.train, options)  # calibration and evaluation see the data as it is
        if alphas is None:
            sampler = methods.path_sampler(self.now, options)
            return OneShot(supernet, self.task, train, sampler, options, self.world)
        relaxation = methods.relaxation(alphas.to(self.device), self.now, options)
        penalty = None if options.penalty is None else Penalty.parse(options.penalty, self.module)
        return Bilevel(supernet, self.task, train, self.validation, relaxation, options, self.world, penalty)

    def inherit(self, run: Path) -> None:
        """Takes the trained supernet of a run instead of training one. RunError, or what its checkpoint says."""
        if self.options.by_gradients:
            raise OptionsError(
                f"{self.options.optimizer} finds its architecture while it trains: the supernet of another run is of"
                " use to a search among architectures (spos and its kin)",
                "optimizer",
            )
        weights = inherited_weights(run, self.space)
        try:
            self.engine.supernet.load_state_dict(weights)
        except RuntimeError as error:
            raise BrokenCheckpoint(
                f"the weights in {run} are not those of `{self.space.name}`: {error}"
            ) from error
        self.engine.step = self.engine.total
        self.parent = {"run": run.as_posix(), "sha256": digest(weights)}

    def on_validation(self, arch: ArchBase) -> dict[str, float]:
        """Metrics on the part that chooses."""
        return self.evaluator.subnet(arch, self.validation)

    def on_test(self, arch: ArchBase) -> dict[str, float]:
        """Metrics on the held-out part."""
        return self.evaluator.subnet(arch, self.test)

    def config(self) -> dict[str, Any]:
        """What is needed to know, or to repeat, the run."""
        table = self.options.latency
        return {
            **description(self.space, self.data, self.options, self.world, self.device),
            **({} if table is None else {"latency_sha256": file_digest(table)}),
            **({} if self.parent is None else {"parent": self.parent}),
        }

    def current(self) -> ArchBase | None:
        """The architecture that the search would give now; None while nothing is ranked yet."""
        if isinstance(self.engine, Bilevel):
            return self._derived(self.engine.relaxation)
        return self.ranking.best() if self.ranking.history else None

    def _derived(self, relaxation: Relaxation) -> ArchBase:
        """The most probable architecture within the limits."""
        return most_probable(
            relaxation.alphas, self.now.Arch, admit=self.admit, probabilities=relaxation.mean()
        )

    def probabilities(self) -> dict[str, Any] | None:
        """The mean probability of every choice, by dimension and position; None without architecture parameters."""
        if not isinstance(self.engine, Bilevel):
            return None
        with torch.no_grad():
            mean = self.engine.relaxation.mean()
        return {name: p.double().mul(1e4).round().div(1e4).tolist() for name, p in mean.items()}

    def validate(self) -> dict[str, float]:
        """Validation metrics of the mixture; of the subnet it would give (gdas); of a fixed random one (one-shot)."""
        if not isinstance(self.engine, Bilevel):
            return self.on_validation(self.probe)
        mixture = self._mixture(self.validation)
        if mixture is not None:
            return mixture
        return self.on_validation(self._derived(self.engine.relaxation))

    @property
    def mixes(self) -> bool:
        """Whether the method trains a mixture, which is another network than the subnet it leads to."""
        return isinstance(self.engine, Bilevel) and not isinstance(self.engine.relaxation, HardRelaxation)

    def _mixture(self, part: Part) -> dict[str, float] | None:
        """Metrics of the mixture; None without one to speak of: gdas never trains it away from its vertices."""
        if not self.mixes or not isinstance(self.engine, Bilevel):
            return None
        return self.evaluator.mixture(self.engine.relaxation.mean(), part)

    def result(self, seconds: float, memory: int | None = None) -> Result:
        """What was found; measured last, so that the batch norms keep the architecture's statistics.

        seconds, memory: what it took, the latter in bytes.
        """
        mixture = self._mixture(self.test)
        found = self.current()
        assert found is not None  # one at least is ranked
        return Result(
            space=self.space.name,
            optimizer=self.options.optimizer,
            architecture=found.to_dict(),
            params=self.module.count_params(found),
            macs=self.module.count_macs(found),
            metric=self.task.metric,
            higher=self.task.higher,
            validation=self.on_validation(found),
            test=self.on_test(found),
            mixture=mixture,
            random=[metrics[self.task.metric] for metrics in self.random.history.values()],
            held_out=len(self.test),
            seconds=seconds,
            memory=memory,
            front=[] if isinstance(self.engine, Bilevel) else self.front(),
        )

    def front(self) -> list[dict[str, Any]]:
        """The ranked architectures that no other beats in metric, parameters and multiply-adds, the best first."""
        metric = self.task.metric
        return [
            {
                "architecture": arch.to_dict(),
                metric: self.ranking.history[arch][metric],
                **{name: cost(arch) for name, cost in self.costs.items()},
            }
            for arch in front(self.ranking, self.costs)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Stage, engine and both searches."""
        return {
            "stage": self.stage,
            "engine": self.engine.state_dict(),
            "ranking": self.ranking.state_dict(),
            "random": self.random.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        if state["stage"] != self.stage:
            self._begin(int(state["stage"]))
        self.engine.load_state_dict(state["engine"])
        self.ranking.load_state_dict(state["ranking"])
        self.random.load_state_dict(state["random"])
