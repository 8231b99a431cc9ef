"""`tanglec derive`: a stand-alone model of one architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tanglec.cli.arguments import AsJSON, NotationName, Params, read_params
from tanglec.cli.messages import BadOption, fail, reported
from tanglec.cli.notation import Shown, in_notation
from tanglec.record import record

Origin = Annotated[
    str, typer.Argument(metavar="RUN|FILE", help="The folder of a run, or a .tsp file or shipped space.")
]
Arch = Annotated[
    str | None,
    typer.Option(
        "--arch",
        metavar="ARCH",
        help="A file or the text itself, JSON or a notation of the space; default: what the run found.",
    ),
]
Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="MODEL.py", help="The module; its weights go beside it.")
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, max=2**63 - 1, help="Of fresh weights, where FILE is given.")
]


def derive(
    origin: Origin,
    out: Out = Path("model.py"),
    arch: Arch = None,
    param: Params = None,
    seed: Seed = 0,
    notation: NotationName = None,
    json: AsJSON = False,
) -> None:
    """Write one architecture as a module of plain PyTorch, which imports nothing of ours, and its weights.

    From a run: the architecture that it found (or --arch), with the weights inherited from its supernet. From
    a space: --arch, with fresh weights.

    \b
    Examples:
      tanglec derive runs/vit_mini-drnas -o model.py
      tanglec derive vit_mini --arch architecture.json -o model.py
    """
    from tanglec.cli.standalone import weights_path
    from tanglec.library import is_folder

    with reported("json" if json else "full"):
        if out.suffix != ".py":
            raise BadOption(f"`--out {out}` is not the name of a Python file", "e.g. -o model.py")
        if is_folder(Path(origin)):
            found = _from_run(Path(origin), out, arch, bool(param), notation)
        else:
            found = _from_file(origin, out, arch, read_params(param), seed, notation)
    model, weights = out.as_posix(), weights_path(out).as_posix()
    if json:
        from json import dumps

        about = {"about": found.about, "architecture": found.architecture}
        told = {} if found.notation is None else {"notation": found.notation.text}
        print(dumps({"model": model, "weights": weights, **about, **told}))
    else:
        print(f"wrote {model}\nwrote {weights} ({found.about})")
        if found.notation is not None:
            print(f"{found.notation.name}: {found.notation.text}")


@record()
class Derived:
    """An architecture, what its weights are, and how the field writes it."""

    architecture: dict[str, Any]
    about: str
    notation: Shown | None


def _from_run(run: Path, out: Path, arch: str | None, params_given: bool, notation: str | None) -> Derived:
    from tanglec.api import Compiled
    from tanglec.cli.analysis import architecture
    from tanglec.cli.run_folder import recorded_space
    from tanglec.cli.standalone import inherited, shown, supernet_weights, write_model
    from tanglec.cli.training import need_torch, runtime_errors

    if params_given:
        raise BadOption("a run knows its params; `--param` goes with a space")
    result = recorded_space(run)
    if arch is None and not (run / "architecture.json").is_file():
        raise fail("TSP0911", f"the run `{run.as_posix()}` has found no architecture yet", "give one: --arch")
    chosen = architecture(str(run / "architecture.json") if arch is None else arch, result.space)
    told = in_notation(result.space, chosen, notation)
    need_torch()
    compiled = Compiled(result.space, result.source, result.warnings)
    given = shown(compiled, chosen)
    with runtime_errors():
        weights, note = supernet_weights(run, compiled, given)
        write_model(compiled, given, inherited(compiled, given, weights), out)
    return Derived(given, f"weights inherited from the supernet of the run, not trained further{note}", told)


def _from_file(
    file: str, out: Path, arch: str | None, params: dict[str, Any], seed: int, notation: str | None
) -> Derived:
    from tanglec.api import Compiled
    from tanglec.cli.analysis import analysed, architecture
    from tanglec.cli.standalone import fresh, shown, write_model
    from tanglec.cli.training import need_torch, runtime_errors

    result = analysed(file, params)
    if arch is None:
        raise BadOption(f"which architecture of `{result.space.name}`? A space has many", "give one: --arch")
    chosen = architecture(arch, result.space)
    told = in_notation(result.space, chosen, notation)
    need_torch()
    compiled = Compiled(result.space, result.source, result.warnings)
    given = shown(compiled, chosen)
    with runtime_errors():
        write_model(compiled, given, fresh(compiled, given, seed), out)
    return Derived(
        given, "fresh weights, as PyTorch initialises them: a space has been trained nowhere", told
    )
