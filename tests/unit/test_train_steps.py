"""How a step is made up: accumulated batches, schedules, optimisers, and mixed precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tanglert.data import DataError
from tanglert.nn import LayerNorm, Linear
from tanglert.relax import ArchParameters, DrNAS
from tanglert.train import Options, OptionsError, run_search
from tanglert.train.engine import weight_optimizer
from tanglert.train.order import Batches
from tanglert.train.precision import forward
from tests import tiny
from tests.distributed import plain


@pytest.mark.parametrize("case", ["drnas", "spos", "sandwich", "touched fairnas", "touched gdas"])
def test_accumulated_batches_are_one_large_batch(case: str) -> None:
    parts = plain.trained(plain.engine(case, 10, accumulate=4))
    whole = plain.trained(plain.engine(case, 40))
    torch.testing.assert_close(parts, whole, rtol=1e-10, atol=1e-12)


def test_the_second_order_does_not_accumulate() -> None:
    with pytest.raises(OptionsError, match="order 2 looks ahead of one batch"):
        plain.engine("darts of second order", 20, accumulate=2)


def test_processes_share_what_one_takes() -> None:
    whole = Batches(100, 12, seed=1, purpose="train")
    shares = [Batches(100, 3, seed=1, purpose="train", rank=r, ranks=2, accumulate=2) for r in (0, 1)]
    assert {b.per_epoch for b in shares} == {whole.per_epoch}
    for step in range(20):
        parts = [part for batches in shares for part in batches.parts(step)]
        assert [len(part) for part in parts] == [3] * 4
        assert torch.equal(torch.cat(parts), whole[step])


def test_fewer_samples_than_batches_in_a_step() -> None:
    with pytest.raises(DataError, match="3 batches in each of 2 processes, but the train part has only 5"):
        Batches(5, 1, seed=1, purpose="train", ranks=2, accumulate=3)


def rates(**changes: Any) -> list[float]:
    engine = plain.engine("spos", 40)
    engine.options = Options(optimizer="spos", epochs=4, batch_size=40, lr=1.0, min_lr=0.1, **changes)
    found = []
    for step in range(engine.total + 1):
        engine.step = step
        found.append(engine.learning_rate())
    return found


def test_the_learning_rate_warms_up_then_falls() -> None:
    found = rates(lr_warmup_epochs=0.5)  # three of six steps
    assert found[:4] == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert found[3:] == sorted(found[3:], reverse=True) and found[-1] == pytest.approx(0.1)
    assert rates()[0] == 1
    assert rates(lr_warmup_epochs=9.0)[-2] == pytest.approx(1)  # all of it


def test_optimisers_by_name() -> None:
    def made(**changes: Any) -> torch.optim.Optimizer:
        return weight_optimizer(tiny.Supernet(), Options(**changes), torch.device("cpu"))

    adam = made(weight_optimizer="adam", beta1=0.8, beta2=0.95)
    assert type(adam) is torch.optim.Adam and adam.defaults["betas"] == (0.8, 0.95)
    assert type(made()) is torch.optim.AdamW
    assert made(weight_optimizer="sgd", nesterov=False).defaults["nesterov"] is False
    assert made(weight_optimizer="sgd").defaults["nesterov"] is True
    assert made(weight_optimizer="sgd", momentum=0.0).defaults["nesterov"] is False


def test_momentum_and_layers_that_rest(tmp_path: Path) -> None:
    """A layer beyond the depth gets its first gradient when others have momentum already."""
    chosen = Options(optimizer="spos", weight_optimizer="sgd", lr=0.05, epochs=2, evaluations=4, random=2)
    assert run_search(tiny, tiny.blobs(), chosen, tmp_path).test["accuracy"] > 0.3


@pytest.mark.parametrize("optimizer", ["drnas", "gdas", "spos"])
def test_bf16_learns_too(optimizer: str, tmp_path: Path) -> None:
    small = {"epochs": 12, "batch_size": 20, "lr": 1e-2, "evaluations": 8, "random": 2}
    result = run_search(
        tiny, tiny.blobs(), Options(**{"optimizer": optimizer, "precision": "bf16", **small}), tmp_path
    )
    assert result.test["accuracy"] > 0.75


def test_second_order_in_bf16(tmp_path: Path) -> None:
    chosen = Options(optimizer="darts", order=2, precision="bf16", epochs=2, random=2)
    assert run_search(tiny, tiny.blobs(), chosen, tmp_path).test["loss"] < 10


def test_bf16_is_close_and_leaves_weights_and_alphas_alone() -> None:
    torch.manual_seed(0)
    supernet, x = tiny.Supernet().eval(), torch.randn(64, 6)
    relaxation = DrNAS(ArchParameters(tiny.SPACE), 1)
    p = relaxation.sample()
    full, rounded = (forward(supernet, x, p, kind) for kind in ("fp32", "bf16"))
    assert rounded.dtype == torch.float32 and not torch.equal(full, rounded)
    torch.testing.assert_close(rounded, full, rtol=0.03, atol=0.03)
    gradients = torch.autograd.grad(rounded.square().mean(), list(relaxation.alphas.parameters()))
    assert {g.dtype for g in gradients} == {torch.float32}


def test_masks_and_moments_are_not_rounded() -> None:
    """Sums over choices may cancel: those of a norm far from zero mean would be lost in bf16."""
    torch.manual_seed(0)
    norm, linear = LayerNorm(tiny.WIDTH), Linear(tiny.WIDTH, tiny.WIDTH)
    x = torch.randn(32, 16) + 50
    at = tiny.Supernet().choices(
        {n: v.detach() for n, v in DrNAS(ArchParameters(tiny.SPACE)).sample().items()}
    )

    def mask() -> Tensor:
        return linear.entanglement("weight").mix(torch.ones(16, 16), at)  # type: ignore[arg-type]

    wanted = norm(x, at), mask()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(norm(x, at), wanted[0])
        assert torch.equal(mask(), wanted[1])
