"""A declarative compiler for neural architecture search spaces: `.tsp` files to PyTorch supernets.

import tanglec

compiled = tanglec.compile_file("vit_mini")     # a path, or the name of a shipped space
module = compiled.load()                        # Arch, Supernet, Sampler, SPACE, … (needs torch)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tanglec.version import VERSION as __version__

if TYPE_CHECKING:
    from tanglec.api import Compiled, compile_file, compile_source
    from tanglec.diagnostics import CompileError
    from tanglec.source import Source

__all__ = ["CompileError", "Compiled", "Source", "__version__", "compile_file", "compile_source"]

_HOMES = {
    "CompileError": "tanglec.diagnostics",
    "Compiled": "tanglec.api",
    "Source": "tanglec.source",
    "compile_file": "tanglec.api",
    "compile_source": "tanglec.api",
}


def __getattr__(name: str) -> Any:
    """Loads a public name where it is first used, so that `import tanglec` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module `tanglec` has no `{name}`")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
