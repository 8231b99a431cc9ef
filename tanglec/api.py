"""The compiler as a library: `compile_file(path)` and what a compiled space can do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tanglec.architecture import read_architecture
from tanglec.codegen.emit import emit, emit_standalone
from tanglec.diagnostics import CompileError, Diagnostic, Sink
from tanglec.driver import Options, analyse
from tanglec.ir.extents import Position, Scalar
from tanglec.ir.nodes import Space
from tanglec.library import find_space, libraries_for
from tanglec.passes.cost import Costs, costs
from tanglec.source import Source

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class Compiled:
    """A space that compiled. `files` is what `tanglec compile` writes, by file name; `warnings` are its diagnostics."""

    space: Space
    source: Source
    warnings: tuple[Diagnostic, ...]

    @cached_property
    def files(self) -> dict[str, str]:
        """Generated text by file name."""
        return {f"{self.space.name}.py": emit(self.space)}

    def load(self) -> ModuleType:
        """The generated module, executed (needs torch); `Supernet`, `Arch`, `Sampler`, `SPACE` and the rest are in it."""
        return _execute(f"tanglec_generated_{self.space.name}", self.files[f"{self.space.name}.py"])

    def architecture(self, arch: Any) -> dict[Position, Scalar]:
        """An architecture (a generated `Arch`, a mapping, text in JSON or a notation of the space) as a choice for every position.

        Raises:
            CompileError: the architecture is not of this space.
        """
        sink = Sink()
        given = arch.to_dict() if hasattr(arch, "to_dict") else arch
        assignment = read_architecture(given, self.space, sink)
        sink.check()
        assert assignment is not None
        return assignment

    def costs(self, arch: Any) -> Costs:
        """Parameters and multiply-adds of one architecture."""
        return costs(self.space, self.architecture(arch))

    def derive_source(self, arch: Any) -> str:
        """The text of a stand-alone module of one architecture: plain torch, no import of ours."""
        return emit_standalone(self.space, self.architecture(arch))

    def derive(self, arch: Any) -> nn.Module:
        """The stand-alone network; give it the supernet's weights by `load_state_dict(supernet.export(arch, keys))`."""
        module = _execute(f"tanglec_derived_{self.space.name}", self.derive_source(arch))
        network: nn.Module = module.Network()
        return network


def _execute(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    sys.modules[name] = module  # dataclasses look their module up
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return module


def compile_source(
    source: Source,
    *,
    params: Mapping[str, Scalar] | None = None,
    lowering: str = "auto",
    sharing: str = "entangled",
    group_weight: str = "outside",
) -> Compiled:
    """Compile a text. Raises `CompileError` with every diagnostic."""
    sink = Sink()
    options = Options(params or {}, lowering, sharing, group_weight)
    space = analyse(source, libraries_for(Path(source.path)), options, sink)
    if space is None:
        raise CompileError(sink.diagnostics)
    return Compiled(space, source, tuple(sink.diagnostics))


def compile_file(
    path: str | Path,
    *,
    params: Mapping[str, Scalar] | None = None,
    lowering: str = "auto",
    sharing: str = "entangled",
    group_weight: str = "outside",
) -> Compiled:
    """Compile a `.tsp` file, or a shipped space by its name.

    Args:
        path: the file, or the name of a shipped space such as `vit_mini`.
        params: values for `param`s of the file.
        lowering: "auto", or "loop" to mix everything by its definition.
        sharing: "entangled", or "separate" for plain weight sharing: every arm of a `choose` has its own weights.
        group_weight: "outside", or "inside" to put the probability of entangled arms into their kernels.

    Raises:
        CompileError: the file has errors, or cannot be read; carries every diagnostic.
    """
    return compile_source(
        find_space(path), params=params, lowering=lowering, sharing=sharing, group_weight=group_weight
    )
