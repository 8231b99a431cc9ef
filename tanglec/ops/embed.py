"""Embeddings, positions and class tokens."""

from __future__ import annotations

from dataclasses import replace

from tanglec.ir import extents as ex
from tanglec.ir.nodes import Code, Constructor, Weight
from tanglec.ir.types import TensorType, axis
from tanglec.ops.registry import Bound, Inferred, operation


@operation("embedding", "x: ids?, vocab: whole, width: size")
def embedding(call: Bound) -> Inferred:
    """A table of `vocab` rows, usually named and then applied: `table = embedding(vocab, width)`, `table(ids)`."""
    width, vocab = call["width"], ex.const(call["vocab"])
    result = None
    if call["x"] is not None:
        ids = call["x"].type
        message = f"a table of {call['vocab']} rows is read with ids of a vocabulary of {ex.show(ids.features.width)}"
        call.check.hold(ex.apply("<=", ids.features.width, vocab), "TSP0301", message, call.span)
        result = TensorType("tokens", width, ids.sizes)
    return Inferred(
        result,
        Code("{layer}({0}, at)", Constructor("Embedding", (call["vocab"], width))),
        Code("{layer}({0})", Constructor("nn.Embedding", (call["vocab"], width))),
        weights=(Weight("weight", (axis(vocab), width), out=1),),
        shape_comment=True,
    )


@operation("position", "x: tokens")
def position(call: Bound) -> Inferred:
    """A learned vector for every token, to be added: `x += position(x)`."""
    x = call["x"].type
    length = _length(call, x)
    make = Constructor("Position", (length, x.features))
    return Inferred(
        TensorType("tokens", x.features, x.sizes, x.grid),
        Code("{layer}({0}, at)", make),
        Code("{layer}({0})", make, support="position"),
        weights=(Weight("weight", (axis(ex.const(length)), x.features), out=1),),
    )


def _length(call: Bound, x: TensorType) -> int:
    if not x.sizes[0].is_constant:
        raise call.error(
            "TSP0309", "learned positions need a fixed number of tokens", "x", f"{ex.show(x.sizes[0])} tokens"
        )
    return int(ex.number(x.sizes[0].constant))


@operation("prepend_token", "x: tokens")
def prepend_token(call: Bound) -> Inferred:
    """A learned token in front of the others (the class token)."""
    x = call["x"].type
    make = Constructor("Token", (x.features,))
    grid = None if x.grid is None else replace(x.grid, prefix=x.grid.prefix + 1)
    return Inferred(
        TensorType("tokens", x.features, (ex.apply("+", x.sizes[0], ex.const(1)),), grid, padding=x.padding),
        Code("{layer}({0}, at)", make),
        Code("{layer}({0})", make, support="token"),
        weights=(Weight("weight", (axis(ex.const(1)), x.features), out=1),),
        shape_comment=True,
    )
