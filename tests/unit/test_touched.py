"""Which entries a step moves: boxes, weights that are read by rules, orders of calls, options that contradict each other."""

from __future__ import annotations

from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tanglert import Sliced
from tanglert.box import Box, disjoint, hull, part
from tanglert.compiled import compile_blocks
from tanglert.leaves import Leaves
from tanglert.nn import Conv, Depthwise
from tanglert.train import Options, OptionsError, run_search
from tanglert.train.assembly import Search
from tanglert.train.bilevel import Bilevel
from tanglert.train.stages import begin_stage
from tanglert.train.touched import TouchedAdam, TouchedAdamW, TouchedSGD
from tests import tiny
from tests.distributed import plain
from tests.unit.test_reading import KERNEL, WIDTH, Arch

ARCH = tiny.Arch(width=8, depth=2, hidden=(2, 4, None))
LARGEST = tiny.Arch(width=16, depth=3, hidden=(4, 4, 4))
SHAPE = (5, 4, 3)

torch.set_num_threads(1)


# --- boxes -----------------------------------------------------------------------------------------------------------


def spans(size: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.sampled_from(list(combinations(range(size + 1), 2)))


def counted(boxes: list[Box]) -> Tensor:
    counts = torch.zeros(SHAPE, dtype=torch.int64)
    for box in boxes:
        part(counts, box).add_(1)
    return counts


@given(st.lists(st.tuples(*map(spans, SHAPE)), min_size=1, max_size=5))
def test_boxes_apart_hold_what_they_held_together(boxes: list[Box]) -> None:
    apart = disjoint(boxes)
    assert torch.equal(counted(apart), counted(boxes).clamp(max=1))
    around = hull(boxes)
    assert part(counted(boxes), around).sum() == counted(boxes).sum()
    if all((counted([a]) * counted([b])).sum() == 0 for a, b in combinations(boxes, 2)):
        assert set(apart) == set(boxes)


def test_nested_boxes_are_the_largest() -> None:
    large: Box = ((0, 4), (0, 4))
    assert disjoint([((0, 2), (0, 4)), large, ((0, 2), (0, 2))]) == [large]


# --- rules -----------------------------------------------------------------------------------------------------------


def gradient(layer: nn.Module, kernel: int, width: int, leaves: Leaves | None) -> None:
    torch.manual_seed(0)
    channels = width if isinstance(layer, Depthwise) else 1
    layer(
        torch.randn(2, channels, 9, 9), Sliced(Arch(width, kernel).indices(), leaves)
    ).square().sum().backward()


@pytest.mark.parametrize("width", [2, 4, 6])
@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("rule", ["slice", "shuffle", "interpolate", "transform"])
def test_by_every_rule_what_has_a_gradient_is_what_is_read(rule: Any, kernel: int, width: int) -> None:
    torch.manual_seed(1)
    make = {
        "transform": lambda: Depthwise(WIDTH, KERNEL, transform=True),
    }.get(rule, lambda: Conv(1, WIDTH, KERNEL, channels=rule))
    layer, whole = make(), make()
    for p in layer.parameters():
        nn.init.normal_(p)  # a matrix that is the identity would hide what it reads
    whole.load_state_dict(layer.state_dict())
    leaves = Leaves(layer.parameters())
    gradient(layer, kernel, width, leaves)
    gradient(whole, kernel, width, None)
    for p, q in zip((layer.weight, layer.bias), (whole.weight, whole.bias), strict=True):
        found, touched = torch.zeros_like(p), torch.zeros_like(p, dtype=torch.bool)
        for box, leaf in leaves.of(p).items():
            assert leaf.grad is not None
            part(found, box).copy_(leaf.grad)
            part(touched, box).fill_(True)
        wanted = torch.zeros_like(q) if q.grad is None else q.grad
        torch.testing.assert_close(found, wanted)
        assert torch.equal(touched, wanted != 0)


# --- steps -----------------------------------------------------------------------------------------------------------


def loss(net: nn.Module, arch: Any = ARCH) -> Tensor:
    torch.manual_seed(0)
    value: Tensor = net(torch.randn(5, 6, dtype=torch.float64), arch).square().mean()
    return value


def network() -> plain.Supernet:
    torch.manual_seed(0)
    return plain.Supernet().double().eval()


def test_gradients_may_be_let_go_before_or_after_the_forward_pass() -> None:
    results = []
    for after in (False, True):
        net = network()
        optimizer = TouchedAdamW(net.parameters(), 0.01)
        for others in ([], [LARGEST], [tiny.Arch(width=16, depth=1, hidden=(2, None, None))], [LARGEST], []):
            if not after:
                optimizer.zero_grad()
            with optimizer.reading(net):
                value = torch.stack([loss(net, arch) for arch in (*others, ARCH)]).mean()
            if after:
                optimizer.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        results.append(net.state_dict())
    assert tiny.same(*results)


def test_a_copy_goes_on_alike() -> None:
    net = network()
    optimizer = TouchedAdamW(net.parameters(), 0.01)
    both = [(net, optimizer)]
    for step in range(2):
        for one, own in both:
            with own.reading(one):
                loss(one).backward()  # type: ignore[no-untyped-call]
            own.step()
            own.zero_grad()
        if step == 0:
            both.append(deepcopy((net, optimizer)))
    assert tiny.same(*(one.state_dict() for one, _ in both))


def test_outside_of_reading_gradients_are_those_of_weights() -> None:
    net = network()
    optimizer = TouchedSGD(net.parameters(), 0.01)
    with optimizer.reading(net):
        loss(net)
    assert not optimizer.parts()
    loss(net).backward()  # type: ignore[no-untyped-call]
    weight = net.get_parameter("first.weight")
    assert weight.grad is not None and weight.grad.shape == weight.shape


def test_without_a_graph_there_are_no_leaves() -> None:
    net = network()
    optimizer = TouchedSGD(net.parameters(), 0.01)
    with optimizer.reading(net), torch.no_grad():
        assert not loss(net).requires_grad


@pytest.mark.parametrize(
    ("touched", "ordinary"), [(TouchedAdam, torch.optim.Adam), (TouchedSGD, torch.optim.SGD)]
)
def test_an_ordinary_optimiser_goes_on_from_its_state(touched: Any, ordinary: Any) -> None:
    """Options and state have torch's form, so that stages widen them, and a checkpoint holds them."""
    net = network()
    options = {"momentum": 0.9} if ordinary is torch.optim.SGD else {}
    optimizer, other = touched(net.parameters(), 0.01, **options), ordinary(net.parameters(), 0.1, **options)
    with optimizer.reading(net):
        loss(net).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    other.load_state_dict(optimizer.state_dict())
    assert tiny.same(other.state_dict(), optimizer.state_dict())
    rested = net.get_parameter("layers.2.down.weight")
    assert rested not in optimizer.state and len(optimizer.state) == 12


def test_weights_in_another_memory_format_move_alike() -> None:
    results = []
    for form in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        net = Conv(WIDTH, WIDTH, KERNEL).to(memory_format=form)  # type: ignore[call-overload]
        optimizer = TouchedAdamW(net.parameters(), 0.01, fused=True)
        for kernel, width in ((3, 4), (7, 6), (5, 2)):
            optimizer.leaves.forget()
            at = Sliced(Arch(width, kernel).indices(), optimizer.leaves)
            net(torch.ones(2, width, 9, 9), at).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        results.append(net.state_dict()["weight"])
    torch.testing.assert_close(*results)


def test_blocks_that_were_compiled_run_eager() -> None:
    nets = network(), compile_blocks(network(), backend="eager")
    for net in nets:
        optimizer = TouchedAdamW(net.parameters(), 0.01)
        with optimizer.reading(net):
            loss(net).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert tiny.same(*(net.state_dict() for net in nets))


@pytest.mark.parametrize(
    ("kind", "variant"),
    [(TouchedAdamW, {"amsgrad": True}), (TouchedSGD, {"momentum": 0.9, "dampening": 0.1})],
)
def test_variants_with_other_averages_are_refused(kind: Any, variant: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an optimiser of touched entries has no (amsgrad|dampening)"):
        kind(network().parameters(), 0.1, **variant)


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["darts", "drnas"])
def test_a_mixture_reads_all_weights(optimizer: Any) -> None:
    with pytest.raises(
        OptionsError, match=f"update touched is for .*gdas, spos.*; {optimizer} trains a mixture"
    ) as e:
        Options(optimizer=optimizer, update="touched")
    assert e.value.option == "update"


def test_what_is_compiled_has_gradients_of_whole_weights() -> None:
    with pytest.raises(OptionsError, match="update touched takes gradients of parts of weights"):
        Options(optimizer="spos", update="touched", compile=True)


@pytest.mark.parametrize("optimizer", ["gdas", "spos", "fairnas", "random-a"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_methods_learn(optimizer: Any, precision: Any, tmp_path: Path) -> None:
    small: dict[str, Any] = {"epochs": 12, "batch_size": 20, "lr": 1e-2, "evaluations": 8, "random": 2}
    chosen = Options(optimizer=optimizer, precision=precision, update="touched", **small)
    assert run_search(tiny, tiny.blobs(), chosen, tmp_path).test["accuracy"] > 0.75


def test_a_stage_goes_on_with_the_momenta_of_the_one_before() -> None:
    stages: Any = [{"epochs": 1}, {"epochs": 1, "keep": 2}]
    chosen = Options(optimizer="gdas", update="touched", epochs=2, stages=stages, batch_size=20)
    first, second = (Search(tiny, tiny.blobs(), chosen, stages=[tiny, tiny]).engine for _ in range(2))
    assert isinstance(second, Bilevel)
    for _ in range(3):
        first.advance()
    begin_stage(second, first.state_dict(), 2, 0)
    assert tiny.same(first.state_dict()["optimizer"]["state"], second.state_dict()["optimizer"]["state"])
    second.advance()


def test_gdas_trains_the_drawn_subnet_alone() -> None:
    engine = plain.engine("touched gdas", 20)
    assert isinstance(engine, Bilevel)
    before = {name: p.clone() for name, p in engine.supernet.named_parameters()}
    drawn = tiny.Arch(width=4, depth=1, hidden=(2, None, None))
    engine.draw = lambda: drawn  # type: ignore[method-assign]
    engine.advance()
    moved = {name: p != before[name] for name, p in engine.supernet.named_parameters()}
    assert moved["first.weight"][:4].all() and not moved["first.weight"][4:].any()
    assert not any(moved[name].any() for name in moved if name.startswith(("layers.1", "layers.2")))
