"""TSP01xx: the text is not in the language."""

from tanglec.codes.entry import Entry

ENTRIES = (
    Entry(
        "TSP0101",
        "unexpected text",
        """
        The text stops being in the language here. The message says what could have followed. After an error the
        compiler goes on with the next declaration, so that one run reports an error for each declaration.
        """,
        """
        block layer(x)
            return x
        """,
        """
        block layer(x):
            return x
        """,
    ),
    Entry(
        "TSP0102",
        "a character that the language does not use",
        """
        Outside of comments and of the title, a file holds letters of the English alphabet, digits, `_` and
        the signs `( ) [ ] : , | = + - * / % < > ! .`.
        """,
        "dim width: 16 @ 24",
        "dim width: 16 | 24",
    ),
    Entry(
        "TSP0103",
        "wrong indentation",
        """
        The body of a `block`, `network`, `repeat`, `if`, `else`, `choose` or `entangled` is indented further than the
        line that opens it, each of its lines alike. Nothing else is indented, except the second line of a
        list that goes on after `,` or `|`, or inside brackets.
        """,
        """
        block layer(x):
        return x
        """,
        """
        block layer(x):
            return x
        """,
    ),
    Entry(
        "TSP0104",
        "a tab in the indentation",
        """
        Indentation decides what belongs to what, and a tab is as wide as each editor likes. Indent by spaces, four
        for each level.
        """,
        "block layer(x):\n\treturn x",
        "block layer(x):\n    return x",
    ),
    Entry(
        "TSP0105",
        "brackets that do not match",
        "Every `(` needs its `)` and every `[` its `]`, in the same declaration.",
        """
        input image: pixels(3, 224, 224
        dim embed: 192 | 216
        """,
        """
        input image: pixels(3, 224, 224)
        dim embed: 192 | 216
        """,
    ),
    Entry(
        "TSP0106",
        "a word of Python that is not in the language",
        """
        A space has no functions, classes, loops over lists or exceptions: it has `block`, `repeat n:`, `repeat n as i:`,
        `if` and `else`, `use` and `require`. Python's words are no names either, because generated code is Python.
        """,
        """
        network:
            for i in range(3):
                x = layer(x)
            return x
        """,
        """
        network:
            repeat 3 as i:
                x = layer(x)
            return x
        """,
    ),
    Entry(
        "TSP0107",
        "`None`, `True` or `False`",
        "The language writes them `none`, `true` and `false`.",
        "param bias = True",
        "param bias = true",
    ),
    Entry(
        "TSP0108",
        "a sign of another language",
        """
        `**`, `&&`, `||`, `!`, `? :`, `->`, `:=`, `;` and type annotations are not in the language. Conditions are joined
        by `and`, `or` and `not`; a choice by condition is `a if c else b`; types are inferred.
        """,
        "require heads > 2 && heads < 8",
        "require heads > 2 and heads < 8",
    ),
    Entry(
        "TSP0109",
        "comparisons do not chain",
        "A comparison has two sides. Join two of them by `and`.",
        "require 2 < heads < 8",
        "require 2 < heads and heads < 8",
    ),
    Entry(
        "TSP0110",
        "`=` where values are compared, or `==` where a name gets its value",
        "`=` gives a name its value, on a line of its own. `==` compares.",
        """
        block layer(x, stride):
            return x if stride = 1 else pool(x)
        """,
        """
        block layer(x, stride):
            return x if stride == 1 else pool(x)
        """,
    ),
    Entry(
        "TSP0111",
        "a slice written with `:`",
        """
        `x[1..]` is everything from index 1, `x[..3]` the first three, `x[1..3]` the indices 1 and 2, and `x[0]` the first.
        Indices select along the tokens, or in a list. There is one index, whatever the other axes.
        """,
        """
        block head(x):
            return mean(x[1:])
        """,
        """
        block head(x):
            return mean(x[1..])
        """,
    ),
    Entry(
        "TSP0112",
        "a text in quotes",
        """
        Only the title of a space is a text, in double quotes. Operations and choices are names and stand without
        quotes.
        """,
        """
        block layer(x):
            return mlp(x, act='gelu')
        """,
        """
        block layer(x):
            return mlp(x, act=gelu)
        """,
    ),
    Entry(
        "TSP0113",
        "a dot",
        """
        Values have no attributes or methods, and operations have no modules: an operation is a name, and what it works
        on is its first argument. The widths of inputs are inferred.
        """,
        """
        block layer(x):
            return nn.Linear(64, 128)(x)
        """,
        """
        block layer(x):
            return linear(x, 128)
        """,
    ),
    Entry(
        "TSP0114",
        "a dimension in another form",
        """
        A dimension is `dim name: choice | choice`, or a range `128..512 step 64` whose end is included. It may
        say where its choice is shared, `per B` or `per B of C`, and may give one list for each position, separated by
        commas.
        """,
        "dim heads = [3, 4]",
        "dim heads: 3 | 4",
    ),
    Entry(
        "TSP0115",
        "a declaration or statement in the wrong place",
        """
        `space`, `use`, `param`, `input`, `dim`, `require`, `block` and `network` stand at the left margin; all other lines
        belong to the body of a `block` or the `network`. A constant of the file is a `param`.
        """,
        "classes = 10",
        "param classes = 10",
    ),
    Entry(
        "TSP0116",
        "a number or name in another form",
        """
        A number is written `3`, `3.5`, `1_000` or `1e-3`, with digits on both sides of the point and at most 40 of
        them. A name begins with a letter or `_` and goes on with letters, digits and `_`.
        """,
        "dim op: 1x1 | 3x3",
        "dim op: conv_1x1 | conv_3x3",
    ),
    Entry(
        "TSP0117",
        "nested too deep",
        "Blocks and expressions may lie 100 deep in one another. Give the inner parts names.",
        f"param a = {'-' * 100}1",
        "param a = 1",
    ),
    Entry(
        "TSP0118",
        "`choose` inside an expression",
        """
        `choose` has arms on lines of their own, so that it stands alone after `return`, `y =` or `y +=`. What else is to be
        done with its value uses the name.
        """,
        """
        block edge(x):
            return batch_norm(choose op:
                skip: x)
        """,
        """
        block edge(x):
            y = choose op:
                skip: x
            return batch_norm(y)
        """,
    ),
    Entry(
        "TSP0119",
        "a call alone does nothing",
        """
        Values are immutable, and a call has no effect but its value. Give the value a name (the same name, if you like)
        or return it.
        """,
        """
        block layer(x):
            relu(x)
            return x
        """,
        """
        block layer(x):
            x = relu(x)
            return x
        """,
    ),
)
