"""Tasks, chosen by the types of the space: classification, and prediction of the next token."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from tanglert.protocols import Task
from tanglert.space import Space


class Classification:
    """Cross entropy of logits (B, classes), measured by accuracy.

    label_smoothing: the share of the target that is spread over all classes (Szegedy et al. 2016, section 7), in
    the loss that is trained on; what is measured is the plain cross entropy.
    """

    metric = "accuracy"
    higher = True

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean cross entropy in nats."""
        return F.cross_entropy(output.flatten(0, -2), target.flatten(), label_smoothing=self.label_smoothing)

    def tally(self, output: Tensor, target: Tensor) -> Tensor:
        """Summed cross entropy, number of correct predictions, number of predictions: float64 (3,)."""
        logits, labels = output.flatten(0, -2), target.flatten()
        loss = F.cross_entropy(logits, labels, reduction="sum")
        correct = (logits.argmax(1) == labels).sum()
        return torch.stack([loss.double(), correct.double(), torch.full_like(loss, len(labels)).double()])

    def metrics(self, tally: Tensor) -> dict[str, float]:
        """Mean loss in nats, and accuracy from 0 to 1."""
        loss, correct, count = tally.tolist()
        return {"loss": loss / count, "accuracy": correct / count}

    def score(self, metrics: Mapping[str, float]) -> float:
        """The accuracy."""
        return metrics["accuracy"]


class LanguageModel(Classification):
    """Next-token prediction: logits (B, L, vocabulary) against ids one step on, measured by perplexity."""

    metric = "perplexity"
    higher = False

    def metrics(self, tally: Tensor) -> dict[str, float]:
        """Mean loss in nats a token, perplexity (its exponential), and accuracy."""
        metrics = super().metrics(tally)
        return {**metrics, "perplexity": math.exp(min(metrics["loss"], 700.0))}

    def score(self, metrics: Mapping[str, float]) -> float:
        """The negative loss."""
        return -metrics["loss"]


class TaskError(ValueError):
    """A space whose input and result are of no task that searches know."""


def task_for(space: Space, label_smoothing: float = 0.0) -> Task:
    """The task of a space's types. Raises TaskError if they are of neither kind."""
    kind, shape = space.output
    if kind == "vector":
        return Classification(label_smoothing)
    if kind == "tokens" and len(space.inputs) == 1 and space.inputs[0].kind == "ids":
        vocab, length = space.inputs[0].shape
        if tuple(shape) == (length, vocab):
            return LanguageModel(label_smoothing)
    raise TaskError(
        f"`{space.name}` gives {kind}{tuple(shape)}: searches know classification (vector(classes)) and"
        " language models (ids(vocab, L) to tokens(L, vocab))"
    )
