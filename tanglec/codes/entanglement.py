"""TSP04xx: which weights are shared by which choices."""

from tanglec.codes.entry import Entry

ENTRIES = (
    Entry(
        "TSP0401",
        "choices that cannot be nested",
        """
        Choices share one weight of the largest size: each takes its leading part along widths and its centred part along kernels. Odd kernels
        nest in odd ones, but a centred 3x3 part of a 4x4 kernel does not exist. An elastic kernel has odd choices and the padding that keeps
        the size; give no `padding`.
        """,
        """
        input image: pixels(3, 32, 32)
        dim kernel: 3 | 4 | 5
        network:
            x = conv(image, 16, kernel=kernel)
            return linear(mean(x), 10)
        """,
        """
        input image: pixels(3, 32, 32)
        dim kernel: 3 | 5 | 7
        network:
            x = conv(image, 16, kernel=kernel)
            return linear(mean(x), 10)
        """,
    ),
    Entry(
        "TSP0402",
        "too many joint choices to look at",
        """
        Sizes are compared, and mixtures computed, by going through all joint choices of the dimensions that they depend on, and a
        network is unrolled into its operations. Here this is too much: too many joint choices, an expression or layout that a `repeat`
        built up, or a network of too many steps. Give a range a larger `step`, let the place depend on fewer dimensions, or repeat less.
        """,
        """
        dim embed: 1..10_000_000
        network:
            return linear(linear(image, embed), 10)
        """,
        """
        dim embed: 64..512 step 64
        network:
            return linear(linear(image, embed), 10)
        """,
    ),
    Entry(
        "TSP0403",
        "no architecture meets the `require`",
        """
        The conditions of the space exclude every architecture: there is nothing to search. The message names the `require` that nothing meets,
        or says that several exclude one another. For sums such as `params()` it is reported where it can be proved at once.
        """,
        """
        dim heads: 3 | 4
        require heads > 4
        network:
            return linear(linear(image, 8 * heads), 10)
        """,
        """
        dim heads: 3 | 4 | 6
        require heads > 4
        network:
            return linear(linear(image, 8 * heads), 10)
        """,
    ),
    Entry(
        "TSP0404",
        "a gradient method on a dimension that can only be sampled",
        """
        Some dimensions have no mixture: an elastic resolution or stride, arms of `choose` of different sizes in space, a condition that
        holds for some combinations only, a shape that is right only thanks to a `require`. Sampling methods (`--optimizer spos`) search them; gradient methods refuse.
        `tanglec inspect` marks them and says why.
        """,
        "tanglec search resolution.tsp --optimizer drnas",
        "tanglec search resolution.tsp --optimizer spos",
        "console",
    ),
    Entry(
        "TSP0405",
        "a shared weight that does not fit",
        """
        A named layer used twice, `weight=table`, or entangled arms that call one operation share a weight. All uses must agree on its axes, segment by segment.
        `linear(x, vocab, weight=table, bias=false)` needs `x` as wide as the embedding `table`.
        """,
        """
        input text: ids(100, 8)
        network:
            table = embedding(100, 64)
            x = linear(mean(table(text)), 32)
            return linear(x, 100, weight=table, bias=false)
        """,
        """
        input text: ids(100, 8)
        network:
            table = embedding(100, 64)
            x = linear(mean(table(text)), 64)
            return linear(x, 100, weight=table, bias=false)
        """,
    ),
    Entry(
        "TSP0406",
        "arms that cannot be entangled",
        """
        Arms under `entangled:` share one set of weights: they call the same block or operation and give the same arguments, by position or
        name. What differs is a number, which is superposed, or a tensor of the same type, for which the block is evaluated once more. Arms that
        differ in something else (the block, a function, whether an argument is given) stand beside `entangled:` and have weights of their own.
        """,
        """
        input image: pixels(3, 32, 32)
        dim op: conv_relu | conv_gelu
        block conv_act(x, act):
            return act(conv(x, 16, kernel=3))
        network:
            x = choose op:
                entangled:
                    conv_relu: conv_act(image, relu)
                    conv_gelu: conv_act(image, gelu)
            return linear(mean(x), 10)
        """,
        """
        input image: pixels(3, 32, 32)
        dim op: conv_relu | conv_gelu
        block conv_act(x, act):
            return act(conv(x, 16, kernel=3))
        network:
            x = choose op:
                conv_relu: conv_act(image, relu)
                conv_gelu: conv_act(image, gelu)
            return linear(mean(x), 10)
        """,
    ),
)
