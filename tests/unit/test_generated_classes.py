"""Classes of generated code: one for all instances of a block that differ in no more than what can be a parameter."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
import torch
from torch import nn

import tanglert.nn
from tanglec.api import Compiled, compile_source
from tanglec.codegen.constructors import DEFAULTS, PADDING
from tanglec.source import Source
from tests import exactness

torch.set_num_threads(1)

HEADER = 'space s "S"\ninput image: pixels(3, 8, 8)\n'


def compiled(text: str) -> Compiled:
    return compile_source(Source("s.tsp", HEADER + text))


def supernet(space: Compiled) -> str:
    return space.files["s.py"]


def classes(code: str) -> list[str]:
    """The blocks' classes, without the supernet's own."""
    found = re.findall(r"^class (\w+)\((?:Tuple)?Block\)", code, re.MULTILINE)
    return found or re.findall(r"^class (\w+)\(nn.Module\)", code, re.MULTILINE)[:-1]


def is_exact(space: Compiled) -> None:
    """The generated code still means what it says."""
    module, net = exactness.supernet(space)
    sampler = module.Sampler(0)
    for _ in range(3):
        arch = sampler()
        exactness.check_vertex(space, module, net, arch)


# --- functions -------------------------------------------------------------------------------------------------------

FUNCTIONS = """
block layer(x, act):
    h = act(conv(x, 4, kernel=3))
    return act(conv(h, 4, kernel=3))

network:
    x = layer(image, {first})
    x = layer(x, {second})
    return mean(x)
"""


def test_a_function_that_is_handed_on_is_a_parameter() -> None:
    space = compiled(FUNCTIONS.format(first="relu", second="tanh"))
    code = supernet(space)
    assert classes(code) == ["Layer"]
    assert "def __init__(self, width: int, act: Activation) -> None:" in code
    assert code.count("self.act = act") == 1 and "self.act(self.conv(x, at))" in code
    assert "self.layer = Layer(3, F.relu)" in code and "self.layer_2 = Layer(4, torch.tanh)" in code
    assert "from tanglert.nn import Activation, Block, Conv\n" in code
    derived = space.derive_source({})
    assert classes(derived) == ["Layer"] and "act: Callable[[Tensor], Tensor]" in derived
    assert "from collections.abc import Callable\n" in derived
    is_exact(space)


def test_a_function_on_which_all_agree_is_written_in_place() -> None:
    code = supernet(compiled(FUNCTIONS.format(first="relu", second="relu")))
    assert "F.relu(self.conv(x, at))" in code and "Activation" not in code


def test_two_functions_of_one_block_need_not_agree() -> None:
    text = """
block layer(x, inner, outer):
    return outer(conv(inner(x), 4, kernel=1))

network:
    x = layer(image, relu, relu)
    x = layer(x, relu, silu)
    return mean(layer(x, gelu, relu))
"""
    space = compiled(text)
    assert classes(supernet(space)) == ["Layer"]
    assert "Layer(4, F.gelu, F.relu)" in supernet(space)
    is_exact(space)


# --- options and numbers ---------------------------------------------------------------------------------------------


def test_an_option_that_some_leave_out_is_given_by_all() -> None:
    text = """
block down(x, out, stride, bias=true):
    return batch_norm(conv(x, out, kernel=3, stride=stride, bias=bias))

network:
    x = down(image, 4, 1, false)
    x = down(x, 8, 2)
    return mean(x)
"""
    space = compiled(text)
    code = supernet(space)
    assert classes(code) == ["Down"]
    assert "self.conv = Conv(width, out, 3, bias=bias, stride=stride)" in code
    assert "Down(3, 4, False, 1)" in code and "Down(4, 8, True, 2)" in code
    is_exact(space)


@pytest.mark.parametrize(("name", "value"), [*DEFAULTS.items(), ("padding", None)])
def test_defaults_are_those_of_the_constructors(name: str, value: object) -> None:
    for namespace, own in ((tanglert.nn, False), (nn, True)):
        for constructor in vars(namespace).values():
            known: Any = inspect.signature(constructor).parameters if inspect.isclass(constructor) else {}
            is_layer = inspect.isclass(constructor) and issubclass(constructor, nn.Module)
            used = not own or constructor in (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.LayerNorm)
            if is_layer and used and name in known and known[name].default is not inspect.Parameter.empty:
                expected = PADDING[own] if name == "padding" else value
                assert known[name].default == expected, constructor


def test_numbers_in_expressions_are_parameters_where_they_differ() -> None:
    text = """
block scaled(x, by):
    return conv(x, 4, kernel=1) * by + 1

network:
    x = scaled(image, 2)
    return mean(scaled(x, 0.5))
"""
    space = compiled(text)
    code = supernet(space)
    assert classes(code) == ["Scaled"] and "self.conv(x, at) * self.by + 1" in code
    assert "by: float" in code and "Scaled(4, 0.5)" in code
    is_exact(space)


def test_sizes_that_agree_by_chance_in_one_instance_do_not_part_classes() -> None:
    text = """
dim k per unit: 1 | 3

block unit(x, p, q):
    return conv(avg_pool(avg_pool(x, kernel=p), kernel=q), 4, kernel=k)

network:
    x = unit(image, 3, 3)
    return mean(unit(x, 3, 5))
"""
    assert classes(supernet(compiled(text))) == ["Unit"]


def test_an_attribute_never_hides_a_layer() -> None:
    text = """
block unit(x, conv):
    return conv(x, 4, kernel=1) * conv

network:
    x = unit(image, 1)
    return mean(unit(x, 3))
"""
    code = supernet(compiled(text))
    assert "self.conv = Conv(" in code and "self.conv_2 = conv" in code


# --- positions -------------------------------------------------------------------------------------------------------

STAGES = """
dim depth per stage: 1 | 2 | 3
dim kernel per layer: 1 | 3

block layer(x, out):
    return conv(x, out, kernel=kernel)

block stage(x, out):
    x = layer(x, out)
    repeat depth - 1:
        x = layer(x, out)
    return x

network:
    x = stage(image, 4)
    x = stage(x, 8)
    return mean(x)
"""


def test_the_positions_of_a_stage_are_one_parameter() -> None:
    space = compiled(STAGES)
    code = supernet(space)
    assert classes(code) == ["Layer", "Stage"]
    assert "self.layer = Layer(width, out, KERNEL[first])" in code
    assert "nn.ModuleList(Layer(out, out, KERNEL[first + i + 1]) for i in range(2))" in code
    assert "self.repeats = depth - 1" in code and "Depth(self.repeats, at, x)" in code
    assert "Stage(3, 4, 0, DEPTH[0])" in code and "Stage(4, 8, 3, DEPTH[1])" in code
    is_exact(space)


def test_dimensions_whose_positions_begin_elsewhere_have_a_parameter_each() -> None:
    text = """
dim a per wide: 1 | 3
dim b per thin: 1 | 3

block wide(x):
    return conv(x, 4, kernel=a)

block thin(x):
    return conv(x, 4, kernel=b)

block pair(x):
    return wide(wide(wide(thin(thin(x)))))

network:
    return mean(pair(pair(conv(image, 4, kernel=1))))
"""
    space = compiled(text)
    code = supernet(space)
    assert "B[first_b + 1]" in code and "A[first_a + 2]" in code
    assert "Pair(0, 0)" in code and "Pair(2, 3)" in code
    is_exact(space)


CELLS = """
dim op per edge of left, right: skip | conv

block edge(x, stride=1):
    return choose op:
        skip: avg_pool(x, kernel=1, stride=stride)
        conv: conv(x, width(x), kernel=3, stride=stride)

block cell(x, stride=1):
    return dag([x], nodes=3, edge=edge, input_stride=stride)[3]

block left(x):
    return cell(x)

block right(x):
    return cell(x)

network:
    return mean(right(left(conv(image, 4, kernel=1))))
"""


def test_positions_of_several_groups_are_told_apart_by_the_group() -> None:
    space = compiled(CELLS)
    code = supernet(space)
    assert classes(code) == ["Edge", "Cell", "Left", "Right"]
    assert "nn.ModuleList(Edge(OP[group, i]) for i in range(6))" in code
    assert 'Cell("left")' in code and 'Cell("right")' in code
    is_exact(space)


def test_a_list_of_two_kinds_is_one_comprehension() -> None:
    space = compiled(CELLS.replace("return cell(x)", "return cell(x, 2)", 1))
    assert "Edge(stride if i in (0, 1, 3) else 1, OP[group, i]) for i in range(6)" in supernet(space)
    is_exact(space)
    other = CELLS.replace("skip: avg_pool(x, kernel=1, stride=stride)", "skip: zero(x, stride=stride)")
    space = compiled(other.replace("return cell(x)", "return cell(x, 2)"))
    assert "Edge(OP[group, i]) if i in (0, 1, 3) else Edge2(OP[group, i]) for i in range(6)" in supernet(
        space
    )


# --- conditions ------------------------------------------------------------------------------------------------------

RESIDUAL = """
block gate(x, hidden):
    return x * sigmoid(conv(relu(conv(x, hidden, kernel=1)), width(x), kernel=1))

block layer(x, out, stride, se):
    h = relu(batch_norm(conv(x, out, kernel=3, stride=stride)))
    if se:
        h = gate(h, out // 2)
    return x + h if stride == 1 and width(x) == out else h

network:
    x = layer(image, 4, 2, false)
    x = layer(x, 4, 1, true)
    x = layer(x, 4, 1, false)
    return mean(layer(x, 8, 2, true))
"""


def test_a_condition_of_the_user_is_asked_in_one_class() -> None:
    space = compiled(RESIDUAL)
    code = supernet(space)
    assert classes(code) == ["Gate", "Layer"]
    assert "def __init__(self, width: int, out: int, stride: int, se: bool) -> None:" in code
    assert "if se:\n            self.gate = Gate(out, out // 2)" in code
    assert "if self.se:\n            h = self.gate(h, at)" in code
    assert "self.condition = stride == 1 and width == out" in code
    assert "if self.condition:\n            return x + h\n        return h" in code
    assert "self.layer_2 = Layer(4, 4, 1, True)" in code
    assert classes(space.derive_source({})) == ["Gate", "Layer"]
    is_exact(space)


def test_a_condition_on_what_is_no_parameter_is_one_itself() -> None:
    text = """
block fit(x, other):
    return conv(x, 4, kernel=1) if size(x) == size(other) else avg_pool(conv(x, 4, kernel=3), kernel=2, stride=2)

network:
    x = conv(image, 4, kernel=2, stride=2)
    return mean(fit(image, x)) + mean(fit(x, x))
"""
    space = compiled(text)
    code = supernet(space)
    assert classes(code) == ["Fit"]
    assert "condition: bool" in code and "Fit(3, 3, False)" in code
    is_exact(space)


def test_what_has_little_in_common_stays_apart() -> None:
    text = """
block either(x, deep):
    if deep:
        x = relu(conv(x, 4, kernel=3))
        x = tanh(conv(x, 4, kernel=3))
        x = relu(conv(x, 4, kernel=5))
        x = tanh(conv(x, 4, kernel=5))
    return batch_norm(x)

network:
    return mean(either(either(image, true), false))
"""
    space = compiled(text)
    assert classes(supernet(space)) == ["Either", "Either2"]
    is_exact(space)


def test_constants_by_label_are_a_table() -> None:
    text = """
dim op per unit: a | b | c | d

block cb(x, kernel):
    return batch_norm(conv(x, 4, kernel=kernel))

block unit(x):
    return choose op:
        entangled:
            a: cb(x, 1)
            b: cb(x, 3)
            c: cb(x, 1)
            d: cb(x, 5)

network:
    return mean(unit(unit(conv(image, 4, kernel=1))))
"""
    space = compiled(text)
    assert 'Cb(lookup(op, {"a": 1, "b": 3, "c": 1}, 5))' in supernet(space)
    is_exact(space)


def test_padding_that_follows_from_the_kernel_is_no_parameter() -> None:
    derived = compiled(STAGES).derive_source({"depth": [1, 1], "kernel": [1, None, None, 3, None, None]})
    assert "nn.Conv2d(width, out, kernel, padding=kernel // 2)" in derived


# --- statements ------------------------------------------------------------------------------------------------------


def test_an_arm_that_runs_nothing_binds_no_choices() -> None:
    code = supernet(compiled(CELLS))
    assert 'if op.arm("skip"):' in code and 'if arm := op.arm("conv"):' in code


def test_names_that_change_places_are_one_statement() -> None:
    text = """
dim k per mixed: 1 | 3

block mixed(a, b, out):
    return conv(a, out, kernel=k) + conv(b, out, kernel=1)

network:
    a = conv(image, 4, kernel=1)
    b = a
    repeat 3 as i:
        a, b = b, mixed(a, b, 4 + 0 * i)
    return mean(a) + mean(b)
"""
    space = compiled(text)
    code = supernet(space)
    assert "a, b = b, self.mixeds[1](a, b, at)" in code
    assert "a_2" not in code and "b_2" not in code
    is_exact(space)


# --- stand-alone modules ---------------------------------------------------------------------------------------------


def test_a_block_that_says_nothing_is_written_in_place_in_a_derived_module() -> None:
    space = compiled(CELLS)
    ops = {"left": ["conv", "skip", "conv", "skip", "skip", "conv"], "right": ["skip"] * 6}
    derived = space.derive_source({"op": ops})
    assert "class Edge2" not in derived
    assert 'self.edges["2"]' in derived and "return x" not in derived
    is_exact(space)


def test_calls_in_a_loop_stay() -> None:
    text = """
dim op per unit: skip | conv

block unit(x):
    return choose op:
        skip: x
        conv: conv(x, width(x), kernel=3)

network:
    x = conv(image, 4, kernel=1)
    repeat 3:
        x = unit(x)
    return mean(x)
"""
    space = compiled(text)
    derived = space.derive_source({"op": ["conv", "skip", "conv"]})
    assert "for unit in self.units:" in derived
    is_exact(space)
