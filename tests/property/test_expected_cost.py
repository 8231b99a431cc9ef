"""Expected costs: equal to enumeration, to the counts at every vertex, and differentiable."""

from __future__ import annotations

import math
from itertools import product
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from tanglec.api import Compiled, compile_file, compile_source
from tanglec.diagnostics import CompileError
from tanglec.ir import extents as ex
from tanglec.library import shipped
from tanglec.passes.cost import evaluate, multiply_add_terms, parameter_terms
from tanglec.source import Source
from tanglert.choices import ChoiceError, Probabilities
from tanglert.cost import Cost, TermsError
from tanglert.relax.penalty import Penalty, PenaltyError, strengths
from tests.random_spaces import spaces

torch.set_num_threads(1)

MOST = 3_000  # joint choices that are enumerated


def random_probabilities(module: ModuleType, seed: int, gates: bool = True) -> dict[str, Tensor]:
    """A point inside every simplex, float64; the choices of which edges are kept only with `gates`."""
    generator = torch.Generator().manual_seed(seed)
    result = {}
    for dim in module.SPACE.dims:
        rows = torch.rand(len(dim.positions), dim.width, generator=generator, dtype=torch.float64)
        for row, position in zip(rows, dim.positions, strict=True):
            row[len(position.choices) :] = 0
        if gates or not dim.gates:
            result[dim.name] = (rows / rows.sum(1, keepdim=True)).reshape(dim.shape)
    return result


def enumerated(compiled: Compiled, module: ModuleType, probabilities: Probabilities) -> list[float]:
    """The expected parameters and multiply-adds by the compiler's terms, for every joint choice of all positions."""
    space = compiled.space
    vectors = [
        row[: len(p.choices)].tolist()
        for dim in module.SPACE.dims
        for p, row in zip(dim.positions, probabilities[dim.name].reshape(-1, dim.width), strict=True)
    ]
    terms = [parameter_terms(space.network), multiply_add_terms(space.network)]
    weighted: list[list[float]] = [[], []]
    joints = product(*vectors)
    for assignment, joint in zip(ex.assignments(space.positions), joints, strict=True):
        for sums, some in zip(weighted, terms, strict=True):
            sums.append(math.prod(joint) * evaluate(some, assignment))
    return [math.fsum(sums) for sums in weighted]


def check_enumerated(compiled: Compiled, seed: int) -> None:
    module = compiled.load()
    probabilities = random_probabilities(module, seed)
    expected = [module.count_params.expected(probabilities), module.count_macs.expected(probabilities)]
    for found, right in zip(expected, enumerated(compiled, module, probabilities), strict=True):
        assert found.item() == pytest.approx(right, rel=1e-12)


def check_vertices(compiled: Compiled, module: ModuleType, seed: int) -> None:
    """What absent positions would choose is drawn at random: it must not matter."""
    sampler = module.Sampler(seed)
    for _ in range(5):
        arch = sampler()
        vertex = arch.one_hot(dtype=torch.float64)
        other = random_probabilities(module, seed)
        for dim in module.SPACE.dims:
            rows, noise = (p[dim.name].reshape(-1, dim.width) for p in (vertex, other))
            for row, random, position in zip(rows, noise, dim.positions, strict=True):
                if not module.SPACE.present(position).at(arch.indices()):
                    row.copy_(random)
        costs = compiled.costs(arch)
        assert module.count_params.expected(vertex).item() == pytest.approx(costs.params, rel=1e-12)
        assert module.count_macs.expected(vertex).item() == pytest.approx(costs.macs, rel=1e-12)
        assert (module.count_params(arch), module.count_macs(arch)) == (costs.params, costs.macs)


@given(spaces(), st.integers(0, 5))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_the_mean_over_all_joint_choices_of_random_spaces(text: str, seed: int) -> None:
    try:
        compiled = compile_source(Source("random.tsp", text))
    except CompileError:
        return
    if ex.domain_size(compiled.space.positions) <= MOST:
        check_enumerated(compiled, seed)
    else:
        check_vertices(compiled, compiled.load(), seed)


# Presence within presence, costs that are whole by a `require` only, edges that are kept, labels that are excluded.
AWKWARD = """space awkward
input image: pixels(3, 4, 4)
dim way per unit: a | b
dim inner per unit: 1 | 3
dim w: 4 | 6 | 8
dim part: 0.25 | 0.5 | 0.3
dim n: 0 | 1 | 2
dim op per edge of cell: none | one | three
require op != none
require (w * part) % 1 == 0
require params() <= 5000

block unit(x):
    return choose way:
        a: conv(x, w, kernel=inner)
        b: x

block edge(x):
    return choose op:
        none: zero(x)
        one: conv(x, width(x), kernel=1)
        three: conv(x, width(x), kernel=3)

block cell(x):
    nodes = dag([x, relu(x)], nodes=1, edge=edge, keep=1)
    return nodes[2]

network:
    x = conv(image, w, kernel=1)
    repeat n:
        x = unit(x)
    x = cell(x)
    return linear(linear(mean(x), w * part), 3)
"""


def test_it_is_the_mean_whatever_require_excludes() -> None:
    compiled = compile_source(Source("awkward.tsp", AWKWARD))
    module = compiled.load()
    check_vertices(compiled, module, 0)
    probabilities = random_probabilities(module, 1)
    space, total = compiled.space, 0.0
    terms = parameter_terms(space.network)
    vectors = {d.name: probabilities[d.name].reshape(-1, d.width) for d in module.SPACE.dims}
    rows = [vectors[p.dim][k] for d in space.dimensions for k, p in enumerate(d.positions)]
    for assignment in ex.assignments(space.positions):
        weights = [
            row[p.choices.index(assignment[p])].item() for row, p in zip(rows, assignment, strict=True)
        ]
        value = sum(t.value.at(assignment) for t in terms if t.present.at(assignment))  # type: ignore[misc]
        total += math.prod(weights) * float(value)
    assert module.count_params.expected(probabilities).item() == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("name", shipped())
def test_it_is_the_cost_at_every_vertex_of_a_shipped_space(name: str) -> None:
    compiled = compile_file(name)
    module = compiled.load()
    check_vertices(compiled, module, 0)
    for count in (module.count_params, module.count_macs):
        mean = count.expected(random_probabilities(module, 0)).item()
        assert 0 < mean <= count.largest
        single = {d: p.float() for d, p in random_probabilities(module, 0).items()}
        assert count.expected(single).dtype == torch.float32
        assert count.expected(single).item() == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("name", ["vit_mini", "conv_macro", "toy_cell", "nb101_dynamic"])
def test_its_gradient_is_that_of_finite_differences(name: str) -> None:
    module: Any = compile_file(name).load()
    given = random_probabilities(module, 0)
    leaves = [p.requires_grad_() for p in given.values()]

    def expected(*values: Tensor) -> Tensor:
        total: Tensor = module.count_params.expected(dict(zip(given, values, strict=True)))
        return 1e-6 * total

    assert torch.autograd.gradcheck(expected, leaves)
    assert torch.autograd.gradgradcheck(expected, leaves)


def test_edges_that_a_cell_keeps_are_equally_probable_where_nothing_is_said_of_them() -> None:
    module = compile_file("darts").load()
    given = random_probabilities(module, 0, gates=False)
    (keep,) = (dim for dim in module.SPACE.dims if dim.gates)
    counts = torch.tensor([len(p.choices) for p in keep.positions], dtype=torch.float64)
    uniform = (torch.arange(keep.width) < counts[:, None]) / counts[:, None]
    expected = module.count_macs.expected
    assert expected(given).item() == pytest.approx(expected({**given, "keep": uniform}).item(), rel=1e-12)


def test_the_first_call_may_be_one_without_gradients() -> None:
    module = compile_file("nb201").load()
    with torch.inference_mode():
        module.count_params.expected(random_probabilities(module, 0))
    op = random_probabilities(module, 0)["op"].requires_grad_()
    module.count_params.expected({"op": op}).backward()
    assert op.grad is not None and op.grad.abs().sum() > 0


def test_what_does_not_fit_is_named() -> None:
    module = compile_file("vit_mini").load()
    given = random_probabilities(module, 0)
    with pytest.raises(ChoiceError, match=r"`heads`: wanted shape \(\d, \d\), given none"):
        module.count_params.expected({d: p for d, p in given.items() if d != "heads"})
    with pytest.raises(ChoiceError, match=r"`depth`: wanted shape \(\d,\), given \(2,\)"):
        module.count_params.expected({**given, "depth": torch.ones(2)})


def test_a_cost_in_which_too_many_choices_meet_is_refused() -> None:
    module = compile_file("mobilenet_v3").load()
    space = module.SPACE
    joint: Cost[Any] = Cost(lambda arch: 0, space, 0, [[space.dim("kernel")[i] for i in range(12)]])
    with pytest.raises(TermsError, match="mobilenet_v3: `depth`, `kernel` meet in one term"):
        joint.expected(random_probabilities(module, 0))


# --- the penalty -----------------------------------------------------------------------------------------------------


def test_a_penalty_is_the_share_of_the_largest_cost() -> None:
    module: Any = compile_file("vit_mini").load()
    most = {d.name: [max(p.choices) for p in d.positions] for d in module.SPACE.dims}
    largest = module.Arch(**{d.field: most[d.name] if d.per else most[d.name][0] for d in module.SPACE.dims})
    assert module.count_macs(largest) == module.count_macs.largest
    penalty = Penalty.parse("macs:0.1, params:0.05", module)
    assert str(penalty) == "macs:0.1,params:0.05"
    assert penalty(largest.one_hot()).item() == pytest.approx(0.15)
    given = random_probabilities(module, 0)
    share = module.count_macs.expected(given) / module.count_macs.largest
    assert Penalty.parse("macs:2", module)(given).item() == pytest.approx(2 * share.item())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flops:0.1", "'flops' is no cost; write params or macs, as in macs:0.1"),
        ("", "'' is no cost"),
        ("macs:0.1,", "'' is no cost"),
        ("macs", "strength of macs must be a number above 0, as in macs:0.1, not ''"),
        ("macs:-1", "above 0, as in macs:0.1, not '-1'"),
        ("macs:nan", "not 'nan'"),
        ("params:much", "not 'much'"),
        ("macs:1,macs:2", "macs twice"),
    ],
)
def test_a_penalty_that_is_written_wrong_says_how_to_write_it(text: str, message: str) -> None:
    with pytest.raises(PenaltyError, match=message):
        strengths(text)


def test_a_module_of_an_older_compiler_is_refused() -> None:
    module: Any = compile_file("toy_cell").load()
    module.count_macs = module.count_macs.function
    with pytest.raises(PenaltyError, match="toy_cell cannot say what macs to expect"):
        Penalty.parse("macs:1", module)
