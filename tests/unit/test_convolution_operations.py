"""What convolutional operations say of a call: sizes, costs, options that are names, gains, and what is refused."""

from __future__ import annotations

import pytest

from tanglec.ir import extents as ex
from tanglec.ir.nodes import Operation
from tanglec.passes.cost import parameter_terms
from tests.spacetext import compiled, operations, refused

TEXT = """space small
{use}
param rule = interpolate
input image: pixels(3, 9, 8)
dim a: 4 | 8
dim k per layer: 3 | 5 | 7

block layer(x):
    return conv(x, a, kernel=k{options})

network:
    x = layer(image)
    y = {body}
    return linear(mean(y), 3)
"""


def text(body: str, options: str = "", use: str = "") -> str:
    return TEXT.format(body=body, options=options, use=use)


def last(body: str, name: str, options: str = "", use: str = "") -> Operation:
    return operations(compiled(text(body, options, use)), name)[-1]


def options_of(operation: Operation) -> dict[str, object]:
    assert operation.supernet.layer is not None
    return dict(operation.supernet.layer.options)


def sizes(operation: Operation) -> list[object]:
    return [s.constant for s in operation.output.type.sizes]


# --- zeros and crops -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stride", "wanted"), [(1, [9, 8]), (2, [5, 4]), (3, [3, 3])])
def test_zeros_have_the_sizes_of_a_padded_convolution(stride: int, wanted: list[int]) -> None:
    body = f"zero(x, stride={stride}) + conv(x, a, kernel=3, stride={stride})"
    assert sizes(last(body, "zero")) == wanted
    assert last(body, "zero").output.type.padding == "zero"


def test_a_crop_takes_rows_and_columns_away() -> None:
    assert sizes(last("crop(x, top=1, left=2, bottom=3)", "crop")) == [5, 6]
    assert last("crop(x, top=1, right=2)", "crop").plain.call == "{0}[:, :, 1:, :-2]"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("crop(x, top=5, bottom=4)", "TSP0310"),
        ("crop(x, left=0 - 1)", "TSP0213"),
        ("zero(mean(x), stride=2)", "TSP0302"),
        ("zero(x, stride=0)", "TSP0303"),
        ("zero(x, stride=1 / 2)", "TSP0303"),
    ],
)
def test_what_zeros_and_crops_refuse(body: str, code: str) -> None:
    assert refused(text(body)) == [code]


def test_a_reduction_halves_the_size_and_keeps_odd_channels() -> None:
    use = "use cnn: factorized_reduce"
    body = "factorized_reduce(conv(crop(x, top=1), 5, kernel=1), 7)"
    norm = last(body, "batch_norm", use=use)
    assert sizes(norm) == [4, 4] and norm.output.type.features.width == ex.const(7)


# --- kernel transform ------------------------------------------------------------------------------------------------


def test_matrices_are_not_counted() -> None:
    plain, transformed = compiled(text("x")), compiled(text("x", ", transform=true"))
    assert parameter_terms(plain.network) == parameter_terms(transformed.network)


def test_a_transform_needs_a_second_size() -> None:
    assert options_of(last("x", "conv", ", transform=true"))["transform"] is True
    assert "transform" not in options_of(last("depthwise(x, kernel=3, transform=true)", "depthwise"))


def test_a_kernel_that_depends_on_the_channels_is_evaluated_for_each_choice() -> None:
    assert last("depthwise(x, kernel=a - 1, transform=true)", "depthwise").lowerings == ("loop",)
    assert last("depthwise(x, kernel=a - 1)", "depthwise").lowerings == ("mask", "loop")


# --- rules of channels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["interpolate", "shuffle", "rule"])
def test_a_rule_is_a_name_or_a_param_and_is_evaluated_for_each_choice(rule: str) -> None:
    conv = last("x", "conv", f", channels={rule}")
    assert options_of(conv)["channels"] == ("interpolate" if rule == "rule" else rule)
    assert conv.lowerings == ("loop",)


def test_slices_and_fixed_channels_have_no_rule() -> None:
    assert "channels" not in options_of(last("x", "conv", ", channels=slice"))
    assert "channels" not in options_of(last("conv(x, 8, kernel=1, channels=shuffle)", "conv"))


@pytest.mark.parametrize("rule", ["relu", "3", "true", "none"])
def test_anything_else_is_refused(rule: str) -> None:
    assert refused(text("x", f", channels={rule}")) == ["TSP0213"]


def test_a_name_that_nothing_takes_is_unknown() -> None:
    assert refused(text("x", ", channels=mean_of_all")) == ["TSP0201"]


def test_channels_that_follow_a_rule_keep_their_gain_before_a_batch_norm() -> None:
    body = "batch_norm(conv(x, a, kernel=1{}))"
    assert options_of(last(body.format(""), "conv"))["gain"] is False
    assert "gain" not in options_of(last(body.format(", channels=shuffle"), "conv"))


def test_a_batch_norm_says_whether_it_tracks() -> None:
    assert options_of(last("batch_norm(x, track=true)", "batch_norm"))["track"] is True
    assert "track" not in options_of(last("batch_norm(x)", "batch_norm"))
