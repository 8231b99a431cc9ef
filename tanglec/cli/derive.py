"""`tanglec derive`: a stand-alone model of one architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tanglec.cli.arguments import Params, read_params
from tanglec.cli.messages import BadOption, fail, reported

Origin = Annotated[
    str, typer.Argument(metavar="RUN|FILE", help="The folder of a run, or a .tsp file or shipped space.")
]
Arch = Annotated[
    str | None,
    typer.Option(
        "--arch", metavar="ARCH", help="A JSON file or the text itself; default: what the run found."
    ),
]
Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="MODEL.py", help="The module; its weights go beside it.")
]
Seed = Annotated[int, typer.Option("--seed", help="Of fresh weights, where FILE is given.")]


def derive(
    origin: Origin, out: Out = Path("model.py"), arch: Arch = None, param: Params = None, seed: Seed = 0
) -> None:
    """Write one architecture as a module of plain PyTorch, which imports nothing of ours, and its weights.

    From a run: the architecture that it found (or --arch), with the weights inherited from its supernet. From
    a space: --arch, with fresh weights.

    \b
    Examples:
      tanglec derive runs/vit_mini-drnas -o model.py
      tanglec derive vit_mini --arch architecture.json -o model.py
    """
    with reported():
        if out.suffix != ".py":
            raise BadOption(f"`--out {out}` is not the name of a Python file", "e.g. -o model.py")
        if Path(origin).is_dir():
            lines = _from_run(Path(origin), out, arch, bool(param))
        else:
            lines = _from_file(origin, out, arch, read_params(param), seed)
    print("\n".join(lines))


def _from_run(run: Path, out: Path, arch: str | None, params_given: bool) -> list[str]:
    from tanglec.api import Compiled
    from tanglec.cli.analysis import architecture
    from tanglec.cli.run_folder import recorded_space
    from tanglec.cli.standalone import inherited, shown, weights_path, write_model
    from tanglec.cli.training import need_torch, runtime_errors

    if params_given:
        raise BadOption("a run knows its params; `--param` goes with a space")
    result = recorded_space(run)
    if arch is None and not (run / "architecture.json").is_file():
        raise fail("TSP0911", f"the run `{run.as_posix()}` has found no architecture yet", "give one: --arch")
    chosen = architecture(arch or str(run / "architecture.json"), result.space)
    need_torch()
    compiled = Compiled(result.space, result.source, result.warnings)
    with runtime_errors():
        from tanglert.train import inherited_weights

        state = inherited(compiled, shown(compiled, chosen), inherited_weights(run, compiled.load().SPACE))
        write_model(compiled, shown(compiled, chosen), state, out)
    what = "weights inherited from the supernet of the run, not trained further"
    return [f"wrote {out.as_posix()}", f"wrote {weights_path(out).as_posix()} ({what})"]


def _from_file(file: str, out: Path, arch: str | None, params: dict[str, Any], seed: int) -> list[str]:
    from tanglec.api import Compiled
    from tanglec.cli.analysis import analysed, architecture
    from tanglec.cli.standalone import fresh, shown, weights_path, write_model
    from tanglec.cli.training import need_torch

    result = analysed(file, params)
    if arch is None:
        raise BadOption(f"which architecture of `{result.space.name}`? A space has many", "give one: --arch")
    chosen = architecture(arch, result.space)
    need_torch()
    compiled = Compiled(result.space, result.source, result.warnings)
    given = shown(compiled, chosen)
    write_model(compiled, given, fresh(compiled, given, seed), out)
    what = "fresh weights, as PyTorch initialises them: a space has been trained nowhere"
    return [f"wrote {out.as_posix()}", f"wrote {weights_path(out).as_posix()} ({what})"]
