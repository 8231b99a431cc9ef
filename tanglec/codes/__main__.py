"""`python -m tanglec.codes DIRECTORY` writes the pages of all codes, `docs/errors` of a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

from tanglec.codes import pages


def write(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in directory.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        temporary = directory / f".{name}.new"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(directory / name)


if __name__ == "__main__":
    write(Path(*sys.argv[1:] or ["docs", "errors"]))
