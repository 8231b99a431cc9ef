"""What the passes find out: where choices are made, which widths are equal, what is mixed together."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tanglec.api import compile_source
from tanglec.ir import extents as ex
from tanglec.ir.nodes import Space
from tanglec.passes.cost import parameter_terms
from tanglec.passes.entangle import groups
from tanglec.passes.extremes import cost_range
from tanglec.source import Source
from tests.spacetext import compiled, operations, refused

CELLS = """space cells
input image: vector(8)
dim hidden {scope}: 4 | 8

block layer(x):
    return linear(linear(x, hidden), 8)

block helper(x):
    return layer(x)

block cell(x):
    return helper(layer(x))

block other(x):
    return layer(x)

network:
    return linear({body}, 3)
"""


def positions(scope: str, body: str) -> list[str]:
    space = compiled(CELLS.format(scope=scope, body=body))
    return [str(p) for p in space.positions]


def uses(scope: str, body: str) -> list[str]:
    """The position that each use of `hidden` reads, in order of execution."""
    space = compiled(CELLS.format(scope=scope, body=body))
    hidden = [o for o in operations(space, "linear") if o.output.type.positions]
    return [str(p) for o in hidden for p in o.output.type.positions]


# --- scopes ----------------------------------------------------------------------------------------------------------


def test_a_dimension_without_scope_is_one_choice() -> None:
    assert positions("", "cell(cell(image))") == ["hidden"]
    assert uses("", "cell(image)") == ["hidden", "hidden"]


def test_per_layer_is_a_choice_for_every_instance_in_order_of_execution() -> None:
    assert uses("per layer", "cell(cell(image))") == ["hidden[0]", "hidden[1]", "hidden[2]", "hidden[3]"]


def test_arguments_are_executed_before_the_call_that_takes_them() -> None:
    assert uses("per layer", "layer(image) + cell(image)") == ["hidden[0]", "hidden[1]", "hidden[2]"]


def test_per_cell_is_shared_by_all_layers_of_a_cell_through_whatever_lies_between() -> None:
    assert uses("per cell", "cell(cell(image))") == ["hidden[0]", "hidden[0]", "hidden[1]", "hidden[1]"]


def test_per_layer_of_cell_is_shared_by_the_cells() -> None:
    assert uses("per layer of cell", "cell(cell(image))") == ["hidden[0]", "hidden[1]"] * 2


def test_several_owners_are_kept_apart_by_name() -> None:
    found = uses("per layer of cell, other", "other(cell(image))")
    assert found == ["hidden[cell.0]", "hidden[cell.1]", "hidden[other.0]"]


def test_a_scope_that_no_call_provides_is_refused() -> None:
    assert refused(CELLS.format(scope="per layer of cell", body="other(image)")) == ["TSP0207"]


def test_repeats_are_counted_to_their_largest_and_have_a_presence() -> None:
    space = compiled("""space s
input image: vector(8)
dim depth: 1 | 2 | 3
dim hidden per layer: 4 | 8, 8 | 16, 16 | 32

block layer(x):
    return linear(linear(x, hidden), 8)

network:
    x = image
    repeat depth:
        x = layer(x)
    return linear(x, 3)
""")
    hidden = space.dimension("hidden")
    assert [p.choices for p in hidden.positions] == [(4, 8), (8, 16), (16, 32)]
    depth = space.dimension("depth").positions[0]
    present = [[c.at({depth: n}) for c in hidden.present] for n in (1, 2, 3)]
    assert present == [[True, False, False], [True, True, False], [True, True, True]]


# --- widths ----------------------------------------------------------------------------------------------------------


def pixels(body: str, dims: str = "dim a: 4 | 8\ndim b: 4 | 8\n") -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"space s\ninput image: pixels(3, 8, 8)\n{dims}network:\n{lines}\n    return linear(mean(x), 3)\n"


def width(space: Space, operation: str) -> str:
    return str(operations(space, operation)[-1].output.type.features)


def test_widths_are_equal_when_they_agree_for_every_joint_choice() -> None:
    body = "x = conv(image, {}, kernel=1) + conv(image, {}, kernel=1)"
    assert refused(pixels(body.format("a + a", "2 * a"))) == []
    assert refused(pixels(body.format("a * b", "b * a"))) == []
    assert refused(pixels(body.format("max(a, 4)", "a"))) == []
    assert refused(pixels(body.format("a", "b"))) == ["TSP0301"]
    assert refused(pixels(body.format("max(a, 6)", "a"))) == ["TSP0301"]


def test_concat_keeps_the_segments_of_what_it_joins() -> None:
    space = compiled(pixels("x = concat(conv(image, a, kernel=1), conv(image, b, kernel=1))"))
    assert width(space, "concat") == "a ++ b"


def test_segments_in_another_order_are_another_layout() -> None:
    both = "y = conv(image, a, kernel=1)\nz = conv(image, b, kernel=1)\n"
    assert refused(pixels(both + "x = concat(y, z) + concat(y, z)")) == []
    assert refused(pixels(both + "x = concat(y, z) + concat(z, y)")) == ["TSP0301"]


def test_the_width_of_a_tensor_as_a_size_takes_its_layout() -> None:
    both = "y = concat(conv(image, a, kernel=1), conv(image, b, kernel=1))\n"
    assert refused(pixels(both + "x = y + conv(y, width(y), kernel=1)")) == []
    assert refused(pixels(both + "x = y + conv(y, a + b, kernel=1)")) == ["TSP0301"]


def test_arithmetic_is_exact() -> None:
    dims = "dim ratio: 3.5 | 4\nparam tenth = 0.1\n"
    assert refused(pixels("x = conv(image, ratio * tenth * 20, kernel=1)", dims)) == []
    assert refused(pixels("x = conv(image, ratio * 33, kernel=1)", dims)) == ["TSP0303"]


@pytest.mark.parametrize(("value", "rounded"), [(20, 24), (17, 16), (3, 8), (17.9, 24), (12, 16)])
def test_round_to_is_the_fields_make_divisible(value: float, rounded: int) -> None:
    """Never below 90 % of the value: 17.9 would go to 16."""
    given = ex.apply("round_to", ex.const(value), ex.const(8))
    assert given.constant == rounded


def test_a_fixed_repeat_may_change_types_and_an_elastic_one_may_not() -> None:
    body = "x = image\nrepeat {}:\n    x = conv(x, 2 * width(x), kernel=1)"
    assert width(compiled(pixels(body.format("3"))), "conv") == "24"
    assert refused(pixels(body.format("a"))) == ["TSP0306"]


def test_a_side_of_a_condition_that_returns_leaves_out_what_follows() -> None:
    text = """space s
input image: vector(8)
dim a: 4 | 8

block layer(x, wide):
    if wide == 4:
        return relu(x)
    return linear(x, width(x))

network:
    return linear(layer(image, {}), 3)
"""
    assert operations(compiled(text.format("4")), "linear")[0].output.type.features.width == ex.const(3)
    assert len(operations(compiled(text.format("a")), "linear")) == 2


# --- sampled only ----------------------------------------------------------------------------------------------------


def sampled(text: str) -> set[str]:
    return {d.name for d in compiled(text).dimensions if d.sampled_only}


def test_what_cannot_be_superposed_can_only_be_sampled() -> None:
    assert sampled(pixels("x = conv(image, a, kernel=1)")) == set()
    assert sampled(pixels("x = conv(image, 8, kernel=3, stride=a)")) == {"a"}
    assert sampled(pixels("x = relu(image) if a == 4 else image")) == {"a"}


def test_a_condition_on_widths_alone_is_no_branch() -> None:
    assert sampled(pixels("x = conv(image, b if a == 4 else 8, kernel=1)")) == set()


def test_a_shape_that_is_right_only_thanks_to_a_require_can_only_be_sampled() -> None:
    text = pixels(
        "x = conv(conv(image, a, kernel=1), 16, kernel=1, groups=b)", "dim a: 4 | 6\ndim b: 2 | 4\n"
    )
    assert refused(text) == ["TSP0304"]
    excused = text.replace("network:", "require a % b == 0\nnetwork:")
    assert sampled(excused) == {"a", "b"}


def test_a_require_holds_at_every_position_and_excuses_at_every_position() -> None:
    text = """space s
input words: tokens(4, 8)
dim heads per layer: 2 | 3 | 4
dim shared per layer: 1 | 2
{}
block layer(x):
    q = linear(x, heads * 4)
    kv = linear(x, shared * 4)
    return linear(attend(q, kv, kv, heads=heads, kv_heads=shared), 8)

network:
    return linear(mean(layer(layer(words))), 3)
"""
    assert refused(text.format("")) == ["TSP0304"]
    space = compiled(text.format("require heads % shared == 0"))
    assert [str(p) for r in space.requirements for p in r.condition.positions] == [
        "heads[0]",
        "shared[0]",
        "heads[1]",
        "shared[1]",
    ]
    assert {d.name for d in space.dimensions if d.sampled_only} == {"heads", "shared"}


# --- gains -----------------------------------------------------------------------------------------------------------


def silent(body: str, blocks: str = "") -> list[bool]:
    """For every convolution, whether a batch norm takes over its gain."""
    space = compiled(pixels(body).replace("network:", blocks + "network:"))
    makes = [o.supernet.layer for o in operations(space, "conv")]
    return [make is not None and ("gain", False) in make.options for make in makes]


def test_a_weight_that_only_a_batch_norm_reads_has_no_gain() -> None:
    assert silent("x = batch_norm(conv(image, a, kernel=1))") == [True]
    assert silent("x = relu(conv(image, a, kernel=1))") == [False]
    assert silent("x = layer_norm(conv(image, a, kernel=1))") == [False]


def test_a_second_reader_keeps_the_gain() -> None:
    assert silent("y = conv(image, a, kernel=1)\nx = batch_norm(y) + y") == [False]


def test_a_fixed_width_has_no_gain_to_lose() -> None:
    assert silent("x = batch_norm(conv(image, 8, kernel=1))") == [False]


def test_the_reader_is_found_across_the_borders_of_blocks() -> None:
    blocks = "block make(x):\n    return conv(x, a, kernel=1)\n\nblock norm(x):\n    return batch_norm(x)\n\n"
    assert silent("x = norm(make(image))", blocks) == [True]
    assert silent("y = make(image)\nx = norm(y) + relu(y)", blocks) == [False]


# --- groups ----------------------------------------------------------------------------------------------------------


def found(body: str) -> list[tuple[tuple[str, ...], str, str, int]]:
    return [(g.dims, g.kind, g.lowering, g.evaluations) for g in groups(compiled(pixels(body)))]


def test_groups_are_the_dimensions_that_meet_in_one_weight() -> None:
    body = "x = conv(conv(image, a, kernel=1), b, kernel=1)"
    assert found(body) == [
        (("a",), "single", "mask", 2),
        (("b",), "single", "mask", 2),
        (("a", "b"), "separable", "mask", 4),
    ]


def test_axes_that_share_a_dimension_are_joint() -> None:
    assert (("a",), "joint", "mask", 2) in found("x = conv(conv(image, a, kernel=1), a * 2, kernel=1)")


def test_a_fixed_number_of_groups_does_not_nest() -> None:
    body = "x = conv(conv(image, a, kernel=1), b, kernel=1, groups=2)"
    assert (("a", "b"), "separable", "loop", 4) in found(body)


# --- constants -------------------------------------------------------------------------------------------------------


def test_params_and_choices_are_exact_constants() -> None:
    space = compiled("""space s
param base = 2 * 4
param wide = base * 1.5 if base > 4 else 3
input image: vector(base)
dim a: base | wide | 20..24 step 2
dim ratio: 0.5 | 7 / 2
network:
    return linear(linear(image, a * 2 * ratio), 3)
""")
    assert space.params == {"base": 8, "wide": 12}
    assert space.dimension("a").positions[0].choices == (8, 12, 20, 22, 24)
    assert space.dimension("ratio").positions[0].choices == (Fraction(1, 2), Fraction(7, 2))


def test_true_and_one_are_different_choices() -> None:
    assert refused(pixels("x = image", "dim a: 1 | true\n")) == ["TSP0209"]


def test_lists_per_position_go_by_group_where_groups_are_kept_apart() -> None:
    text = CELLS.replace("4 | 8", "{lists}").replace("{scope}", "per layer of cell, other")
    both = text.format(lists="4 | 8, 8 | 16", body="other(other(cell(cell(image))))")
    assert refused(both) == ["TSP0210"]  # `other` has one position
    assert refused(both.replace("return layer(x)\n\nnetwork", "return layer(layer(x))\n\nnetwork")) == []


def test_a_shared_layer_counts_once_wherever_it_is_present() -> None:
    space = compiled("""space s
input image: vector(8)
dim depth: 0..300
network:
    shared = linear(8)
    x = image
    repeat depth:
        x = shared(x)
    return linear(x, 3)
""")
    assert cost_range(space, parameter_terms(space.network)) == (27, 27 + 72)


def test_a_size_that_is_the_same_for_every_choice_is_fixed() -> None:
    assert compiled(pixels("x = conv(image, a - a + 8, kernel=1)")).network.outputs[0].type.positions == ()


def test_choices_stay_apart_by_block_where_only_one_of_the_blocks_is_called() -> None:
    """A cell type that a param leaves out takes nothing from the notation of the other."""
    text = """space one ""
input z: vector(4)
dim w per unit of left, right: 2 | 4
block unit(x):
    return linear(linear(x, w), 4)
block left(x):
    return unit(x)
block right(x):
    return unit(unit(x))
network:
    return left(z) if 1 > 2 else right(z)
"""
    space = compile_source(Source("one.tsp", text))
    module = space.load()
    arch = module.Sampler(seed=0)()
    assert arch.to_dict().keys() == {"w"} and list(arch.to_dict()["w"]) == ["right"]
    assert space.costs(arch.to_dict()).params == module.count_params(arch)
