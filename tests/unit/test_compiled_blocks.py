"""Blocks compiled by kind: what eager blocks compute, in few graphs.

The backend is `aot_eager`: it traces and differentiates like the real one, and generates no code.
"""

from __future__ import annotations

import pickle
import shutil
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._dynamo.utils import counters

from tanglec.api import compile_file
from tanglert import (
    ArchBase,
    Choices,
    Choose,
    Depth,
    Dim,
    Extent,
    Input,
    Space,
    SupernetBase,
    UniformSampler,
    where,
)
from tanglert.compiled import compile_blocks, eager_blocks, repeated
from tanglert.data import load
from tanglert.kind import Kind
from tanglert.nn import BatchNorm, Block, Conv, Dropout, LayerNorm, Linear, Reduce
from tanglert.train import Options, OptionsError
from tanglert.train.assembly import Search
from tests.exactness import close, gradients

WIDTH = Dim("width", [4, 6], nested=True)
DEPTH = Dim("depth", [1, 2, 3])
HIDDEN = Dim(
    "hidden", [3, 5, 8], per="layer", positions=3, present=[i < DEPTH for i in range(3)], nested=True
)
OP = Dim("op", ["skip", "conv_1", "conv_3"], per="edge", positions=3)
SPACE = Space(
    "small",
    dims=[WIDTH, DEPTH, HIDDEN, OP],
    inputs=[Input("image", "pixels", (2, 4, 4))],
    output=("vector", (3,)),
)


@dataclass(frozen=True)
class Arch(ArchBase, space=SPACE):
    width: int
    depth: int
    hidden: tuple[int | None, ...]
    op: tuple[str, ...]


class Sampler(UniformSampler[Arch]):
    arch = Arch


class Edge(Block):
    """A choice between a skip and convolutions of one weight, with a batch norm that keeps averages."""

    def __init__(self, op: Extent) -> None:
        super().__init__()
        self.op = op
        self.conv = Conv(2, 2, where(op.eq("conv_1"), 1, 3), bias=False)
        self.batch_norm = BatchNorm(2, track=True)

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        op = Choose(self.op, at)
        if op.arm("skip"):
            op.add(x)
        if arm := op.arm("conv_1", "conv_3"):
            op.add(self.batch_norm(self.conv(F.relu(x), arm), arm))
        return op.value()


class Layer(Block):
    def __init__(self, hidden: Extent, drop: float = 0) -> None:
        super().__init__()
        self.layer_norm = LayerNorm(WIDTH)
        self.up = Linear(WIDTH, hidden)
        self.dropout = Dropout(drop)
        self.down = Linear(hidden, WIDTH)

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        return x + self.down(self.dropout(F.gelu(self.up(self.layer_norm(x, at), at))), at)


class Supernet(SupernetBase):
    space = SPACE

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.ModuleList(Edge(OP[i]) for i in range(3))
        self.stem = Linear(16, WIDTH)
        self.layers = nn.ModuleList(Layer(HIDDEN[i]) for i in range(3))
        self.head = Linear(WIDTH, 3)

    def forward(self, image: Tensor, arch: Any) -> Tensor:
        at, x = self.choices(arch), image
        for edge in self.edges:
            x = edge(x, at)
        x = self.stem(x.flatten(2), at)
        depth = Depth(DEPTH, at, x)
        for layer in depth.run(self.layers):
            x = layer(x, at)
            depth.add(x)
        return self.head(depth.value().mean(1), at)


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def pair() -> tuple[Supernet, Supernet]:
    """An eager supernet and a compiled copy; what one test compiles the next one finds."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    eager = Supernet()
    return eager, compile_blocks(deepcopy(eager), backend="aot_eager")


class Made:
    """The graphs that were made since."""

    def __init__(self) -> None:
        self._before = counters["stats"]["unique_graphs"]

    @property
    def graphs(self) -> int:
        return counters["stats"]["unique_graphs"] - self._before


def probabilities(space: Space, seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {d.name: torch.randn(d.shape).softmax(-1).requires_grad_() for d in space.dims}


def agree(eager: nn.Module, compiled: nn.Module, x: Tensor, at: Any) -> None:
    """Value, buffers and all gradients, also which of them there are none of."""
    free = list(at.values()) if isinstance(at, dict) else []
    torch.manual_seed(3)
    wanted = eager(x, at)
    torch.manual_seed(3)
    found = compiled(x, at)
    close(found, wanted, "the value")
    pairs = zip(
        gradients(found, [*compiled.parameters(), *free]), gradients(wanted, [*eager.parameters(), *free])
    )
    for number, (a, b) in enumerate(pairs):
        assert (a is None) == (b is None)
        close(a, b, f"gradient {number}")
    for (name, a), b in zip(compiled.named_buffers(), eager.buffers()):
        close(a, b, f"buffer {name}")


def image() -> Tensor:
    return torch.randn(2, 2, 4, 4)


def test_a_mixture_takes_one_graph_for_every_kind_of_block(pair: tuple[Supernet, Supernet]) -> None:
    made = Made()
    agree(*pair, image(), probabilities(SPACE, 0))
    assert made.graphs == 3  # layers, edges, and the first edge, whose input wants no gradient
    for seed in range(1, 4):
        agree(*pair, image(), probabilities(SPACE, seed))
    assert made.graphs == 3


def test_architectures_take_one_graph_for_every_joint_choice_that_a_block_reads(
    pair: tuple[Supernet, Supernet],
) -> None:
    made = Made()
    agree(*pair, image(), Arch(width=4, depth=2, hidden=(5, 8), op=("conv_3", "skip", "conv_1")))
    assert made.graphs == 4  # two edges and two layers; in a skip there is nothing to compute
    agree(*pair, image(), Arch(width=4, depth=3, hidden=(8, 5, 8), op=("conv_3", "conv_1", "skip")))
    assert made.graphs == 4


def test_from_the_limit_on_what_is_new_is_eager_and_a_warning_says_so_once() -> None:
    eager = Supernet()
    compiled = compile_blocks(deepcopy(eager), limit=1, backend="aot_eager")
    made, x = Made(), torch.randn(2, 2, 4, 4)
    with pytest.warns(UserWarning, match="all 1 graphs are made") as told:
        for hidden in (3, 5, 8):
            agree(eager, compiled, x, Arch(width=6, depth=1, hidden=(hidden,), op=("conv_1", "skip", "skip")))
    assert made.graphs == 1
    assert len([w for w in told if "compile_blocks" in str(w.message)]) == 1
    with pytest.raises(ValueError, match="0 graphs"):
        compile_blocks(compiled, limit=0)


def test_attributes_that_change_are_seen_and_dropout_is_dropout() -> None:
    eager = Supernet()
    eager.edges = nn.ModuleList()
    compiled = compile_blocks(deepcopy(eager), backend="aot_eager")
    x, made = image(), Made()
    arch = Arch(width=6, depth=1, hidden=(8,), op=("skip", "skip", "skip"))
    agree(eager, compiled, x, arch)
    for net in (eager, compiled):
        net.layers[0].dropout.p = 0.5
    agree(eager, compiled, x, arch)
    assert made.graphs == 2


def test_without_gradients_nothing_is_compiled(pair: tuple[Supernet, Supernet]) -> None:
    made = Made()
    eager, compiled = pair
    x = torch.randn(7, 2, 4, 4)
    with torch.no_grad():
        close(compiled(x, probabilities(SPACE, 0)), eager(x, probabilities(SPACE, 0)), "the value")
    assert made.graphs == 0


def test_state_and_copies_are_those_of_an_eager_supernet(pair: tuple[Supernet, Supernet]) -> None:
    eager, compiled = pair
    assert list(compiled.state_dict()) == list(eager.state_dict())
    arch = Sampler(0)()
    assert pickle.loads(pickle.dumps(arch)) == deepcopy(arch) == arch
    copy, made = deepcopy(compiled), Made()
    with torch.no_grad():
        copy.layers[0].up.weight.zero_()
    x = torch.randn(5, 2, 4, 4)
    y = copy(x, probabilities(SPACE, 0))
    assert made.graphs == 0 and not torch.equal(y, eager(x, probabilities(SPACE, 0)))
    eager_blocks(deepcopy(pair)[1])(x, probabilities(SPACE, 0))
    assert made.graphs == 0


class Talkative(Layer):
    def forward(self, x: Tensor, at: Choices) -> Tensor:
        torch._dynamo.graph_break()
        return super().forward(x, at)


def test_a_block_that_cannot_be_traced_stays_eager_and_is_named() -> None:
    eager = Supernet()
    eager.edges = nn.ModuleList()
    eager.layers[1] = Talkative(HIDDEN[1])
    compiled = compile_blocks(deepcopy(eager), backend="aot_eager")
    at = probabilities(SPACE, 0)
    with pytest.warns(UserWarning, match="Talkative cannot be traced"):
        agree(eager, compiled, image(), at)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        agree(eager, compiled, image(), at)


def same(a: nn.Module, b: nn.Module) -> bool:
    return Kind(a).name == Kind(b).name


def test_blocks_that_differ_in_positions_alone_are_of_one_kind() -> None:
    assert same(Layer(HIDDEN[0]), Layer(HIDDEN[2]))
    assert same(Linear(OP_SIZES[0], HIDDEN[0]), Linear(OP_SIZES[1], HIDDEN[2]))
    assert Kind(Layer(HIDDEN[2])).positions == (WIDTH.positions[0], HIDDEN.positions[2])


OP_SIZES = [where(OP[i].eq("skip"), 2, 4) for i in range(3)]
Z_WIDTH, LISTS = Dim("z", [3, 5, 8]), Dim("lists", lists=[[3, 5, 8], [3, 6, 8]], per="layer")


class Named(Block):
    """A block whose `forward` names a dimension of the whole space."""

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        return x * at.size(Z_WIDTH)


@pytest.mark.parametrize(
    "one, other",
    [
        (lambda: Linear(HIDDEN[0], HIDDEN[0]), lambda: Linear(HIDDEN[0], HIDDEN[1])),
        (lambda: Linear(LISTS[0], 4), lambda: Linear(LISTS[1], 4)),
        (lambda: Linear(HIDDEN[0], Z_WIDTH), lambda: Linear(Z_WIDTH, HIDDEN[0])),
        (lambda: Linear(HIDDEN[0], 4), lambda: Linear(HIDDEN[0], 4, bias=False)),
        (lambda: Linear(HIDDEN[0], 4), lambda: Linear(HIDDEN[0], 5)),
        (lambda: Linear(8, 4), lambda: Linear(HIDDEN[0], 4)),
        (lambda: Linear(8, 4), lambda: Linear(8, 4).to(torch.float32)),
        (lambda: Reduce(HIDDEN[0], torch.mean), lambda: Reduce(HIDDEN[0], torch.amax)),
        (
            lambda: nn.ModuleList([Layer(HIDDEN[0])] * 2),
            lambda: nn.ModuleList([Layer(HIDDEN[0]), Layer(HIDDEN[0])]),
        ),
    ],
    ids=["shared", "choices", "order", "bias", "size", "fixed", "type", "function", "weights shared"],
)
def test_blocks_that_differ_otherwise_are_not(one: Callable[[], Any], other: Callable[[], Any]) -> None:
    assert not same(one(), other())


def test_a_dimension_that_forward_names_is_read() -> None:
    assert Kind(Named()).positions == Z_WIDTH.positions


@pytest.mark.slow
@pytest.mark.parametrize("rebuilds", ["none", "those that are large", "all"])
def test_a_transformer_is_compiled_once(rebuilds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where superposed weights are made again in backward, which a compiler decides by itself."""
    from generated import vit_mini

    if rebuilds == "those that are large":
        monkeypatch.setattr("tanglert.nn.layer.WORTH_REBUILDING", 0)
    eager = vit_mini.Supernet()
    eager.rebuild_weights(rebuilds == "all")
    compiled = compile_blocks(deepcopy(eager), backend="aot_eager")
    made = Made()
    for seed in range(2):
        agree(eager, compiled, torch.randn(2, 1, 28, 28), probabilities(vit_mini.SPACE, seed))
    assert made.graphs == 1


@pytest.mark.slow
def test_cells_are_compiled_edge_by_edge() -> None:
    from generated import toy_cell

    eager = toy_cell.Supernet()
    compiled = compile_blocks(deepcopy(eager), backend="aot_eager")
    made = Made()
    for seed in range(2):
        agree(eager, compiled, torch.randn(2, 1, 28, 28), probabilities(toy_cell.SPACE, seed))
    assert (
        made.graphs == 4
    )  # in three cells: two strides, two widths, of which one has one stride; two sizes of input


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None and shutil.which("clang++") is None, reason="no C++ compiler")
def test_generated_code_computes_the_same() -> None:
    eager = Supernet()
    compiled = compile_blocks(deepcopy(eager))
    agree(eager, compiled, image(), probabilities(SPACE, 0))
    agree(eager, compiled, image(), Arch(width=4, depth=1, hidden=(5,), op=("conv_3", "skip", "conv_1")))


def test_a_search_takes_them_as_options() -> None:
    module = compile_file("vit_mini").load()
    data = load("fashion-mnist", module.SPACE)
    plain, asked = (
        Search(module, data, Options(compile=on, rebuild=on)).engine.supernet for on in (False, True)
    )
    assert all(block._compiled_call_impl is not None for block in repeated(asked))
    assert all(block._compiled_call_impl is None for block in repeated(plain))
    assert [any(m.rebuilds for m in net.modules() if isinstance(m, Linear)) for net in (plain, asked)] == [
        False,
        True,
    ]
    with pytest.raises(OptionsError, match="no second derivatives"):
        Options(optimizer="darts", order=2, compile=True)
