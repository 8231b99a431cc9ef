"""Elementwise functions and dropout: applied once, without a gain (rule 2)."""

from __future__ import annotations

from dataclasses import replace

from tanglec.ir.nodes import Code, Constructor
from tanglec.ops.registry import Bound, Inferred, operation, plain_number, same

# Name, PyTorch's expression, and whether it maps zero to zero (what decides on the padding).
_FUNCTIONS = {
    "relu": ("F.relu({0})", True),
    "relu6": ("F.relu6({0})", True),
    "gelu": ("F.gelu({0})", True),
    "gelu_tanh": ('F.gelu({0}, approximate="tanh")', True),
    "silu": ("F.silu({0})", True),
    "swish": ("F.silu({0})", True),
    "hard_swish": ("F.hardswish({0})", True),
    "hard_sigmoid": ("F.hardsigmoid({0})", False),
    "leaky_relu": ("F.leaky_relu({0})", True),
    "elu": ("F.elu({0})", True),
    "tanh": ("torch.tanh({0})", True),
    "sigmoid": ("torch.sigmoid({0})", False),
    "softplus": ("F.softplus({0})", False),
    "square": ("torch.square({0})", True),
    "identity": ("{0}", True),
}


def _elementwise(text: str, keeps_zero: bool) -> object:
    def infer(call: Bound) -> Inferred:
        x = call["x"].type
        padding = x.padding if keeps_zero else "anything"
        return Inferred(replace(x, padding=padding), **same(text), lowerings=("once",))

    return infer


for _name, (_text, _keeps_zero) in _FUNCTIONS.items():
    _infer = _elementwise(_text, _keeps_zero)
    _infer.__doc__ = f"Elementwise `{_text.format('x')}`."
    operation(_name, "x: tensor")(_infer)  # type: ignore[arg-type]


def _check_probability(call: Bound) -> None:
    if not 0 <= call["p"] < 1:
        title = f"`p` of `{call.op.name}` is a probability, from 0 up to 1"
        raise call.error("TSP0213", title, "p", f"this is {plain_number(call['p'])}")


@operation("dropout", "x: tensor, p: number")
def dropout(call: Bound) -> Inferred:
    """Dropout of single numbers with probability `p` while training."""
    _check_probability(call)
    p = plain_number(call["p"])
    supernet, plain = (Code("{layer}({0})", Constructor(name, (p,))) for name in ("Dropout", "nn.Dropout"))
    return Inferred(call["x"].type, supernet, plain, lowerings=("once",))


@operation("drop_path", "x: tensor, p: number")
def drop_path(call: Bound) -> Inferred:
    """Stochastic depth: the whole branch is dropped for a sample with probability `p` while training (Huang et al. 2016)."""
    _check_probability(call)
    make = Constructor("DropPath", (plain_number(call["p"]),))
    return Inferred(
        call["x"].type,
        Code("{layer}({0})", make),
        Code("{layer}({0})", make, support="drop_path"),
        lowerings=("once",),
    )
