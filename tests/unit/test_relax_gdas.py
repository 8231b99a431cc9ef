"""GDAS: exact vertices with the gradient of the relaxation, and what the weights run at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from tanglert import ArchBase, Dim, Input, Probabilities, Space, SupernetBase
from tanglert.nn import Linear
from tanglert.relax import GDAS, ArchParameters, gdas
from tests import tiny


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def relaxation(seed: int = 0, scale: float = 1.0) -> GDAS:
    return GDAS(ArchParameters(tiny.SPACE, 1, scale), tiny.Arch, seed)


@pytest.mark.parametrize("tau", [10.0, 0.1, 1e-3])
def test_samples_are_exactly_one_hot(tau: float) -> None:
    method = relaxation()
    method.tau = tau
    for _ in range(200):
        for rows in method.sample().values():
            assert rows.dtype == torch.float32
            assert torch.equal(rows.sum(-1), torch.ones(rows.shape[:-1])) and set(
                rows.flatten().tolist()
            ) == {0, 1}


def test_choices_are_drawn_with_the_probabilities_of_the_softmax() -> None:
    """Whatever the temperature: the argmax does not depend on it."""
    method = relaxation()
    with torch.no_grad():
        mean = torch.stack([method.sample()["width"] for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, method.mean()["width"].detach(), atol=0.03, rtol=0)


A, B = Dim("a", [1, 2]), Dim("b", [2, 4])
PAIR = Space("pair", dims=[A, B], inputs=[Input("x", "vector", (3,))], output=("vector", (2,)))


@dataclass(frozen=True)
class Pair(ArchBase, space=PAIR):
    """Four architectures."""

    a: int
    b: int


class Perceptron(SupernetBase):
    """Vectors (B, 3) to (B, 2), of two elastic widths."""

    space = PAIR

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = Linear(3, A), Linear(A, B), Linear(B, 2)

    def forward(self, x: Tensor, arch: Pair | Probabilities) -> Tensor:
        at = self.choices(arch)
        return self.last(self.second(self.first(x, at).tanh(), at).tanh(), at)


Loss = Callable[[Probabilities], Tensor]


@pytest.fixture
def loss_at() -> Loss:
    """A loss of the perceptron, always the same."""
    torch.manual_seed(0)
    network, x = Perceptron().double(), torch.randn(5, 3, dtype=torch.float64)
    return lambda p: network(x, p).square().mean()


def test_gradients_average_to_the_enumerated_expectation(loss_at: Loss) -> None:
    """E[dL/dz · dsoft/dalpha], summed over the four vertices and integrated over the noise.

    Of two choices only the difference of the noises counts; it is logistic. With d = alpha_1 - alpha_0 the soft
    probability is s = sigmoid((d + noise) / tau), the vertex is the sign of d + noise, ds/dd = s (1 - s) / tau.
    """
    alphas = ArchParameters(PAIR, 3, 0.5).double()
    method = GDAS(alphas, Pair, 0)
    method.tau = 2.0
    noise = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
    density = noise.sigmoid() * (1 - noise.sigmoid()) * (noise[1] - noise[0])
    chance, weight = {}, {}  # P(choice), E[ds/dd; choice]: of both dimensions, for both choices
    for name in ("a", "b"):
        d = (alphas.values[name][1] - alphas.values[name][0]).item()
        s = ((d + noise) / method.tau).sigmoid()
        for choice in (0, 1):
            there = density * ((d + noise > 0) == choice)
            chance[name, choice] = there.sum()
            weight[name, choice] = (there * s * (1 - s) / method.tau).sum()
    wanted = {"a": 0.0, "b": 0.0}
    for a in (0, 1):
        for b in (0, 1):
            vertex = {
                n: torch.eye(2, dtype=torch.float64)[i].requires_grad_() for n, i in (("a", a), ("b", b))
            }
            by_a, by_b = torch.autograd.grad(loss_at(vertex), list(vertex.values()))
            wanted["a"] += (weight["a", a] * chance["b", b] * (by_a[1] - by_a[0])).item()
            wanted["b"] += (weight["b", b] * chance["a", a] * (by_b[1] - by_b[0])).item()
    losses = torch.stack([loss_at(method.sample()) for _ in range(1500)])
    for name in ("a", "b"):
        (rows,) = torch.autograd.grad(losses.mean(), alphas.rows, retain_graph=True)
        given = alphas.by_dimension(rows)[name]
        assert given.sum().item() == pytest.approx(0, abs=1e-12)
        assert given[1].item() == pytest.approx(wanted[name], rel=0.1)


def test_a_draw_of_the_smallest_width_teaches_nothing_about_it(loss_at: Loss) -> None:
    """All choices contain it, so that they get the same gradient, which the softmax ignores."""
    alphas = ArchParameters(PAIR, 0).double()
    method = GDAS(alphas, Pair, 0)
    drawn = {"smallest": 0, "largest": 0}
    for _ in range(20):
        p = method.sample()
        (rows,) = torch.autograd.grad(loss_at(p), alphas.rows)
        gradient = alphas.by_dimension(rows)["b"]
        smallest = p["b"][0].item() == 1
        assert (gradient.abs().max().item() < 1e-12) == smallest
        drawn["smallest" if smallest else "largest"] += 1
    assert all(drawn.values())


def test_the_weights_run_at_a_draw_as_an_architecture() -> None:
    """Of the same stream of noise; where a position is absent the architecture forgets what was drawn."""
    sliced, mixed = relaxation(seed=4), relaxation(seed=4)
    for _ in range(10):
        arch, p = sliced.sampled(), mixed.sample()
        assert isinstance(arch, tiny.Arch)
        hot = arch.one_hot()
        assert torch.equal(hot["width"], p["width"]) and torch.equal(hot["depth"], p["depth"])
        assert torch.equal(hot["hidden"][: arch.depth], p["hidden"][: arch.depth])


def test_sliced_and_mixed_weights_have_the_same_gradients() -> None:
    torch.manual_seed(0)
    network, x = Perceptron().double(), torch.randn(5, 3, dtype=torch.float64)
    sliced, mixed = (GDAS(ArchParameters(PAIR).double(), Pair, 7) for _ in range(2))
    for _ in range(5):
        values = []
        for at in (sliced.sampled(), {n: p.detach() for n, p in mixed.sample().items()}):
            values.append(torch.autograd.grad(network(x, at).square().mean(), list(network.parameters())))
        torch.testing.assert_close(values[0], values[1])


@dataclass(frozen=True)
class Never(ArchBase, space=tiny.SPACE):
    """A condition that nothing meets."""

    width: int
    depth: int
    hidden: tuple[int | None, ...]

    def allowed(self) -> bool:
        return False


def test_where_no_architecture_is_the_draw_the_weights_run_at_the_vertex() -> None:
    vertex = GDAS(ArchParameters(tiny.SPACE), Never).sampled()
    assert isinstance(vertex, dict) and not any(p.requires_grad for p in vertex.values())
    keep = Dim("keep", ["0", "0+1"], gates=True)
    space = Space("cell", dims=[Dim("op", ["a", "b"]), keep], inputs=[], output=("vector", (2,)))

    @dataclass(frozen=True)
    class Cell(ArchBase, space=space):
        """An architecture would cut edges, which are all kept while searching."""

        op: str
        keep: str

    kept_open = GDAS(ArchParameters(space), Cell).sampled()
    assert isinstance(kept_open, dict) and set(kept_open) == {"op"}


def test_the_temperature_falls_linearly() -> None:
    method = relaxation()
    temperatures = []
    for progress in (0.0, 0.5, 1.0):
        method.anneal(progress)
        temperatures.append(method.tau)
    assert temperatures == pytest.approx([10, 5.05, 0.1])


def test_noise_that_is_not_finite_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rand, draws = torch.rand, []

    def zero_first(*args: object, **kwargs: object) -> Tensor:
        draws.append(rand(*args, **kwargs))  # type: ignore[call-overload]
        return draws[-1] * (len(draws) > 1)

    monkeypatch.setattr(gdas.torch, "rand", zero_first)
    assert gdas.gumbel(torch.Size((2, 3)), torch.Generator()).isfinite().all()
    assert len(draws) == 2


def test_a_seed_gives_one_sequence_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    first, second, other = ([r.sample() for _ in range(5)] for r in map(relaxation, (1, 1, 2)))
    assert tiny.same(first, second) and not tiny.same(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_state_brings_back_the_same_samples() -> None:
    first, second = relaxation(1), GDAS(ArchParameters(tiny.SPACE, 9), tiny.Arch, 2)
    first.anneal(0.7)
    first.sample()
    second.load_state_dict(first.state_dict())
    assert second.tau == first.tau
    assert tiny.same(first.sample(), second.sample())
