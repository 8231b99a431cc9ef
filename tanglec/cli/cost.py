"""`tanglec cost`: parameters and multiply-adds of one architecture."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tanglec.cli.arguments import AsJSON, File, NotationName, Params, read_params

Arch = Annotated[
    str,
    typer.Option(
        "--arch",
        metavar="ARCH",
        help="The architecture: a file, or the text itself; JSON, or a notation of the space.",
    ),
]


def cost(
    file: File, arch: Arch, param: Params = None, notation: NotationName = None, json: AsJSON = False
) -> None:
    """What one architecture costs: parameters, and multiply-adds of one sample's forward pass.

    \b
    Examples:
      tanglec cost vit_mini --arch '{"embed": 32, "depth": 2, "heads": [2, 2], "ratio": [2, 3]}'
      tanglec cost nb201 --arch '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|'
      tanglec cost my_space.tsp --arch runs/mine/architecture.json --json
    """
    from tanglec.cli.analysis import analysed, architecture
    from tanglec.cli.messages import reported
    from tanglec.cli.notation import in_notation
    from tanglec.passes.cost import costs

    with reported("json" if json else "full"):
        space = analysed(file, read_params(param)).space
        chosen = architecture(arch, space)
        shown = in_notation(space, chosen, notation)
        found = costs(space, chosen)
    if json:
        from json import dumps

        result: dict[str, Any] = {"params": found.params, "macs": found.macs}
        print(dumps({**result, **({} if shown is None else {"notation": shown.text})}))
    else:
        print(f"parameters     {found.params:>15,}\nmultiply-adds  {found.macs:>15,}")
        if shown is not None:
            print(f"{shown.name:<13}  {shown.text}")
