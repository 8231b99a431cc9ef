"""Repetitions as Python: a loop where all iterations print alike, else one after the other.

A value that is carried from one iteration to the next keeps one variable. An elastic count is mixed by the runtime's `Depth`,
which is told the carried values after every iteration.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tanglec.codegen.naming import variable
from tanglec.codegen.reads import reads, results, sources
from tanglec.ir.nodes import Carried, Repeat, Value

if TYPE_CHECKING:
    from tanglec.codegen.body import Lines, Printer


class Repetition:
    """Prints one `repeat` through the printer of the body that it stands in."""

    def __init__(self, printer: Printer, step: Repeat) -> None:
        self.printer, self.step = printer, step
        self.carried: list[tuple[Carried, str]] = []  # each with its variable
        self.depth = ""  # the variable of `Depth`; empty where the count is fixed

    def print(self) -> None:
        """All its lines; none if it carries nothing, for then it changes nothing."""
        if not self.step.bodies or not self.step.carried:
            return
        self.printer.settle()
        self._keep()
        if self.step.elastic:
            self._start_depth()
        rolled = self._rolled()
        if rolled is None:
            for i in range(len(self.step.bodies)):
                self._iteration(i)
        else:
            self._loop(rolled)
        self._results()

    @property
    def variables(self) -> str:
        return ", ".join(name for _, name in self.carried)

    def _keep(self) -> None:
        """Put the carried values into the variables that they keep through all iterations."""
        printer = self.printer
        texts = [printer.read(c.before)[0] for c in self.step.carried]
        for c, text in zip(self.step.carried, texts, strict=True):
            name = variable(c.name)
            named = re.fullmatch(rf"{name}(_\d+)?", text)
            name = text if named else name
            if not named or printer.left[c.before] > self._reads_while_carried(c.before):
                name = printer.fresh(name)
                printer.line(f"{name} = {text}")
            printer.reserved.add(name)
            self.carried.append((c, name))
        printer.reserved.difference_update(name for _, name in self.carried)

    def _reads_while_carried(self, value: Value) -> int:
        """How often a value is read as long as a carried name stands for it."""
        count = 0
        for i, body in enumerate(self.step.bodies):
            handed_on = sum(c.after[i] is value for c in self.step.carried)
            count += Counter(reads(body, ()))[value] + handed_on
            if not handed_on:
                break
        return count

    def _start_depth(self) -> None:
        self.depth = self.printer.fresh("depth")
        self.printer.reserved.add(self.depth)
        count = self.printer.slot(self.step.count, "repeats")
        self.printer.line(f"{self.depth} = Depth({count}, {self.printer.at}, {self.variables})")

    def _results(self) -> None:
        for c, name in self.carried:
            self.printer.bind(c.result, name)
        if self.depth:
            self.printer.reserved.discard(self.depth)
            method = "value" if len(self.carried) == 1 else "values"
            self.printer.line(f"{self.variables} = {self.depth}.{method}()")

    # --- one loop ----------------------------------------------------------------------------------------------------

    def _rolled(self) -> Lines | None:
        """The body of a loop that prints all iterations alike; None if they differ."""
        if any(isinstance(s, Repeat) for s in self.step.bodies[0]):
            return None  # inner lists have a name for each iteration
        first = self._trial(0)
        others = (self._trial(i) for i in range(1, len(self.step.bodies)))
        alike = all((first.text, first.slots) == (other.text, other.slots) for other in others)
        return first if alike else None

    def _trial(self, i: int) -> Lines:
        """Iteration `i` as the body of a loop, printed on a copy of the state."""
        trial = self.printer.copy()
        names = dict(zip(self._lists(), self._loop_variables(), strict=True))
        own = (s for s in sources(self.step.bodies[i]) if s in trial.many)
        trial.refs.update({s: names[trial.many[s][0]] for s in own})
        for c, name in self.carried:
            if i > 0:
                trial.left[c.after[i - 1]] -= 1  # read by the end of the iteration before
            trial.bind(c.before if i == 0 else c.after[i - 1], name)
        self._body(trial, i)
        return trial.out

    def _body(self, printer: Printer, i: int) -> None:
        """The statements of an iteration, and the carried values back in their variables."""
        before = printer.inline
        for c, name in self.carried if i > 0 else ():
            printer.bind(c.after[i - 1], name)
        if len(self.carried) > 1:  # the last value is written where it is put in its variable
            once = Counter(c.after[i] for c, _ in self.carried)
            printer.inline = {v for s in self.step.bodies[i][-1:] for v in results(s) if once[v] == 1}
        printer.steps(self.step.bodies[i])
        printer.inline = before
        printer.move([(name, printer.read(c.after[i])[0]) for c, name in self.carried])
        if self.depth:
            printer.line(f"{self.depth}.add({self.variables})")

    def _loop(self, body: Lines) -> None:
        names = ", ".join(self._loop_variables()) or "_"
        self.printer.line(f"for {names} in {self._iterable()}:")
        self.printer.append(body)
        for inner in self.step.bodies:
            self.printer.left.subtract(reads(inner, ()))
        for c, _ in self.carried:
            self.printer.left.subtract(c.after)

    def _lists(self) -> list[str]:
        """The lists of modules that an iteration takes one of each, in order."""
        own = (s for s in sources(self.step.bodies[0]) if s in self.printer.many)
        return list(dict.fromkeys(self.printer.many[s][0] for s in own))

    def _loop_variables(self) -> list[str]:
        taken = set(self.printer.names.values()) | self.printer.reserved
        names = []
        for listed in self._lists():
            name = variable(self.printer.bases[listed])
            while name in taken:
                name += "_"
            taken.add(name)
            names.append(name)
        return names

    def _iterable(self) -> str:
        own = [f"self.{name}" for name in self._lists()]
        if self.depth:
            return f"{self.depth}.run({', '.join(own)})"
        if not own:
            return f"range({len(self.step.bodies)})"
        return own[0] if len(own) == 1 else f"zip({', '.join(own)}, strict=True)"

    # --- one after the other -----------------------------------------------------------------------------------------

    def _iteration(self, i: int) -> None:
        """Iteration `i` on its own, where iterations differ."""
        if self.depth:
            self.printer.line(f"if {self.depth}.runs({i}):")
            self.printer.depth += 1
        self._body(self.printer, i)
        if self.depth:
            self.printer.depth -= 1
