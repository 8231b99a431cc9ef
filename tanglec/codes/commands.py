"""TSP09xx: the command line, files and architectures."""

from tanglec.codes.entry import Entry

ENTRIES = (
    Entry(
        "TSP0901",
        "a file that cannot be read",
        """
        There is no file of this name, it is a directory, its permissions forbid reading, or it is not text in UTF-8.
        Paths are relative to the current directory; a shipped space may be given by its name alone.
        """,
        "tanglec check space/vit_mini.tsp",
        "tanglec check spaces/vit_mini.tsp",
        "console",
    ),
    Entry(
        "TSP0902",
        "output that cannot be written",
        """
        The directory cannot be made or written, or the disk is full. Files are written under a temporary name and renamed
        when complete, so that whatever was there before is untouched.
        """,
        "tanglec compile spaces/vit_mini.tsp -o /proc",
        "tanglec compile spaces/vit_mini.tsp -o generated",
        "console",
    ),
    Entry(
        "TSP0903",
        "an architecture lacks a choice",
        """
        An architecture gives every dimension a choice: a scalar, or a list with one entry for each position, in order of
        execution. Entries of absent positions (layers beyond the depth) may be `null`, and such a list may end at the depth.
        A cell in a notation of the field names all of its edges, or as many for each node as the space keeps.
        """,
        '{"embed": 192, "heads": [3, 4]}',
        '{"embed": 192, "depth": 2, "heads": [3, 4]}',
        "json",
    ),
    Entry(
        "TSP0904",
        "an architecture has a key too many",
        """
        The space has no dimension of this name, and none of its `notation`s has such a key. Keys of a genotype are the names of the
        cells, each with `_concat` beside it.
        """,
        '{"embed": 192, "depth": 2, "head": 3}',
        '{"embed": 192, "depth": 2}',
        "json",
    ),
    Entry(
        "TSP0905",
        "an illegal choice",
        """
        The value is not among the choices of its dimension, or a list has more entries than the dimension has
        positions. `tanglec inspect` lists both. In a cell: the node has no edge from there, or has it twice, or the result of
        the cell is made of other nodes than its `concat` says.
        """,
        '{"embed": 200, "depth": 12}',
        '{"embed": 216, "depth": 12}',
        "json",
    ),
    Entry(
        "TSP0906",
        "not an architecture",
        """
        An architecture is one object in JSON (or as Python prints it), or a text in a notation of the field that the space has, such
        as `Genotype(normal=[('skip_connect', 0), …])` for cells. The text is none of these, or a value has the wrong
        shape: different values where the dimension has one choice, a scalar where it has several positions.
        """,
        "[192, 12, 3]",
        '{"embed": 192, "depth": 12, "heads": [3, 3]}',
        "json",
    ),
    Entry(
        "TSP0907",
        "an architecture violates a `require`",
        """
        Every choice is legal by itself, but their combination is excluded by a `require` of the space, shown in the message. Sampling
        and search never make such an architecture. With `require heads % kv_heads == 0`:
        """,
        '{"heads": 6, "kv_heads": 4}',
        '{"heads": 8, "kv_heads": 4}',
        "json",
    ),
    Entry(
        "TSP0908",
        "data that cannot be read",
        """
        The data path is not there, or holds none of the known forms: a folder of idx files (MNIST, Fashion-MNIST), a folder of
        images by class, a text file, an `.npz` file. Nothing is downloaded. The data that ships goes by its name.
        """,
        "tanglec search spaces/vit_mini.tsp --data fashion.zip",
        "tanglec search spaces/vit_mini.tsp --data path/to/fashion",
        "console",
    ),
    Entry(
        "TSP0909",
        "a checkpoint of another space",
        """
        A run can be resumed, and an architecture derived from it, only with the space that it was started with: the hash of
        source and params in the checkpoint differs. Go back to that source, or start a new run.
        """,
        "tanglec search spaces/gpt_mini.tsp --out runs/vit --resume",
        "tanglec search spaces/vit_mini.tsp --out runs/vit --resume",
        "console",
    ),
    Entry(
        "TSP0910",
        "a broken checkpoint",
        """
        The checkpoint cannot be read: the file was cut short or changed, or is none of ours. Checkpoints are written under a temporary name
        and renamed when complete, so that an interrupted run does not leave such a file; a copy may have been cut short.
        """,
        "tanglec derive runs/half_copied -o model.py",
        "tanglec derive runs/vit -o model.py",
        "console",
    ),
    Entry(
        "TSP0911",
        "a run directory that is there already, or is none",
        """
        `search --out DIR` starts in a new or empty directory and never overwrites a run; `--resume` and `derive` need one that
        `search` has made.
        """,
        "tanglec search spaces/vit_mini.tsp --out runs/vit",
        "tanglec search spaces/vit_mini.tsp --out runs/vit --resume",
        "console",
    ),
    Entry(
        "TSP0912",
        "a library is not installed",
        """
        Checking, inspecting and compiling work without PyTorch; training and deriving with weights need it. Some options need an extra:
        `tanglec[pareto]` for `--strategy nsga2`, `tanglec[report]` for pages, `tanglec[tensorboard]`, `tanglec[images]`.
        """,
        "tanglec search spaces/vit_mini.tsp",
        "pip install torch && tanglec search spaces/vit_mini.tsp",
        "console",
    ),
    Entry(
        "TSP0913",
        "no shipped space of this name",
        "A name without a path or ending is looked up among the spaces that ship; `tanglec spaces` lists them.",
        "tanglec inspect autoformer",
        "tanglec inspect autoformer_t",
        "console",
    ),
    Entry(
        "TSP0914",
        "a generated file is out of date",
        """
        With `--check`, `compile` writes nothing and compares: the file is not what this compiler makes of this source with
        these options. `--diff` shows the difference.
        """,
        "tanglec compile spaces/vit_mini.tsp --check",
        "tanglec compile spaces/vit_mini.tsp && tanglec compile spaces/vit_mini.tsp --check",
        "console",
    ),
    Entry(
        "TSP0915",
        "a bad value of an option",
        "The value is not of the form that the option takes. `--help` shows each option with an example.",
        "tanglec search spaces/vit_mini.tsp --epochs -1",
        "tanglec search spaces/vit_mini.tsp --epochs 10",
        "console",
    ),
    Entry(
        "TSP0916",
        "data that does not fit the space's input",
        """
        Images have another size or number of channels than the `input` of the space, the data has more classes than
        the network has outputs, or the text more characters than the vocabulary. Set the params of the space.
        """,
        "tanglec search spaces/vit_mini.tsp --data path/to/cifar10",
        "tanglec search spaces/vit_mini.tsp --data path/to/fashion",
        "console",
    ),
    Entry(
        "TSP0917",
        "training diverged",
        """
        The loss became infinite or not a number; the message names batch and step. The last checkpoint is kept. Lower
        the learning rate, and look at the data if it happens in the first steps.
        """,
        "tanglec search vit_mini --lr 100",
        "tanglec search vit_mini --lr 0.003",
        "console",
    ),
    Entry(
        "TSP0918",
        "no task for what the network gives",
        """
        Searches train classification (`vector(classes)`) and language models (`ids(vocab, L)` to `tokens(L, vocab)`). The
        network of this space returns something else: `compile` it and train it with a loop of your own.
        """,
        "tanglec search segmentation.tsp",
        "tanglec compile segmentation.tsp",
        "console",
    ),
    Entry(
        "TSP0919",
        "a recipe that is not there, or cannot be read",
        """
        Recipes stand in a TOML file beside the space, one table each: `vit_mini.toml` has those of `vit_mini.tsp`. `--recipe` takes the
        name of one, or `FILE.toml:NAME`; `tanglec recipes SPACE` lists them. A recipe may extend another one of its file.
        """,
        "tanglec search vit_mini --recipe drsan",
        "tanglec search vit_mini --recipe drnas",
        "console",
    ),
    Entry(
        "TSP0920",
        "runs of a comparison failed",
        """
        `tanglec compare` starts every run as a command of its own; what they say is in the logs beside their folders. All others have run,
        and are not run again: mend the cause and type the same command.
        """,
        "tanglec compare vit_mini --methods drnas,dart",
        "tanglec compare vit_mini --methods drnas,darts",
        "console",
    ),
    Entry(
        "TSP0921",
        "a table of latencies that does not fit",
        """
        `--latency` takes a CSV of milliseconds that add up: a column for every dimension, `position` for the layer, `latency`. An empty
        cell does not matter, `heads[2]` is one position. The message names file and line: a choice that the space has
        not, a row that never counts, choices that no row covers.
        """,
        "tanglec search vit_mini --optimizer spos --latency empty.csv",
        "tanglec search vit_mini --optimizer spos --latency phone.csv",
        "console",
    ),
    Entry(
        "TSP0922",
        "processes that do not work together",
        """
        Under `torchrun` every process takes its share of each batch, and all must hold the same weights and architecture parameters. One of
        them has gone, or holds others. The last checkpoint is good: resume from it, with as many processes.
        """,
        "torchrun --standalone --nproc-per-node 4 -m tanglec search vit_mini --resume",
        "torchrun --standalone --nproc-per-node 2 -m tanglec search vit_mini --resume",
        "console",
    ),
)
