"""One entry of the registry of codes."""

from __future__ import annotations

from textwrap import dedent

from tanglec.record import record


@record()
class Entry:
    """What a code means: `text` explains it in markdown, `wrong` shows it and `right` is one way to mend it."""

    code: str
    title: str
    text: str
    wrong: str
    right: str
    language: str = "tsp"

    def markdown(self) -> str:
        """The page of the code, as `tanglec explain` prints it and `docs/errors/` holds it."""
        return (
            f"# {self.code}: {self.title}\n\n{dedent(self.text).strip()}\n\n"
            f"Wrong:\n\n{self._fenced(self.wrong)}\n\nRight:\n\n{self._fenced(self.right)}\n"
        )

    def _fenced(self, example: str) -> str:
        return f"```{self.language}\n{dedent(example).strip()}\n```"
