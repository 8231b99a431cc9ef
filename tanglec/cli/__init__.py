"""The command line, one file a command."""

import gc

# A command builds many objects that live to its end; looking for garbage among them is a twentieth of a short run.
gc.set_threshold(50_000)
