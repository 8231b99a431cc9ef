"""TSP02xx: names, scopes, declarations and calls."""

from tanglec.codes.entry import Entry

ENTRIES = (
    Entry(
        "TSP0201",
        "unknown name",
        """
        A value is named that no dimension, param, input, parameter or earlier assignment of this file has. A
        library block sees its own file only: hand it what it needs as an argument.
        """,
        """
        dim embed: 192 | 216
        block layer(x):
            return linear(x, embd)
        """,
        """
        dim embed: 192 | 216
        block layer(x):
            return linear(x, embed)
        """,
    ),
    Entry(
        "TSP0202",
        "defined twice",
        """
        Dimensions, params and inputs of a file share one set of names; blocks, its own and the used ones, another. A block has each
        parameter once. (`dim width` and the operation `width(x)` live together: what is computed with and what is called are
        two sets of names.)
        """,
        """
        param heads = 4
        dim heads: 3 | 4
        """,
        "dim heads: 3 | 4",
    ),
    Entry(
        "TSP0203",
        "unused name",
        """
        A warning: the name is never read. An unused dimension would be searched without any effect, so it is most often a
        mistake in the line that should have used it.
        """,
        """
        input image: pixels(3, 32, 32)
        dim kernel: 3 | 5
        network:
            x = conv(image, 16, kernel=3)
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
        "TSP0204",
        "unknown operation or block",
        """
        What is called is looked up as: a parameter that holds an operation or a block, a block of this file, a block that `use`
        brought in, an operation. None has this name.
        """,
        """
        block layer(x):
            return layernorm(x)
        """,
        """
        block layer(x):
            return layer_norm(x)
        """,
    ),
    Entry(
        "TSP0205",
        "library not found, or without this name",
        """
        `use transformer: attention` looks for `lib/transformer.tsp` next to the file of the space, then for `transformer.tsp` next to
        it, then among the libraries that ship; and in it for `block attention`.
        """,
        "use transformers: attention",
        "use transformer: attention",
    ),
    Entry(
        "TSP0206",
        "a block calls itself",
        """
        Blocks do not recurse, directly or through one another, nor by a block that is handed on as an argument. Repeat a body with
        `repeat`.
        """,
        """
        block layer(x):
            return layer(linear(x, 64))
        """,
        """
        block layer(x):
            repeat 3:
                x = linear(x, 64)
            return x
        """,
    ),
    Entry(
        "TSP0207",
        "a scope that no call provides",
        """
        `dim d per layer` has one choice for every instance of block `layer`, so that `d` means something inside such an instance only: in
        `layer`, or in a block that `layer` calls. With `of cell`, the instance must lie inside one of `cell`. A `require` compares
        dimensions position by position, which takes dimensions of one scope that the network uses.
        """,
        """
        dim heads per layer: 3 | 4
        block layer(x):
            return linear(x, 64)
        network:
            return linear(linear(layer(image), 8 * heads), 10)
        """,
        """
        dim heads per layer: 3 | 4
        block layer(x):
            return linear(x, 8 * heads)
        network:
            return linear(layer(image), 10)
        """,
    ),
    Entry(
        "TSP0208",
        "a local with the name of a dimension, param or input",
        """
        A parameter or local of a block that had the name of a dimension, param or input of the same file would hide it, and a reader could
        not tell which of the two a line means.
        """,
        """
        dim ratio: 3 | 4
        block mlp(x, ratio):
            return linear(x, width(x) * ratio)
        network:
            return linear(mlp(image, 4), 10)
        """,
        """
        dim ratio: 3 | 4
        block mlp(x, hidden):
            return linear(x, hidden)
        network:
            return linear(mlp(image, 64 * ratio), 10)
        """,
    ),
    Entry(
        "TSP0209",
        "choices that are none",
        """
        A dimension chooses from two or more different values of one sort: numbers, names, or `true | false`. A single value is a
        `param`. A list for one position (`16, 24 | 32`) may hold one value where another position has more.
        """,
        "dim depth: 12 | 12",
        "dim depth: 12 | 13",
    ),
    Entry(
        "TSP0210",
        "lists and positions differ in number",
        """
        Lists separated by commas are one for each position, in order of execution. Write one list for all
        positions, or as many as there are; `tanglec inspect` shows the number.
        """,
        """
        dim out per stage: 16 | 24, 24 | 32, 32 | 40
        block stage(x):
            return linear(x, out)
        network:
            return linear(stage(stage(image)), 10)
        """,
        """
        dim out per stage: 16 | 24, 24 | 32
        block stage(x):
            return linear(x, out)
        network:
            return linear(stage(stage(image)), 10)
        """,
    ),
    Entry(
        "TSP0211",
        "a part of the space is missing, or there twice",
        """
        A space has one `space` line, at least one `input` and one `network`. A library has none of the three.
        """,
        """
        space tiny
        input image: vector(64)
        dim embed: 16 | 24
        """,
        """
        space tiny
        input image: vector(64)
        dim embed: 16 | 24
        network:
            return linear(linear(image, embed), 10)
        """,
    ),
    Entry(
        "TSP0212",
        "wrong arguments of a call",
        """
        Arguments go by position, then by name; those without a default must be given, each once. The message lists what the
        operation or block takes.
        """,
        """
        input image: pixels(3, 32, 32)
        network:
            return conv(image, 16, kernel_size=3)
        """,
        """
        input image: pixels(3, 32, 32)
        network:
            return conv(image, 16, kernel=3)
        """,
    ),
    Entry(
        "TSP0213",
        "an argument of the wrong sort",
        """
        An argument is a tensor, a number, a truth value, a name, an operation or a block, and the parameter wants another
        sort than it is given.
        """,
        """
        block layer(x):
            return linear(x, x)
        """,
        """
        block layer(x):
            return linear(x, width(x))
        """,
    ),
    Entry(
        "TSP0214",
        "unknown param, or a value that it cannot have",
        """
        `--param name=value` sets a `param` of the space. The value must be of the sort of the default: a number, a truth value or
        a name.
        """,
        "tanglec compile spaces/vit_mini.tsp --param class=10",
        "tanglec compile spaces/vit_mini.tsp --param classes=10",
        "console",
    ),
    Entry(
        "TSP0215",
        "a wrong `return`",
        """
        Every way through a block or the network ends in one `return`, with as many values on each; nothing may follow
        it, and a `repeat` cannot be left early.
        """,
        """
        block layer(x):
            x = relu(x)
        """,
        """
        block layer(x):
            x = relu(x)
            return x
        """,
    ),
    Entry(
        "TSP0216",
        "values and targets differ in number",
        "`a, b = …` takes as many values as there are names; where one value is needed, a call must return one.",
        """
        network:
            a, b = image
            return a
        """,
        """
        network:
            a, b = image, image
            return a + b
        """,
    ),
    Entry(
        "TSP0217",
        "an input read inside a block",
        """
        Only the network reads the inputs. A block gets its tensors as arguments, so that it can be used again and what flows into it
        can be seen.
        """,
        """
        input image: pixels(3, 32, 32)
        block stem(out):
            return conv(image, out, kernel=3)
        network:
            return stem(16)
        """,
        """
        input image: pixels(3, 32, 32)
        block stem(x, out):
            return conv(x, out, kernel=3)
        network:
            return stem(image, 16)
        """,
    ),
    Entry(
        "TSP0218",
        "labels and arms of `choose`",
        """
        `choose d:` has one arm for every label of dimension `d`, and no other arms. `d` is a dimension, or a constant, which settles the
        choice; it is not computed from a dimension. Where `d` has one list for each position, a position uses the arms that it has labels for.
        The arms are all tensors, or all numbers.
        """,
        """
        input image: pixels(3, 32, 32)
        dim op: skip | conv_3x3 | max_pool
        network:
            x = choose op:
                skip: image
                conv_3x3: conv(image, 3, kernel=3)
            return linear(mean(x), 10)
        """,
        """
        input image: pixels(3, 32, 32)
        dim op: skip | conv_3x3 | max_pool
        network:
            x = choose op:
                skip: image
                conv_3x3: conv(image, 3, kernel=3)
                max_pool: max_pool(image, kernel=3)
            return linear(mean(x), 10)
        """,
    ),
    Entry(
        "TSP0219",
        "arguments of `dag`",
        """
        `dag(inputs, nodes=n, edge=block, node=block, input_stride=1, keep=none, shared=[])`: `inputs` is a list of tensors, `nodes` a whole
        number, `edge` a block of one tensor (and of one layer more for each that is `shared`) that returns one tensor, `node` a
        block that is given the sum. `input_stride` is handed to the edges from the inputs as `stride`. `keep` is at most the number of
        inputs, for the first node has no other edges.
        """,
        """
        input image: pixels(3, 32, 32)
        block edge(x):
            return relu(x)
        network:
            nodes = dag([image], nodes=2, edge=edge, keep=2)
            return linear(mean(nodes[2]), 10)
        """,
        """
        input image: pixels(3, 32, 32)
        block edge(x):
            return relu(x)
        network:
            nodes = dag([image, image], nodes=2, edge=edge, keep=2)
            return linear(mean(nodes[3]), 10)
        """,
    ),
    Entry(
        "TSP0220",
        "arguments of `scan`",
        """
        `scan(block, xs, init)` goes over the tokens `xs`. The block is called with one token and the state, both vectors, and returns the next
        state, or an output and the next state. `init` is the first state: a vector, or a number for zeros of that width.
        """,
        """
        input words: tokens(16, 8)
        block cell(x):
            return tanh(linear(x, 32))
        network:
            return linear(mean(scan(cell, words, 32)), 10)
        """,
        """
        input words: tokens(16, 8)
        block cell(x, h):
            return tanh(linear(x, 32) + linear(h, 32))
        network:
            return linear(mean(scan(cell, words, 32)), 10)
        """,
    ),
    Entry(
        "TSP0221",
        "a notation that cannot hold a dimension",
        """
        A key of a `notation` that stands for `[several, dimensions]` is a list with one entry for each. A dimension that is chosen at many
        positions does not fit into one entry: give it a key of its own.
        """,
        """
        dim c1: 8 | 16
        dim times per layer: 3 | 5
        notation paper: sizes=[c1, times]
        block layer(x):
            return linear(x, times * width(x))
        network:
            return linear(layer(linear(image, c1)), 10)
        """,
        """
        dim c1: 8 | 16
        dim times per layer: 3 | 5
        notation paper: sizes=[c1], times=times
        block layer(x):
            return linear(x, times * width(x))
        network:
            return linear(layer(linear(image, c1)), 10)
        """,
    ),
)
