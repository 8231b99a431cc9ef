"""Compiler and runtime read, normalise and show architectures alike; formatting a space changes nothing of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tanglec.api import compile_file, compile_source
from tanglec.architecture import show_architecture
from tanglec.diagnostics import Sink
from tanglec.library import find_space, shipped
from tanglec.source import Source
from tanglec.syntax import parse
from tanglec.syntax.unparse import unparse

OWN = [str(p) for p in sorted((Path(__file__).parents[1] / "spaces").glob("*.tsp"))]


@pytest.mark.parametrize("name", [*shipped(), *OWN], ids=lambda n: Path(n).stem)
def test_an_architecture_goes_round_through_both(name: str) -> None:
    compiled = compile_file(name)
    module = compiled.load()
    sampler = module.Sampler(seed=5)
    for _ in range(5):
        arch = sampler()
        assert show_architecture(compiled.space, compiled.architecture(arch)) == arch.to_dict()
        assert show_architecture(compiled.space, compiled.architecture(arch.to_json())) == arch.to_dict()
        assert module.Arch.from_json(arch.to_json()) == arch
        assert hash(module.Arch.from_dict(arch.to_dict())) == hash(arch)


@pytest.mark.parametrize("name", [*shipped(), *OWN], ids=lambda n: Path(n).stem)
def test_a_space_that_is_printed_from_its_tree_compiles_to_the_same_module(name: str) -> None:
    source = find_space(name)
    module = parse(source, Sink())
    assert module is not None
    again = compile_source(Source(source.path, unparse(module)))
    compiled = compile_file(name)
    texts = [c.files[f"{c.space.name}.py"] for c in (compiled, again)]
    first, second = (re.sub(r"[0-9a-f]{16,64}", "HASH", text) for text in texts)
    assert first == second
