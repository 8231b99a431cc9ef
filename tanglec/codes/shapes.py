"""TSP03xx: sizes and kinds of tensors."""

from tanglec.codes.entry import Entry

ENTRIES = (
    Entry(
        "TSP0301",
        "widths or sizes differ",
        """
        `+`, `-` and `*` between tensors need equal sizes, and so do both ends of a shared weight. Two widths are equal when they agree for
        every joint choice of the dimensions that they depend on; the message names a combination where they do
        not. Widths also carry the order of their segments: `concat(a, b)` is not laid out like `concat(b, a)`.
        """,
        """
        dim hidden: 64 | 128
        block layer(x):
            return x + linear(x, hidden)
        """,
        """
        dim hidden: 64 | 128
        block layer(x):
            return x + linear(linear(x, hidden), width(x))
        """,
    ),
    Entry(
        "TSP0302",
        "another kind of tensor is needed",
        """
        Tensors are `pixels(C, H, W)`, `tokens(L, D)`, `vector(D)` or `ids(vocab, L)`. The operation works on other kinds, or the two
        tensors do not go together. A vector of the same width may be added to pixels or tokens: it is spread over all places.
        """,
        """
        input image: pixels(3, 32, 32)
        network:
            return attend(image, image, image, heads=3)
        """,
        """
        use transformer: patch_embed
        input image: pixels(3, 32, 32)
        network:
            x = patch_embed(image, width=192, patch=4)
            return attend(x, x, x, heads=3)
        """,
    ),
    Entry(
        "TSP0303",
        "a size must be a whole number, at least 1",
        """
        Widths, kernels, strides and the like are whole numbers from 1, for every choice. Arithmetic is exact: `embed * 3.5` is
        whole for some widths and not for others. `round_to(width, 8)` rounds to a multiple, `ceil`, `//` to a whole
        number.
        """,
        """
        dim ratio: 3.5 | 4
        block mlp(x):
            return linear(x, 33 * ratio)
        """,
        """
        dim ratio: 3.5 | 4
        block mlp(x):
            return linear(x, round_to(33 * ratio, 8))
        """,
    ),
    Entry(
        "TSP0304",
        "not divisible",
        """
        A quotient must be a whole number for every joint choice, and for the combination named in the message it is
        not. Drop the choice, choose multiples, or forbid the combination by `require` (the dimensions can then be sampled only).
        """,
        """
        use transformer: attention
        input words: tokens(16, 8)
        dim embed: 384 | 576
        dim heads: 5 | 8
        network:
            x = linear(words, embed)
            x = attention(x, heads=heads, head_dim=embed / heads)
            return linear(mean(x), 10)
        """,
        """
        use transformer: attention
        input words: tokens(16, 8)
        dim embed: 384 | 576
        dim heads: 6 | 8
        network:
            x = linear(words, embed)
            x = attention(x, heads=heads, head_dim=embed / heads)
            return linear(mean(x), 10)
        """,
    ),
    Entry(
        "TSP0305",
        "index or slice out of range",
        """
        `x[i]` takes token `i` of `tokens(L, D)` or item `i` of a list, with `0 <= i < L`; a slice `x[a..b]` needs `0 <= a < b <= L`, the
        end excluded. There are no negative indices: nothing counts from the end.
        """,
        """
        input words: tokens(16, 8)
        network:
            return words[-1]
        """,
        """
        input words: tokens(16, 8)
        network:
            return words[15]
        """,
    ),
    Entry(
        "TSP0306",
        "an elastic repeat changes a type",
        """
        Where the count of a `repeat` is to be chosen, any iteration may be the last, so that the body must leave every name with the type that it
        had. A fixed count has no such limit. Do what changes the type before the `repeat`.
        """,
        """
        input image: pixels(3, 32, 32)
        dim depth: 2 | 3
        network:
            x = image
            repeat depth:
                x = conv(x, 2 * width(x), kernel=3)
            return linear(mean(x), 10)
        """,
        """
        input image: pixels(3, 32, 32)
        dim depth: 2 | 3
        network:
            x = conv(image, 64, kernel=3)
            repeat depth:
                x = conv(x, width(x), kernel=3)
            return linear(mean(x), 10)
        """,
    ),
    Entry(
        "TSP0307",
        "a repeat count that is negative or not whole",
        "`repeat n:` takes a whole number from 0, for every choice.",
        """
        dim depth: 1 | 2 | 3
        network:
            x = image
            repeat depth - 2:
                x = linear(x, 64)
            return linear(x, 10)
        """,
        """
        dim depth: 2 | 3 | 4
        network:
            x = image
            repeat depth - 2:
                x = linear(x, 64)
            return linear(x, 10)
        """,
    ),
    Entry(
        "TSP0308",
        "the network's result has no fixed type",
        """
        What the network returns has the same type in every architecture, or no loss could be computed on the
        mixture. End with an operation of fixed width.
        """,
        """
        dim embed: 192 | 216
        network:
            return linear(image, embed)
        """,
        """
        dim embed: 192 | 216
        network:
            return linear(linear(image, embed), 10)
        """,
    ),
    Entry(
        "TSP0309",
        "a constant is needed",
        """
        Values of params, choices, sizes of inputs and some arguments of operations are settled when a space is
        compiled: numbers, `true`, `false`, names, params, and arithmetic on them, without dimensions.
        """,
        """
        dim kernel: 3 | 5
        param padding = kernel // 2
        """,
        """
        param kernel = 5
        param padding = kernel // 2
        """,
    ),
    Entry(
        "TSP0310",
        "a window larger than its input",
        """
        The kernel of a convolution or a pooling, with its dilation, is larger than the image and its padding at this point of the
        network, so that nothing would come out. Earlier strides are the usual cause, or a smaller input size. Without `padding`, odd kernels
        are padded to keep the size and even ones are not padded.
        """,
        """
        input image: pixels(3, 4, 4)
        network:
            return max_pool(image, kernel=8, padding=0)
        """,
        """
        input image: pixels(3, 4, 4)
        network:
            return max_pool(image, kernel=4, padding=0)
        """,
    ),
    Entry(
        "TSP0311",
        "arithmetic or comparison of things that have none",
        """
        Numbers are added, multiplied and compared; names and truth values are compared by `==` and `!=` with their like only;
        tensors are added and multiplied, not compared. Division by zero has no value.
        """,
        """
        block layer(x, stride):
            return relu(x) if x == 1 else x
        network:
            return layer(image, 1)
        """,
        """
        block layer(x, stride):
            return relu(x) if stride == 1 else x
        network:
            return layer(image, 1)
        """,
    ),
    Entry(
        "TSP0312",
        "types that must be the same",
        """
        The edges into a node of a `dag` are added, from whatever node they come: an `edge` makes one type of all earlier nodes, inputs
        included. The state of a `scan` goes in again with the next token, so that it keeps its type.
        """,
        """
        input image: pixels(3, 32, 32)
        block edge(x):
            return relu(x)
        network:
            nodes = dag([image, conv(image, 8, kernel=3)], nodes=2, edge=edge)
            return linear(mean(nodes[3]), 10)
        """,
        """
        input image: pixels(3, 32, 32)
        block edge(x):
            return relu(x)
        network:
            nodes = dag([conv(image, 8, kernel=1), conv(image, 8, kernel=3)], nodes=2, edge=edge)
            return linear(mean(nodes[3]), 10)
        """,
    ),
)
