"""Templates to one HTML text, with the script that draws the plots inside."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from tanglec.report.plot import quoted
from tanglec.report.staircase import staircase
from tanglec.version import VERSION


class MissingPlotly(ImportError):
    """The package `plotly` is not installed, whose script draws the plots."""


def render(template: str, fields: Mapping[str, Any]) -> str:
    """The page. Everything from outside is escaped, in the text by jinja, in the plots by `quoted`.

    Raises:
        MissingPlotly: it is not installed.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = files("tanglec.report") / "templates"
    environment = Environment(
        loader=FileSystemLoader(str(here)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {"quoted": quoted, "staircase": staircase}
    return environment.get_template(template).render(
        **fields,
        style=(here / "style.css").read_text(encoding="utf-8"),
        script=(here / "page.js").read_text(encoding="utf-8"),
        plotly=_plotly(),
        version=VERSION,
    )


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingPlotly("plots need plotly, which is not installed", name="plotly") from error
    return str(get_plotlyjs())
