"""Random search spaces: a hypothesis strategy that writes `.tsp` texts by composing statements.

Nothing is known of what the texts mean; they combine operations, scopes, layouts, repetitions and conditions as no author
would. Widths are drawn from few expressions, so that the same dimension meets itself in one operation often.
"""

from __future__ import annotations

from hypothesis import strategies as st

HEADER = """space random "A random space"
input image: pixels(2, {size}, {size})
dim a: {a}
dim b: {b}
dim n: {n}
dim c per cell: {c}
dim k per cell: 1 | 3 | 5
dim s: 1 | 2
dim m per cell: 1 | 2
dim op per cell: id | one | two | three
dim way: left | right
dim edge_op per edge of net: none | skip | small | large

block unit(x, act, width, kernel):
    return {norm}(act(conv(x, width, kernel=kernel)))

block token_unit(x, act, width):
    return act(linear(x, width))

block edge(x, stride=1):
    return choose edge_op:
        none: zero(x, stride=stride)
        skip: x if stride == 1 else avg_pool(x, kernel=1, stride=stride)
        entangled:
            small: batch_norm(conv(relu(x), width(x), kernel=1, stride=stride, bias=false))
            large: batch_norm(conv(relu(x), width(x), kernel=3, stride=stride, bias=false))

block unit_of_node(x):
    return relu(conv(x, width(x), kernel=1))

block net(x):
    nodes = dag([x, relu(x)], nodes=2, edge=edge{dag})
    return {joined}
"""

WIDTHS = ("a", "b", "a * 2", "a + b", "round_to(b * 1.5, 4)", "8", "max(a, b)")
ACTIVATIONS = ("relu", "sigmoid", "gelu", "tanh", "identity")


@st.composite
def pixel_statement(draw: st.DrawFn, local: bool) -> list[str]:
    """A statement on `x: pixels`, which may change its width."""
    width = draw(
        st.sampled_from(
            (*WIDTHS, "width(x)", *(("c", "c * 2", "a + c", "round_to(c * 1.5, 4)") if local else ()))
        )
    )
    kernel = draw(st.sampled_from(("1", "3", *(("k",) if local else ()))))
    act = draw(st.sampled_from(ACTIVATIONS))
    bias = draw(st.sampled_from(("", ", bias=false")))
    forms = (
        [f"x = {act}(conv(x, {width}, kernel={kernel}{bias}))"],
        [f"x = {act}(batch_norm(conv(x, {width}, kernel={kernel}{bias})))"],
        [f"x = batch_norm({act}(depthwise(x, kernel={kernel}{bias})))"],
        [f"x = batch_norm(depthwise(x, kernel={kernel}))"],
        [f"x += {act}(conv(x, width(x), kernel={kernel}))"],
        [f"x = concat(x, {act}(conv(x, {width}, kernel=1)))"],
        ["x = x * sigmoid(linear(mean(x), width(x)))"],
        ["x = layer_norm(x)"],
        ["x = avg_pool(x, kernel=3) - x / 2"],
        [f"h = conv(x, {width}, kernel=1)", "x = h * 0.5 + conv(x, width(h), kernel=3)"],
        [f"x = conv(x, {width}, kernel=1)", "x = group_norm(x, groups=2)"],
        [
            "x = conv(x, a * 2, kernel=1)",
            "x = group_norm(x, group_size=2)",
            "x = conv(x, b * 2, kernel=3, groups=2)",
        ],
        ["x = conv(x, a * 2, kernel=1)", "x = conv(x, a * 4, kernel=3, groups=a)"],
        ["x = net(x)"],
        [
            "x = choose way:",
            f"    left: {act}(conv(x, {width}, kernel={kernel}))",
            "    right: x + x if way == left else conv(x, 6, kernel=1)",
        ],
        [
            "x = choose way:",
            "    entangled:",
            "        left: unit(x, relu, a, 1)",
            "        right: unit(relu(x), relu, b, 3)",
        ],
        *(_local_choices(width, act) if local else ()),
    )
    return draw(st.sampled_from(forms))


def _local_choices(width: str, act: str) -> list[list[str]]:
    """Choices between operations where the cell has one of its own."""
    return [
        [
            "x = choose op:",
            "    id: x",
            "    entangled:",
            f"        one: unit(x, {act}, {width}, 1)",
            f"        two: unit(x, {act}, {width}, k)",
            "    three: batch_norm(depthwise(x, kernel=3))",
        ],
        [
            "x += choose op:",
            "    id: zero(x)",
            "    entangled:",
            f"        one: unit(x, {act}, width(x), 1)",
            f"        two: unit({act}(x), {act}, width(x), 3)",
            f"        three: unit(x * 2, {act}, width(x), 5)",
        ],
        [
            "w = choose op:",
            "    id: 2",
            "    one: 4",
            "    two: c",
            "    three: 8",
            f"x = {act}(conv(x, w, kernel=1))",
        ],
        [
            "x = choose op:",
            "    id: x",
            f"    one: conv(x, {width}, kernel=k)",
            "    two: layer_norm(x)",
            "    three: avg_pool(x, kernel=3)",
        ],
    ]


@st.composite
def token_statement(draw: st.DrawFn, local: bool) -> list[str]:
    """A statement on `x: tokens`, which may change its width."""
    width = draw(st.sampled_from((*WIDTHS, "width(x)", *(("c", "c + 4", "min(c, a)") if local else ()))))
    heads = draw(st.sampled_from(("1", "2", *(("m",) if local else ()))))
    act = draw(st.sampled_from(ACTIVATIONS))
    causal = draw(st.sampled_from(("", ", causal=true")))
    forms = (
        [f"x = {act}(linear(x, {width}))"],
        [f"x += linear({act}(linear(layer_norm(x), {width})), width(x), bias=false)"],
        ["x = rms_norm(x)"],
        ["x = softmax(x) + x"],
        ["x += position(x)"],
        [f"x = concat(x, {act}(linear(x, {width})))"],
        [f"x = batch_norm(linear(x, {width}))"],
        [
            f"q = linear(x, {heads} * 4)",
            "v = linear(x, width(q))",
            f"x = attend(q, linear(x, width(q)), v, heads={heads}{causal})",
        ],
        [
            "q = linear(x, a * 2)",
            f"x = attend(q, linear(x, a * 2), linear(x, b * 2), heads={heads}{causal})",
        ],
        [
            f"q = split_heads(linear(x, {heads} * 4), {heads})",
            f"x = attend(layer_norm(q), split_heads(linear(x, {heads} * 4), {heads}), linear(x, {heads} * 8), heads={heads})",
        ],
        [
            f"q = linear(x, 2 * {heads} * 4)",
            f"x = attend(q, linear(x, {heads} * 4), linear(x, {heads} * 4), heads=2 * {heads}, kv_heads={heads})",
        ],
        ["w = linear(width(x), bias=false)", "x = w(w(x))"],
        [f"x = linear(linear(x, {width}), width(x), bias=true)"],
        [
            "x = choose way:",
            "    entangled:",
            f"        left: token_unit(x, {act}, {width})",
            f"        right: token_unit(x, {act}, 6)",
        ],
        ["x = choose way:", f"    left: linear(x, {width})", "    right: softmax(x)"],
        *(
            [
                [
                    "x += choose op:",
                    "    id: x * 0",
                    "    one: linear(x, width(x))",
                    "    two: layer_norm(x)",
                    "    three: position(x)",
                ]
            ]
            if local
            else []
        ),
    )
    return draw(st.sampled_from(forms))


@st.composite
def spaces(draw: st.DrawFn) -> str:
    """The text of a space."""
    small = st.lists(st.sampled_from((2, 4, 6, 8)), min_size=2, max_size=3, unique=True)

    def choices(values: list[int]) -> str:
        return " | ".join(map(str, values))

    counts = draw(st.lists(st.sampled_from((0, 1, 2, 3)), min_size=2, max_size=3, unique=True))
    head = HEADER.format(
        size=draw(st.sampled_from((4, 5))),
        a=choices(draw(small)),
        b=choices(draw(small)),
        c=choices(draw(small)),
        n=choices(counts),
        norm=draw(st.sampled_from(("batch_norm", "layer_norm", "identity"))),
        dag=draw(st.sampled_from(("", ", keep=1", ", keep=2", ", node=unit_of_node"))),
        joined=draw(st.sampled_from(("nodes[3]", "concat(nodes[2..])", "nodes[2] + nodes[3]"))),
    )
    tokens = draw(st.booleans())
    statement = token_statement if tokens else pixel_statement
    cell = [line for s in draw(st.lists(statement(local=True), min_size=1, max_size=3)) for line in s]
    lines = ["x = conv(image, a, kernel=3)"]
    if tokens:
        lines.append("x = to_tokens(x)")
        if draw(st.booleans()):
            lines.append("x = prepend_token(x)")
    for s in draw(st.lists(statement(local=False), max_size=2)):
        lines += s
    lines += draw(repetition())
    for s in draw(st.lists(statement(local=False), max_size=1)):
        lines += s
    if draw(st.booleans()) and draw(st.booleans()):
        lines += ["if s == 2:", "    x = relu(x) * 2", "else:", "    x = x + 1"]
    if draw(st.booleans()) and not tokens:
        lines.append("x = max_pool(x, kernel=3, stride=s)")
    if tokens and draw(st.booleans()):
        lines.append("y = flatten(linear(x, b))")
    else:
        lines.append(
            draw(st.sampled_from(("y = mean(x)", "y = mean(x[1..])" if tokens else "y = global_pool(x)")))
        )
    body = "\n".join(f"    {line}" for line in lines)
    block = "\n".join(f"    {line}" for line in cell)
    keep = (
        draw(st.sampled_from(("linear(x, width(keep))", "linear(layer_norm(x), width(keep))")))
        if tokens
        else "conv(x, width(keep), kernel=1)"
    )
    return f"{head}\nblock cell(x):\n    keep = x\n{block}\n    return keep + {keep}\n\nnetwork:\n{body}\n    return linear(y, 3)\n"


@st.composite
def repetition(draw: st.DrawFn) -> list[str]:
    """Cells, once or several times, to an elastic count or one that is fixed."""
    forms = (
        ["x = cell(x)"],
        ["x = cell(cell(x))"],
        ["repeat 2:", "    x = cell(x)"],
        ["repeat n:", "    x = cell(x)"],
        ["repeat n + 1:", "    x = cell(x)", "    x = relu(x)"],
        ["z = x", "repeat n:", "    x, z = z, cell(x) + z", "x = x - z"],
        ["repeat n:", "    repeat 2:", "        x = cell(x)"],
        ["repeat n as i:", "    if i == 0:", "        x = relu(x)", "    x = cell(x)"],
        ["repeat 2 as i:", "    x = cell(x) * (i + 1)"],
        ["first = x", "repeat n:", "    x = cell(x) + first"],
    )
    return draw(st.sampled_from(forms))
