"""Fills the tables of `docs/measurements.md`: `python -m benchmarks.page`, from the top of a checkout.

A table stands between `<!-- NAME -->` and `<!-- end of NAME -->`; what is around it is written by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import code_size, compared, mixing, mixing_table, planted, planted_table, sharing
from benchmarks import compile as compiling
from tanglert.train.atomic import replace_text

PAGE = Path("docs/measurements.md")
MEASURED: dict[str, tuple[Path, Callable[[Any], str]]] = {
    "mixing": (mixing.RESULTS, mixing_table.tables),
    "compile": (compiling.RESULTS, compiling.table),
    "sharing": (sharing.RESULTS, sharing.table),
    "planted": (planted.RESULTS, planted_table.table),
}
"""Results, and how they become tables."""


def filled(page: str, name: str, table: str) -> str:
    """The page with another table between the marks of a name. ValueError if it lacks them."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    text, found = pattern.subn(lambda _: f"{start}\n\n{table}\n\n{end}", page)
    if found != 1:
        raise ValueError(f"the page has {found} places for `{name}`; wanted one `{start}` … `{end}`")
    return text


def main() -> None:
    """All tables: of what was measured the last figures, and lines as they are now."""
    page = PAGE.read_text()
    for name, (results, table) in MEASURED.items():
        page = filled(page, name, table(json.loads(results.read_text())))
    page = filled(page, "compared", compared.tables())
    replace_text(PAGE, filled(page, "code size", code_size.tables()))


if __name__ == "__main__":
    main()
