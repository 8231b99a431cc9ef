"""TSP05xx: how mixtures are computed."""

from tanglec.codes.entry import Entry

ENTRIES = (
    Entry(
        "TSP0501",
        "not supported yet",
        """
        The language has this construct and this version of the compiler does not: it parses, and nothing behind
        the parser knows it. At present these are `choose` (with `entangled`), `dag` and `scan`. Choose by
        a number, such as a kernel size or a width, where that says the same.
        """,
        """
        input image: pixels(3, 32, 32)
        dim op: conv_3x3 | conv_5x5
        network:
            x = choose op:
                conv_3x3: conv(image, 16, kernel=3)
                conv_5x5: conv(image, 16, kernel=5)
            return linear(mean(x), 10)
        """,
        """
        input image: pixels(3, 32, 32)
        dim kernel: 3 | 5
        network:
            x = conv(image, 16, kernel=kernel)
            return linear(mean(x), 10)
        """,
    ),
    Entry(
        "TSP0502",
        "cannot be mixed",
        """
        This operation has no closed form for what varies in it. Its mixture would be evaluated once for each joint choice, and either there
        are too many or its result would not have one layout. Fix what the message names, or let it depend on fewer dimensions.
        """,
        """
        input words: tokens(16, 8)
        dim hidden per layer: 64..512 step 64
        block layer(x):
            return linear(x, hidden)
        network:
            x = concat(layer(words), layer(words), layer(words), layer(words))
            return linear(mean(softmax(x)), 10)
        """,
        """
        input words: tokens(16, 8)
        dim hidden per layer: 64..512 step 64
        block layer(x):
            return linear(x, hidden)
        network:
            x = concat(layer(words), layer(words), layer(words), layer(words))
            return linear(mean(softmax(linear(x, 256))), 10)
        """,
    ),
)
