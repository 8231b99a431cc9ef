"""The parts of a search, put together: data split, supernet, engine, evaluation, random searches."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import torch

from tanglert.arch import ArchBase
from tanglert.data.part import Data, Part
from tanglert.protocols import HardRelaxation, PathSampler, Relaxation, SpaceModule
from tanglert.relax import GDAS, ArchParameters, Darts, DrNAS, most_probable
from tanglert.sample.fairnas import FairSampler
from tanglert.sample.sandwich import SandwichSampler
from tanglert.search import NSGA2, Budget, Evolution, RandomSearch, Strategy, front
from tanglert.train.bilevel import Bilevel
from tanglert.train.engine import Engine
from tanglert.train.evaluate import Evaluator
from tanglert.train.oneshot import OneShot
from tanglert.train.options import Options, OptionsError
from tanglert.train.order import derived_seed, split
from tanglert.train.result import Result
from tanglert.train.task import TaskError, task_for


class Search:
    """The parts of a search, put together for a space, its data and the options."""

    def __init__(self, module: SpaceModule, data: Data, options: Options) -> None:
        self.module, self.data, self.options = module, data, options
        self.space = module.SPACE
        if not self.space.dims:
            raise TaskError(
                f"`{self.space.name}` has no dimension: it is one network, there is nothing to search"
            )
        self.task = task_for(self.space)
        self.device = options.torch_device()
        rest, apart = split(len(data.train), options.validation_fraction, options.seed)
        self.train = data.train.subset(rest).to(self.device)
        self.validation = data.train.subset(apart).to(self.device)
        self.test = data.test.to(self.device)
        self.engine = self._engine()
        self.evaluator = Evaluator(self.engine.supernet, self.task, self.train, options.batch_size)
        if self.evaluator.has_batch_norm and self.engine.batches.size == 1:
            raise OptionsError(
                f"`{self.space.name}` has batch norms, which need two samples in a batch at least"
            )
        self.probe = module.Sampler(derived_seed(options.seed, "probe"))()
        limited = options.max_params is not None or options.max_macs is not None
        self.admit = Budget(module, options.max_params, options.max_macs) if limited else None
        self.costs = {"params": module.count_params, "macs": module.count_macs}
        self.ranking = self._ranking()
        self.random = self._random("random", options.random, self.on_test)

    def _engine(self) -> Engine:
        options, seed = self.options, self.options.seed
        alphas = None
        if options.by_gradients:  # first, so that a space without a mixture is refused at once
            alphas = ArchParameters(self.space, derived_seed(seed, "alphas"))
        torch.manual_seed(derived_seed(seed, "weights"))
        supernet = self.module.Supernet().to(self.device)
        if alphas is None:
            return OneShot(supernet, self.task, self.train, self._sampler(), options)
        relaxation = self._relaxation(alphas.to(self.device))
        return Bilevel(supernet, self.task, self.train, self.validation, relaxation, options)

    def _sampler(self) -> PathSampler:
        """Which architectures a step of one-shot training runs."""
        seed = derived_seed(self.options.seed, "paths")
        if self.options.optimizer == "fairnas":
            return FairSampler(self.module.Arch, seed)
        if self.options.optimizer == "sandwich":
            sampler = SandwichSampler(self.module.Arch, seed)
            if not sampler.sizes:
                raise OptionsError(
                    f"sandwich runs the largest and the smallest subnet, but no choice of `{self.space.name}` is"
                    " a number: use spos or fairnas"
                )
            return sampler
        return self.module.Sampler(seed)

    def _relaxation(self, alphas: ArchParameters) -> Relaxation:
        """How the method makes probabilities from architecture parameters."""
        options, seed = self.options, derived_seed(self.options.seed, self.options.optimizer)
        if options.optimizer == "darts":
            return Darts(alphas, options.normalise, options.weight_decay_of_alphas)
        if options.optimizer == "gdas":
            return GDAS(alphas, self.module.Arch, seed, options.weight_decay_of_alphas)
        return DrNAS(alphas, seed, options.regulariser, options.strength)

    def _ranking(self) -> Strategy[ArchBase]:
        """How architectures are searched after training on sampled subnets."""
        options = self.options
        if options.strategy == "random":
            return self._random("ranking", options.evaluations, self.on_validation)
        sampler = self.module.Sampler(derived_seed(options.seed, "ranking"))
        parts = (self.module.Arch, sampler, self.on_validation, self.task.score, options.evaluations)
        seed = derived_seed(options.seed, "breeding")
        if options.strategy == "evolution":
            return Evolution(*parts, seed=seed, admit=self.admit)
        return NSGA2(*parts, costs=self.costs, seed=seed, admit=self.admit)

    def _random(
        self, purpose: str, count: int, measure: Callable[[ArchBase], dict[str, float]]
    ) -> RandomSearch[ArchBase]:
        sampler = self.module.Sampler(derived_seed(self.options.seed, purpose))
        return RandomSearch(self.module.Arch, sampler, measure, self.task.score, count, admit=self.admit)

    def on_validation(self, arch: ArchBase) -> dict[str, float]:
        """Metrics on the part that chooses."""
        return self.evaluator.subnet(arch, self.validation)

    def on_test(self, arch: ArchBase) -> dict[str, float]:
        """Metrics on the held-out part."""
        return self.evaluator.subnet(arch, self.test)

    def config(self) -> dict[str, Any]:
        """What is needed to know, or to repeat, the run."""
        return {
            "space": self.space.name,
            "source": self.space.source,
            "data": self.data.name,
            "data_sha256": self.data.sha256(),
            "classes": list(self.data.classes),
            "normalisation": self.data.train.normalisation(),
            "options": asdict(self.options),
            "device": str(self.device),
            "threads": torch.get_num_threads(),
            "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        }

    def current(self) -> ArchBase | None:
        """The architecture that the search would give now; None while nothing is ranked yet."""
        if isinstance(self.engine, Bilevel):
            alphas = self.engine.relaxation.alphas
            return most_probable(alphas, self.module.Arch, admit=self.admit)
        return self.ranking.best() if self.ranking.history else None

    def validate(self) -> dict[str, float]:
        """Validation metrics of the mixture; of the subnet it would give (gdas); of a fixed random one (one-shot)."""
        if not isinstance(self.engine, Bilevel):
            return self.on_validation(self.probe)
        mixture = self._mixture(self.validation)
        if mixture is not None:
            return mixture
        return self.on_validation(most_probable(self.engine.relaxation.alphas, self.module.Arch))

    def _mixture(self, part: Part) -> dict[str, float] | None:
        """Metrics of the mixture; None without one to speak of: gdas never trains it away from its vertices."""
        if not isinstance(self.engine, Bilevel) or isinstance(self.engine.relaxation, HardRelaxation):
            return None
        return self.evaluator.mixture(self.engine.relaxation.mean(), part)

    def result(self, seconds: float) -> Result:
        """What was found; measured last, so that the batch norms keep the architecture's statistics."""
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
        """Engine and both random searches."""
        return {
            "engine": self.engine.state_dict(),
            "ranking": self.ranking.state_dict(),
            "random": self.random.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        self.engine.load_state_dict(state["engine"])
        self.ranking.load_state_dict(state["ranking"])
        self.random.load_state_dict(state["random"])
