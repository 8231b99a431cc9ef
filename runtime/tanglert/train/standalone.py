"""Training of one architecture by itself: the derived network, plain PyTorch, on the whole training part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tanglert.arch import ArchBase
from tanglert.data.faults import refuse_unfit
from tanglert.data.part import Data, Part
from tanglert.protocols import SpaceModule, Task
from tanglert.space import Space
from tanglert.supernet import SupernetBase
from tanglert.train.augmentation import augmented
from tanglert.train.checkpoint import BrokenCheckpoint, CheckpointFile
from tanglert.train.config import description
from tanglert.train.distributed import ALONE, World, joined, restarted
from tanglert.train.engine import Engine
from tanglert.train.evaluate import Evaluator
from tanglert.train.folder import RunError, RunFolder
from tanglert.train.interrupt import StopRequest
from tanglert.train.lock import sole_use
from tanglert.train.loop import Loop
from tanglert.train.options import Options, OptionsError
from tanglert.train.order import derived_seed
from tanglert.train.progress import Progress, Silent
from tanglert.train.task import task_for
from tanglert.train.trained import Init, Trained


class OneNetwork(SupernetBase):
    """A plain network in the place of a supernet: whatever it is to run at, it runs as it is."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, at: Any) -> Tensor:
        """The network's output."""
        output: Tensor = self.network(x)
        return output


class Standalone(Engine):
    """Each step trains the weights of one network on a batch."""

    def __init__(
        self, network: OneNetwork, arch: ArchBase, task: Task, train: Part, options: Options, world: World
    ) -> None:
        super().__init__(network, task, train, options, world)
        self.arch, self.norms = arch, batch_norms(network)
        self.tracked = [
            s for norm in self.norms for s in (norm.running_mean, norm.running_var) if s is not None
        ]
        if self.norms and self.batches.size == 1:
            raise OptionsError("the network has batch norms, which need two samples in a batch at least")

    def learn(self) -> dict[str, Tensor]:
        """One step of the weights; the loss."""
        at = [self.arch]
        return {"train_loss": self.descend(lambda x, y: [self.task.loss(self.forward(x, None), y)], at=at)}


class Training:
    """The parts of a training: data, network, engine, evaluation."""

    def __init__(
        self,
        build: Callable[[], nn.Module],
        arch: ArchBase,
        module: SpaceModule,
        data: Data,
        options: Options,
        init: Init = "retrain",
        weights: Mapping[str, Tensor] | None = None,
        world: World = ALONE,
    ) -> None:
        self.module, self.arch, self.data, self.options, self.world = module, arch, data, options, world
        self.init, self.space = init, module.SPACE
        self.task = task_for(self.space, options.label_smoothing)
        refuse_unfit(data, self.space)
        self.device = world.place(options.torch_device())
        self.train, self.test = data.train.to(self.device), data.test.to(self.device)
        torch.manual_seed(derived_seed(options.seed, "weights"))
        network = OneNetwork(loaded(build(), weights)).to(self.device)
        seen = augmented(self.train, options)
        self.engine: Engine = Standalone(network, arch, self.task, seen, options, world)
        if init == "inherit":
            self.engine.step = self.engine.total
        self.evaluator = Evaluator(
            network, self.task, self.train, options.batch_size, world, options.precision
        )

    def on_test(self) -> dict[str, float]:
        """Metrics on the held-out part."""
        return self.evaluator.subnet(self.arch, self.test)

    def config(self, parent: str | None) -> dict[str, Any]:
        """What is needed to know, or to repeat, the training."""
        return {
            **description(self.space, self.data, self.options, self.world, self.device),
            "kind": "training",
            "init": self.init,
            "architecture": self.arch.to_dict(),
            **({} if parent is None else {"parent": {"run": parent}}),
        }

    def result(self, seconds: float, memory: int | None) -> Trained:
        """The outcome."""
        return Trained(
            space=self.space.name,
            init=self.init,
            architecture=self.arch.to_dict(),
            params=self.module.count_params(self.arch),
            macs=self.module.count_macs(self.arch),
            metric=self.task.metric,
            higher=self.task.higher,
            test=self.on_test(),
            held_out=len(self.test),
            epochs=0 if self.init == "inherit" else self.options.epochs,
            seed=self.options.seed,
            seconds=seconds,
            memory=memory,
        )

    def state_dict(self) -> dict[str, Any]:
        """The engine's."""
        return {"engine": self.engine.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        self.engine.load_state_dict(state["engine"])


def train_network(
    build: Callable[[], nn.Module],
    arch: ArchBase,
    module: SpaceModule,
    data: Data,
    options: Options,
    folder: str | Path,
    progress: Progress | None = None,
    *,
    init: Init = "retrain",
    weights: Mapping[str, Tensor] | None = None,
    resume: bool = False,
    texts: Mapping[str, str] | None = None,
    parent: str | None = None,
) -> Trained:
    """Trains the network of one architecture on the whole training part, measures it on the held-out one.

    build: makes the network, a plain module; its weights are drawn by the seed of the options. weights: what it begins
    with instead ("finetune"), or is measured with ("inherit", no training at all); not needed to resume. parent: the
    run that they come from. texts: files for the folder, by name. Of the options those of a search do nothing.

    Stops, resumes and runs in several processes as `run_search` does, and raises the same; OptionsError also where
    weights are to be inherited and there are none.
    """
    path = Path(folder)
    if init != "retrain" and weights is None and not resume:
        raise OptionsError(f"{init} begins with the weights of a search, and none are given")
    with joined() as world, ExitStack() as stack:
        training = Training(build, arch, module, data, options, init, weights, world)
        resume = resume or (restarted() and world.from_main((path / "config.json").exists))
        if not resume:
            world.from_main(lambda: path.mkdir(parents=True, exist_ok=True))
        world.from_main(lambda: stack.enter_context(sole_use(path)))
        files = RunFolder(path, module.SPACE, training.config(parent), resume, texts, world)
        finished = world.from_main(lambda: Trained.read(path))
        if finished is not None:
            return finished
        files.write_architecture(arch)
        stop = stack.enter_context(StopRequest())
        shown = progress if progress is not None and world.is_main else Silent()
        return _complete(training, Loop("training", training, files, stop, shown))


def _complete(training: Training, loop: Loop) -> Trained:
    """Everything that is left to do."""
    title = f"{training.init} on {training.space.name}"
    try:
        loop.fit(title, lambda: {f"test_{name}": value for name, value in training.on_test().items()})
        result = training.result(round(loop.elapsed(), 2), loop.peak())
        loop.save()
        loop.files.write({"result.json": result.to_json()})
        return result
    finally:
        loop.progress.close()


def trained_weights(folder: Path, space: Space) -> dict[str, Tensor]:
    """The weights of the network that is trained in a folder, as they stand, under its own names, on the CPU.

    Raises RunError if there is no checkpoint, and what `CheckpointFile.load` raises.
    """
    checkpoint = CheckpointFile(folder / "checkpoint.pt", space)
    if not checkpoint.exists():
        raise RunError(f"no checkpoint in {folder}: it holds no training, or none that got that far")
    try:
        weights: dict[str, Tensor] = checkpoint.load()["training"]["engine"]["weights"]
    except (KeyError, TypeError) as error:
        raise BrokenCheckpoint(f"{checkpoint.path} holds no weights of one network") from error
    return {name.removeprefix("network."): tensor for name, tensor in weights.items()}


def loaded(network: nn.Module, weights: Mapping[str, Tensor] | None) -> nn.Module:
    """The network with these weights, if there are any. BrokenCheckpoint if they are of another."""
    try:
        if weights is not None:
            network.load_state_dict(weights)
    except RuntimeError as error:
        raise BrokenCheckpoint(f"the weights are of another network: {error}") from error
    return network


def batch_norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """All of them."""
    return [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
