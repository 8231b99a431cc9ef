"""TSP04xx: which weights are shared by which choices."""

from tanglec.codes.entry import Entry

ENTRIES = (
    Entry(
        "TSP0401",
        "choices that cannot be nested",
        """
        Choices share one weight of the largest size: each takes its leading part along widths and its centred part
        along kernels. Odd kernels nest in odd ones and even in even, but a centred 3x3 part of a 4x4 kernel does not exist.
        """,
        "dim kernel per layer: 3 | 4 | 5",
        "dim kernel per layer: 3 | 5 | 7",
    ),
    Entry(
        "TSP0402",
        "too many joint choices to look at",
        """
        Sizes are compared, and mixtures computed, by going through all joint choices of the dimensions that they
        depend on. Here this number is too large. Give a range a larger `step`, share a choice between more places, or round
        a width to a common multiple.
        """,
        "dim width: 1..10_000_000",
        "dim width: 64..512 step 64",
    ),
    Entry(
        "TSP0403",
        "no architecture meets the `require`",
        "The conditions of the space exclude every combination of choices: there is nothing to search.",
        """
        dim heads: 3 | 4
        require heads > 4
        """,
        """
        dim heads: 3 | 4 | 6
        require heads > 3
        """,
    ),
    Entry(
        "TSP0404",
        "a gradient method on a dimension that can only be sampled",
        """
        Some dimensions have no mixture: an elastic resolution or stride, a condition that holds for some combinations only, a
        shape that is right only thanks to a `require`. Sampling methods (`--optimizer spos`) search them; gradient methods refuse.
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
        A named layer used twice, or `weight=table`, shares one weight. All uses must agree on its axes, segment by segment.
        `linear(x, vocab, weight=table, bias=false)` needs `x` as wide as the embedding `table`.
        """,
        """
        network:
            table = embedding(vocab, 64)
            x = linear(mean(table(text)), 32)
            return linear(x, vocab, weight=table, bias=false)
        """,
        """
        network:
            table = embedding(vocab, 64)
            x = linear(mean(table(text)), 64)
            return linear(x, vocab, weight=table, bias=false)
        """,
    ),
)
