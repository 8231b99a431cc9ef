"""`tanglec cost`: parameters and multiply-adds of one architecture."""

from __future__ import annotations

from typing import Annotated

import typer

from tanglec.cli.arguments import AsJSON, File, Params, read_params

Arch = Annotated[
    str, typer.Option("--arch", metavar="ARCH", help="The architecture: a JSON file, or the text itself.")
]


def cost(file: File, arch: Arch, param: Params = None, json: AsJSON = False) -> None:
    """What one architecture costs: parameters, and multiply-adds of one sample's forward pass.

    \b
    Examples:
      tanglec cost vit_mini --arch '{"embed": 32, "depth": 2, "heads": [2, 2], "ratio": [2, 3]}'
      tanglec cost my_space.tsp --arch runs/mine/architecture.json --json
    """
    from tanglec.cli.analysis import analysed, architecture
    from tanglec.cli.messages import reported
    from tanglec.passes.cost import costs

    with reported("json" if json else "full"):
        space = analysed(file, read_params(param)).space
        found = costs(space, architecture(arch, space))
    if json:
        from json import dumps

        print(dumps({"params": found.params, "macs": found.macs}))
    else:
        print(f"parameters     {found.params:>15,}\nmultiply-adds  {found.macs:>15,}")
