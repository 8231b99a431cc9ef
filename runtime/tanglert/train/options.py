"""Options of training and searching, with defaults that suit the small spaces."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tanglert.relax.penalty import PenaltyError, strengths

Optimizer: TypeAlias = Literal[
    "darts", "gdas", "drnas", "spos", "fairnas", "random-a", "sandwich", "shrinking"
]
GRADIENT = ("darts", "gdas", "drnas")
"""Methods that learn architecture parameters; the others train sampled subnets, then rank architectures."""

Count: TypeAlias = Annotated[int, Field(gt=0)]
Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Limit: TypeAlias = Annotated[int, Field(ge=1)]


class OptionsError(ValueError):
    """An option with a value that makes no sense; `option` is its name where it is one alone."""

    def __init__(self, message: str, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class Checked(BaseModel):
    """Plain values, checked when they are made. OptionsError says which one is wrong, and what is expected."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise OptionsError(*_message(type(self), error)) from None


class Stage(Checked):
    """One of several stages of a progressive search (Chen et al. 2021, DrNAS, section 3.3).

    epochs: its length. warmup_epochs: at its start, without architecture steps. keep: choices that stay at every
    position when it begins, the most probable ones; None is all. params: of the space, where this stage has
    others (partial channels); what grows with them is widened.
    """

    epochs: Count
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    keep: Count | None = None
    params: dict[str, int | float | bool | str] = Field(default_factory=dict)


class Options(Checked):
    """How to train and search.

    The method
        optimizer: bi-level and by gradients "darts", "gdas" or "drnas"; or on sampled subnets "spos" (one,
            uniform), "fairnas" (every choice equally often), "random-a" (one, uniform among those that differ as
            networks), "sandwich" (largest, smallest and `subnets` random ones) or "shrinking" (choices open one
            after another, in the `order_of_dims`), then a search among architectures.
        order: 2 looks at the validation loss after a step of the weights (darts). normalise: how darts makes
            probabilities, "softmax" or "sparsemax". hot, cold: temperature of gdas, at the start and at the end.
        regulariser: of the architecture parameters, "l2" is weight decay, "kl" the divergence of Dirichlets
            (drnas), or "none"; strength: of either. penalty: expected cost, such as "macs:0.1".
        arch_lr, arch_clip: of the architecture parameters (Adam with betas 0.5, 0.999).
        warmup_epochs: at the start, without architecture steps; None is a fifth, rounded down.
        stages: of a progressive search; their epochs add up to all.
        distil: of sandwich and shrinking, whether the largest subnet teaches the others; false gives all the labels.

    The data
        validation: fraction that trains the architecture parameters, or ranks architectures; None is 0.5 and 0.2.
        crop: pixels by which training images are padded and cropped at random. flip: half of them mirrored.
        cutout: side of a square that is blanked. label_smoothing: of the losses; metrics are plain.

    The weights
        epochs: passes over the training part, which is what `validation` leaves of the data's training part.
        batch_size: samples of a batch, in each process. accumulate: batches in a step.
        weight_optimizer: "adamw", "adam" or "sgd"; lr, min_lr: learning rate at the start and at the end of its
            cosine, after `lr_warmup_epochs` from 0. weight_decay; beta1, beta2 of the first two; momentum, nesterov
            of the last. clip: largest gradient norm.
        update: which entries of weights a step moves, "all", or "touched": those that a subnet of the step reads. The others keep
            their value and momentum, without decay (methods that train subnets, and gdas).

    The search among architectures
        strategy: "random", "evolution" or "nsga2" (which also weighs what architectures cost).
        evaluations: architectures that are ranked. random: random ones to compare the result with.
        population, parents, mutations, crossovers, gene_probability, network_probability: of the evolution; None
            is AutoFormer's.
        max_params, max_macs, max_latency: what an architecture may cost; None is no limit.
        latency: a file with a table of ms (`LatencyTable`), for `max_latency` and as an objective of nsga2.

    The machine
        seed; device: "auto", "cpu", "cuda", …; precision: "fp32" or "bf16".
        compile: blocks by `torch.compile`, `compile_limit` graphs at most. rebuild: superposed weights are not kept for
            the backward pass but made again there, which saves memory.
        save_every: steps between checkpoints within an epoch; 0 is none.
    """

    optimizer: Optimizer = "drnas"
    order: Literal[1, 2] = 1
    normalise: Literal["softmax", "sparsemax"] = "softmax"
    hot: Positive = 10.0
    cold: Positive = 0.1
    regulariser: Literal["l2", "kl", "none"] = "l2"
    strength: NotNegative = 1e-3
    penalty: str | None = None
    arch_lr: Positive = 1e-2
    arch_clip: Positive = 5.0
    warmup_epochs: Annotated[int, Field(ge=0)] | None = None
    stages: Annotated[tuple[Stage, ...], Field(strict=False)] = ()
    subnets: Annotated[int, Field(ge=0)] = 2
    distil: bool = True
    order_of_dims: Annotated[tuple[str, ...], Field(strict=False)] = ()

    validation: Annotated[float, Field(gt=0, lt=1)] | None = None
    crop: Annotated[int, Field(ge=0)] = 0
    flip: bool = False
    cutout: Annotated[int, Field(ge=0)] = 0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0

    epochs: Count = 10
    batch_size: Count = 32
    accumulate: Count = 1
    weight_optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: Positive = 3e-3
    min_lr: NotNegative = 1e-5
    lr_warmup_epochs: NotNegative = 0.0
    weight_decay: NotNegative = 0.01
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = True
    clip: Positive = 5.0
    update: Literal["all", "touched"] = "all"

    strategy: Literal["random", "evolution", "nsga2"] = "random"
    evaluations: Count = 100
    random: Annotated[int, Field(ge=0)] = 10
    population: Count | None = None
    parents: Count | None = None
    mutations: Annotated[int, Field(ge=0)] | None = None
    crossovers: Annotated[int, Field(ge=0)] | None = None
    gene_probability: Fraction | None = None
    network_probability: Fraction | None = None
    max_params: Limit | None = None
    max_macs: Limit | None = None
    max_latency: Positive | None = None
    latency: str | None = None

    seed: Annotated[int, Field(ge=0)] = 0
    device: str = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False
    compile_limit: Count = 64
    rebuild: bool = False
    save_every: Annotated[int, Field(ge=0)] = 0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """The options of such a mapping, as `plain` makes it. OptionsError on an unknown name."""
        return cls(**given)

    def plain(self) -> dict[str, Any]:
        """Names and values, as JSON and TOML know them."""
        return self.model_dump(mode="json")

    def but(self, **changed: Any) -> Self:
        """The same with other values, checked as the first."""
        return self.of({**self.plain(), **changed})

    def model_post_init(self, _: Any) -> None:
        """What no option says by itself. OptionsError where two of them contradict each other."""
        self._only("darts", "order", 2)
        self._only("darts", "normalise", "sparsemax")
        self._only("drnas", "regulariser", "kl")
        if self.compile and self.order == 2:
            raise OptionsError(
                "compile: what torch compiles has no second derivatives, which order 2 needs", "compile"
            )
        self._can_be_touched()
        if self.by_gradients and self.strategy != "random":
            raise OptionsError(
                f"strategy {self.strategy} searches after training on sampled subnets ({', '.join(SAMPLED)});"
                f" {self.optimizer} finds its architecture by gradients"
            )
        if not self.by_gradients and (self.penalty or self.stages):
            raise OptionsError(
                f"{'penalty' if self.penalty else 'stages'}: for architecture parameters ({', '.join(GRADIENT)});"
                f" {self.optimizer} has none"
            )
        if self.penalty is not None:
            try:
                strengths(self.penalty)
            except PenaltyError as error:
                raise OptionsError(str(error), "penalty") from error
        if self.stages and sum(stage.epochs for stage in self.stages) != self.epochs:
            total = sum(stage.epochs for stage in self.stages)
            raise OptionsError(f"the stages last {total} epochs together, but epochs is {self.epochs}")
        if self.max_latency is not None and self.latency is None:
            raise OptionsError("max_latency (in ms) needs latency, the file of a table", "max_latency")
        if self.stages and self.warmup_epochs is not None:
            raise OptionsError(
                "each of the stages has warmup_epochs of its own: leave the other out", "warmup_epochs"
            )
        if not self.warmup <= self.epochs:
            raise OptionsError(
                f"warmup_epochs must lie between 0 and epochs ({self.epochs}), not {self.warmup}"
            )

    def _only(self, optimizer: str, name: str, value: str | int) -> None:
        if getattr(self, name) == value and self.optimizer != optimizer:
            raise OptionsError(f"{name} {value} is for {optimizer}, not for {self.optimizer}")

    def _can_be_touched(self) -> None:
        if self.update == "touched" and self.optimizer in ("darts", "drnas"):
            raise OptionsError(
                f"update touched is for methods that train subnets ({', '.join(('gdas', *SAMPLED))}); {self.optimizer}"
                " trains a mixture, which reads all weights",
                "update",
            )
        if self.update == "touched" and self.compile:
            raise OptionsError(
                "update touched takes gradients of parts of weights, and what torch compiles those of whole ones",
                "update",
            )

    @property
    def by_gradients(self) -> bool:
        """Whether the method learns architecture parameters, instead of ranking architectures."""
        return self.optimizer in GRADIENT

    @property
    def validation_fraction(self) -> float:
        """The fraction of the training part that is set apart."""
        if self.validation is not None:
            return self.validation
        return 0.5 if self.by_gradients else 0.2

    @property
    def weight_decay_of_alphas(self) -> float:
        """What the optimiser of the architecture parameters applies."""
        return self.strength if self.regulariser == "l2" else 0.0

    @property
    def warmup(self) -> int:
        """Epochs in which the architecture parameters rest."""
        return self.epochs // 5 if self.warmup_epochs is None else self.warmup_epochs

    def torch_device(self) -> torch.device:
        """The device that `device` asks for. Raises OptionsError if there is no such device."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self.device)
            torch.zeros(1, device=device).item()  # `meta` can be asked for, but holds no numbers
        except (RuntimeError, AssertionError, ImportError, TypeError) as error:
            reason = str(error).splitlines()[0].split(". ")[0]
            raise OptionsError(f"device {self.device!r} is not to be had here ({reason})") from error
        return device


SAMPLED = tuple(name for name in get_args(Optimizer) if name not in GRADIENT)


def _message(kind: type[Checked], error: ValidationError) -> tuple[str, str | None]:
    """The first thing that is wrong, in the words of the option, and its name if it is one alone."""
    first = error.errors(include_url=False)[0]
    where = [str(part) for part in first["loc"] if not str(part).startswith(("function", "constrained"))]
    name, value, why = ".".join(where[:3]), first["input"], first["type"]
    bounds = first.get("ctx", {})
    if why == "extra_forbidden":
        near = get_close_matches(where[-1], kind.model_fields, 1)
        guess = f"did you mean {near[0]}?" if near else f"there are {', '.join(kind.model_fields)}"
        return f"there is no option {name}; {guess}", name
    if why == "missing":
        return f"{name} is missing", name
    if why == "literal_error":
        literal = str(bounds["expected"]).replace("'", "").replace(" or ", ", ")
        return f"{name} is one of {literal}, not {value!r}", name
    if why == "value_error" and not where:  # of options together
        return str(bounds["error"]), getattr(bounds["error"], "option", None)
    if why == "value_error":  # of an option that has options of its own
        return f"{name}: {bounds['error']}", name
    expected = {
        "greater_than": f"above {bounds.get('gt')}",
        "greater_than_equal": _at_least(bounds.get("ge")),
        "less_than": f"below {bounds.get('lt')}",
        "less_than_equal": f"{bounds.get('le')} at most",
        "int_type": "a whole number",
        "float_type": "a finite number",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "text",
    }.get(why)
    return f"{name} must be {expected}, not {value!r}" if expected else f"{name}: {first['msg']}", name


def _at_least(bound: Any) -> str:
    return "0 or more" if bound == 0 else f"{bound} at least"
