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
        dim op per edge: conv_3x3 | conv_5x5
        block edge(x):
            return choose op:
                conv_3x3: conv(x, width(x), kernel=3)
                conv_5x5: conv(x, width(x), kernel=5)
        """,
        """
        dim kernel per edge: 3 | 5
        block edge(x):
            return conv(x, width(x), kernel=kernel)
        """,
    ),
    Entry(
        "TSP0502",
        "cannot be mixed",
        """
        This operation has no closed form for what varies in it. Its mixture would be evaluated once for each joint choice, and
        either there are too many or its result would not have one layout. Fix what the message names, or let it depend on fewer
        dimensions.
        """,
        """
        block layer(x):
            return attention(x, heads=heads, head_dim=width(x) / heads)
        """,
        """
        block layer(x):
            return attention(x, heads=heads, head_dim=64)
        """,
    ),
)
