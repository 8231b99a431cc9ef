"""The stages of compilation, in order.

text     --parse-->      ast.Module      what was written
Module   --resolve-->    FileScope       its names, and the libraries that it uses
Scope    --elaborate-->  Space           unrolled operations with symbolic types
Space    --passes-->     Space           gains, lowerings (see `tanglec.passes.PASSES`)
Space    --emit-->       dict[path, text]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tanglec.diagnostics import Sink
from tanglec.ir.extents import Scalar, show_scalar
from tanglec.ir.nodes import Space
from tanglec.passes import PASSES
from tanglec.passes.elaborate import elaborate
from tanglec.passes.names import Libraries, resolve
from tanglec.record import record
from tanglec.source import Source
from tanglec.syntax.parser import parse


@record()
class Options:
    """What a user may say besides the file. `params` override those of the file.

    sharing: "entangled", or "separate" for plain weight sharing: every arm of a `choose` has weights of its own.
    group_weight: where the probability of an entangled group goes, "outside" on its value, or "inside" into its kernels, as
        the reference implementation of TangleNAS has it (a batch norm behind the kernel then cancels it).
    """

    params: Mapping[str, Scalar]
    lowering: str = "auto"
    sharing: str = "entangled"
    group_weight: str = "outside"


# Errors in names after which walking the network would tell nothing new, or never end.
_BEYOND_REPAIR = ("TSP0202", "TSP0205", "TSP0206", "TSP0207", "TSP0211")


def analyse(source: Source, libraries: Libraries, options: Options, sink: Sink) -> Space | None:
    """Everything up to code; None where there are errors, which are then in the sink."""
    module = parse(source, sink)
    if module is None or sink.failed:
        return None
    read: dict[str, str] = {}

    def library(name: str) -> Source | None:
        found = libraries(name)
        if found is not None:
            read[name] = found.text
        return found

    scope = resolve(module, source, library, parse, sink)
    if any(d.code in _BEYOND_REPAIR for d in sink.diagnostics):
        return None
    sha256 = hashlib.sha256(source.text.encode()).hexdigest()
    space = elaborate(scope, options.params, sha256, sink, options.sharing, options.group_weight)
    if space is not None:
        space = replace(space, fingerprint=_fingerprint(space, [source.text, *read.values()], options))
    for _, run in PASSES:
        if space is None or sink.failed:
            return None
        space = run(space, sink, options.lowering)
    return None if sink.failed else space


def _fingerprint(space: Space, texts: Sequence[str], options: Options) -> str:
    """What weights belong to: the text, the libraries that it uses, the values of params, and how weights are shared."""
    params = [f"{name}={show_scalar(value)}" for name, value in space.params.items()]
    if options.sharing != "entangled":
        params.append(f"sharing {options.sharing}")
    return hashlib.sha256("\0".join([*texts, *params]).encode()).hexdigest()
