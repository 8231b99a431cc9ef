"""What is known of the constructors that generated code calls: names of arguments, and what an option is when left out.

Instances of one block may differ in an option that one of them leaves out. Then all give it, as a parameter of the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tanglec.ir.nodes import Constructor, Slot

# What positional arguments are, for the names of parameters; elsewhere they are widths.
_ARGUMENTS = {
    "Attend": ("heads", "head_dim"),
    "Conv": ("width", "width", "kernel"),
    "Depthwise": ("width", "kernel"),
    "DropPath": ("p",),
    "Dropout": ("p",),
    "Embedding": ("vocab", "width"),
    "Position": ("length", "width"),
    "nn.Conv2d": ("width", "width", "kernel"),
    "nn.Dropout": ("p",),
}

# What options are when they are left out, in every constructor that has them.
DEFAULTS: dict[str, Slot] = {
    "affine": True,
    "bias": True,
    "causal": False,
    "dilation": 1,
    "gain": True,
    "stride": 1,
    "track": False,
    "transform": False,
}
PADDING: dict[bool, Slot] = {True: 0, False: None}  # by whether the constructor is PyTorch's


def argument_name(make: str, place: int, parameters: Sequence[str] | None = None) -> str:
    """What a constructor calls its argument; `parameters` are those of a generated class."""
    names = _ARGUMENTS.get(make, ("width", "width")) if parameters is None else parameters
    return names[place] if place < len(names) else "size"


def required_options(make: Constructor) -> tuple[str, ...]:
    """The options that have no default here: instances that differ in them are no one class."""
    return tuple(name for name, _ in make.options if name not in DEFAULTS and name != "padding")


def aligned(makes: Sequence[Constructor]) -> list[Constructor]:
    """The same constructors with the same options, in one order: what some leave out is given its default."""
    names = list(dict.fromkeys(name for make in makes for name, _ in make.options))
    return [replace(make, options=tuple((n, _option(make, n)) for n in names)) for make in makes]


def _option(make: Constructor, name: str) -> Slot:
    default = PADDING[make.name.startswith("nn.")] if name == "padding" else DEFAULTS.get(name)
    return dict(make.options).get(name, default)
