"""Words and signs: one pattern of all terminals, whatever the place. Needs lark, so only `tables` imports it.

What may come next depends on the parser's state, and lark makes a pattern for each set of terminals that some state allows:
forty, which take longer to compile than a space takes to parse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from lark.common import LexerConf
from lark.lexer import BasicLexer, ContextualLexer, PatternStr

if TYPE_CHECKING:
    from lark.lexer import AbstractBasicLexer  # of newer larks


class Lexer(ContextualLexer):
    """Finds what lark's own finds. A state gets its lexer when the parser first comes to it."""

    def __init__(
        self, conf: LexerConf, states: Mapping[int, Collection[str]], always_accept: Collection[str] = ()
    ) -> None:
        self.root_lexer = BasicLexer(conf)
        self.lexers = _ByState(self.root_lexer, conf, states, {*conf.ignore, *always_accept})


class _ByState(dict[int, "AbstractBasicLexer"]):
    """The lexers of the states that were met."""

    def __init__(
        self, whole: BasicLexer, conf: LexerConf, states: Mapping[int, Collection[str]], always: set[str]
    ) -> None:
        super().__init__()
        self.whole, self.conf, self.states, self.always = whole, conf, states, always
        self.words = {t.pattern.value: t.name for t in conf.terminals if isinstance(t.pattern, PatternStr)}

    def __missing__(self, state: int) -> AbstractBasicLexer:
        conf, allowed = copy(self.conf), {*self.states[state], *self.always}
        conf.terminals = [t for t in self.conf.terminals if t.name in allowed]
        conf.skip_validation = True  # of patterns, which `whole` has seen
        self[state] = _StateLexer(conf, self.whole, self.words, allowed)
        return self[state]


class _StateLexer(BasicLexer):
    """Looks for all terminals: lark tries them in one order everywhere, so that the first that fits is the first here too.

    Only where that one is not allowed does it look for those that are.
    """

    def __init__(
        self, conf: LexerConf, whole: BasicLexer, words: Mapping[str, str], allowed: Collection[str]
    ) -> None:
        super().__init__(conf)
        self.whole, self.words, self.allowed = whole, words, allowed
        self.callback = {}  # lark fills it with the pattern of this state

    def match(self, text: Any, pos: int) -> Any:
        """A text and its terminal, None where nothing fits."""
        found = self.whole.match(text, pos)  # type: ignore[no-untyped-call]
        if found:
            value, terminal = found
            for kind in (self.words.get(value, terminal), terminal):
                if kind in self.allowed:
                    return value, kind
        return super().match(text, pos)  # type: ignore[no-untyped-call]
