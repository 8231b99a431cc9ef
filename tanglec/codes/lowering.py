"""TSP05xx: how mixtures are computed."""

from tanglec.codes.entry import Entry

ENTRIES = (
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
