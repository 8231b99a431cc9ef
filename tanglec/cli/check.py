"""`tanglec check`: whether files compile, and what is wrong with those that do not."""

from __future__ import annotations

from tanglec.cli.arguments import Files, Format, Params, read_params


def check(files: Files, format: Format = "full", param: Params = None) -> None:
    """Look for errors in spaces, without writing anything.

    \b
    Examples:
      tanglec check my_space.tsp
      tanglec check spaces/*.tsp --format concise
      tanglec check vit_mini --param classes=47
    """
    from tanglec.cli.analysis import analysed
    from tanglec.cli.messages import reported, show
    from tanglec.diagnostics import CompileError, Diagnostic

    with reported(format):
        params = read_params(param)
        found: list[Diagnostic] = []
        for file in files:
            try:
                found += analysed(file, params).warnings
            except CompileError as error:
                found += error.diagnostics
        if any(d.severity == "error" for d in found):
            raise CompileError(found)
        show(found, format)
        if format == "full":
            print(f"{len(files)} {'space' if len(files) == 1 else 'spaces'} checked, no errors")
