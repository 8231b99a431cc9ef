"""Generated files as text. Bytes depend only on the space (its source, params and lowering) and the compiler's version."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from tanglec.architecture import show_architecture
from tanglec.codegen.assembly import Class
from tanglec.codegen.body import Dialect
from tanglec.codegen.classes import Classes
from tanglec.codegen.inline import inlined
from tanglec.codegen.layout import wrapped
from tanglec.codegen.model import RESERVED, supernet_file
from tanglec.codegen.naming import file_name, variable
from tanglec.codegen.specialise import specialise
from tanglec.ir.extents import Position, Scalar
from tanglec.ir.nodes import Space
from tanglec.passes.cost import costs
from tanglec.record import record
from tanglec.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment


def emit(space: Space) -> str:
    """The supernet's file."""
    return _render("supernet.py.j2", supernet_file(space))


@record()
class StandaloneFile:
    """What the stand-alone template shows."""

    name: str
    path: str
    sha256: str
    title: str
    architecture: tuple[str, ...]
    imports: tuple[str, ...]
    parameters: str
    macs: str
    support: tuple[str, ...]
    blocks: tuple[Class, ...]
    network: Class


def emit_standalone(space: Space, assignment: dict[Position, Scalar]) -> str:
    """One architecture as a module of plain PyTorch."""
    classes = Classes(space.network, Dialect(supernet=False), RESERVED)
    *blocks, network = classes.build(inlined(specialise(space, assignment)), "Network")
    cost = costs(space, assignment)
    own = [line for c in (*blocks, network) for line in (*c.layers, *c.forward)]
    needed = {*classes.support, *(["scan"] if any("scan(" in line for line in own) else [])}
    support = tuple(map(_support, sorted(needed)))
    annotations = [p.annotation for c in blocks for p in c.parameters]
    code = "\n".join([*support, *own, *annotations])
    architecture = textwrap.wrap(json.dumps(show_architecture(space, assignment)), 110)
    model = StandaloneFile(
        space.name,
        file_name(space.path),
        space.sha256,
        space.title,
        tuple(architecture),
        tuple(_imports(code)),
        f"{cost.params:,}",
        f"{cost.macs:,}",
        support,
        tuple(blocks),
        network,
    )
    return _render("standalone.py.j2", model)


def _imports(code: str) -> list[str]:
    """What a stand-alone file needs of Python and PyTorch."""
    lines = ["from collections.abc import Callable", ""] if "Callable[" in code else []
    lines += ["import torch"] if "torch." in code else []
    if re.search(r"\bF\.", code):
        lines.append("import torch.nn.functional as F")
    return [*lines, "from torch import Tensor, nn"]


def _support(name: str) -> str:
    """The source of a class or function that PyTorch lacks, as it is copied into a stand-alone file."""
    text = (files("tanglec.codegen") / "templates" / "support" / f"{name}.py").read_text(encoding="utf-8")
    return text[re.search(r"^(class|def) ", text, re.MULTILINE).start() :].strip()  # type: ignore[union-attr]


def _render(template: str, model: object) -> str:
    text = _environment().get_template(template).render(f=model, version=VERSION)
    return text.rstrip() + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = str(files("tanglec.codegen") / "templates")
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters.update(
        wrap=lambda line: "\n".join(wrapped(line)),
        quoted=lambda text: json.dumps(text, ensure_ascii=False),
        from_import=_from_import,
        constructor=_constructor,
        forward=lambda c: _forward(c, "forward", supernet=True),
        forward_plain=lambda c: _forward(c, "forward", supernet=False),
        network=lambda c: _forward(c, "network", supernet=True),
        input_parameters=lambda inputs: ", ".join(f"{variable(n)}: Tensor" for n, _, _ in inputs),
        input_names=lambda inputs: ", ".join(variable(n) for n, _, _ in inputs),
    )
    return environment


def _from_import(names: Sequence[str], module: str) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 110:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def _constructor(c: Class) -> str:
    """`__init__` with its layers; empty for a class that has none."""
    if not c.layers:
        return ""
    parameters = ", ".join(["self", *(f"{p.name}: {p.annotation}" for p in c.parameters)])
    lines = [
        f"    def __init__({parameters}) -> None:",
        "        super().__init__()",
        *(f"        {line}" for line in c.layers),
    ]
    return "\n".join(part for line in lines for part in wrapped(line)) + "\n\n"


def _forward(c: Class, name: str, *, supernet: bool) -> str:
    inputs = [f"{n}: {annotation}" for n, annotation in c.inputs]
    parameters = ", ".join(["self", *inputs, *(["at: Choices"] if supernet else [])])
    result = "Tensor" if c.results == 1 else f"tuple[{', '.join(['Tensor'] * c.results)}]"
    lines = [f"    def {name}({parameters}) -> {result}:", *(f"        {line}" for line in c.forward)]
    return "\n".join(part for line in lines for part in wrapped(line))
