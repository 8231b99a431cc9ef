"""Pages about searches: self-contained HTML, made of what a run left in its folder. Nothing here needs torch.

`run_page` is the page of one run, `comparison_page` that of several methods over several seeds. Figures are plain data in
the form that plotly draws (https://plotly.com/javascript/reference); its script travels in the page.
"""

from tanglec.report.comparison import comparison_page
from tanglec.report.page import MissingPlotly
from tanglec.report.record import BrokenRecord, Run, read_lines
from tanglec.report.run import run_page

__all__ = ["BrokenRecord", "MissingPlotly", "Run", "comparison_page", "read_lines", "run_page"]
