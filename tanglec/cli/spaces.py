"""`tanglec spaces`: the spaces that ship."""

from __future__ import annotations

from typing import Any

from tanglec.cli.arguments import AsJSON


def spaces(json: AsJSON = False) -> None:
    """List the spaces that ship, to be used by name in place of a file, and their recipes for `--recipe`.

    \b
    Examples:
      tanglec spaces
      tanglec spaces --json
    """
    from tanglec.cli.messages import reported
    from tanglec.cli.tables import decimal, table
    from tanglec.library import shipped

    with reported("json" if json else "full"):
        rows = [_row(name) for name in shipped()]
    if json:
        from json import dumps

        keep = ("name", "title", "path", "architectures", "params", "recipes")
        print(dumps([{key: row[key] for key in keep} for row in rows], indent=2))
        return
    head = ["name", "architectures", "parameters", "title", "recipes"]
    lines = [
        [r["name"], r["shown"], " to ".join(map(decimal, r["params"].values())), r["title"]]
        + [", ".join(r["recipes"])]
        for r in rows
    ]
    print("\n".join(table([head, *lines], indent="")))


def _row(name: str) -> dict[str, Any]:
    from dataclasses import asdict
    from pathlib import Path
    from tomllib import loads

    from tanglec.cli.analysis import analysed
    from tanglec.cli.inspection import smallest_and_largest
    from tanglec.library import recipe_file
    from tanglec.passes.count import count

    space = analysed(name).space
    number, file = count(space), recipe_file(Path(space.path))
    return {
        "name": name,
        "title": space.title,
        "path": space.path,
        "architectures": asdict(number),
        "shown": str(number),
        "params": smallest_and_largest(space, space.parameters),
        "recipes": [] if file is None else list(loads(file.text)),
    }
