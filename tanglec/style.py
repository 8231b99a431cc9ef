"""Colours of a terminal, or none."""

from __future__ import annotations

from collections.abc import Callable

from tanglec.record import record

Paint = Callable[[str], str]


@record()
class Style:
    """What is painted how; with `colour=False` every text stays as it is."""

    colour: bool = False

    def tone(self, severity: str) -> Paint:
        return self._paint("1;33" if severity == "warning" else "1;31")

    def frame(self, text: str) -> str:
        return self._paint("34")(text)

    def label(self, text: str) -> str:
        return self._paint("36")(text)

    def bold(self, text: str) -> str:
        return self._paint("1")(text)

    def _paint(self, code: str) -> Paint:
        return lambda text: f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Style()
