"""Fills the tables of `docs/measurements.md`: `python -m benchmarks.page`, from the top of a checkout.

A table stands between `<!-- NAME -->` and `<!-- end of NAME -->`; what is around it is written by hand.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks import code_size, compared, planted, planted_table, sharing
from tanglert.train.atomic import replace_text

PAGE = Path("docs/measurements.md")


def filled(page: str, name: str, table: str) -> str:
    """The page with another table between the marks of a name. ValueError if it lacks them."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    text, found = pattern.subn(lambda _: f"{start}\n\n{table}\n\n{end}", page)
    if found != 1:
        raise ValueError(f"the page has {found} places for `{name}`; wanted one `{start}` … `{end}`")
    return text


def main() -> None:
    """All tables: the figures of the last `benchmarks.sharing` and `benchmarks.planted`, and lines as they are now."""
    page = filled(PAGE.read_text(), "sharing", sharing.table(json.loads(sharing.RESULTS.read_text())))
    page = filled(page, "planted", planted_table.table(json.loads(planted.RESULTS.read_text())))
    page = filled(page, "compared", compared.tables())
    replace_text(PAGE, filled(page, "code size", code_size.tables()))


if __name__ == "__main__":
    main()
