"""What a training command is to do: recipe, `--set` and options, in this order, and where each value comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from json import dumps
from typing import TYPE_CHECKING, Any

from tanglec.cli.messages import BadOption
from tanglec.diagnostics import CompileError, Diagnostic
from tanglec.ir.extents import Scalar, plain_scalar
from tanglec.source import Source, Span

if TYPE_CHECKING:
    from tanglert.train import Options


@dataclass(frozen=True)
class Settings:
    """Options by name, as far as they are given; data; params of the space, and how its weights are shared.

    origins: where the value of an option comes from, in words. spans: where a recipe has it.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    data: str | None = None
    params: Mapping[str, Scalar] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    recipe: str | None = None

    def over(self, **given: Any) -> Settings:
        """The same with the values that are not None, and not empty, in place of its own."""
        given = {name: value for name, value in given.items() if value}
        merged: dict[str, Any] = {
            name: {**getattr(self, name), **value} if isinstance(value, Mapping) else value
            for name, value in given.items()
        }
        return replace(self, **merged)

    def checked(self) -> Options:
        """The options. Raises `CompileError` that points into the recipe, or names the option."""
        from tanglert.train import Options, OptionsError

        try:
            return Options.of(self.options)
        except OptionsError as error:
            name = (error.option or "").partition(".")[0]
            if name in self.spans and self.origins.get(name, "").startswith("recipe"):
                raise CompileError([Diagnostic("TSP0915", str(error), self.spans[name])]) from error
            raise BadOption(str(error)) from error

    def text(self, names: Collection[str] | None = None) -> str:
        """All options, or those of these names, as a recipe, each with its origin: what is kept with a run."""
        options = {k: v for k, v in self.checked().plain().items() if names is None or k in names}
        width = max(len(name) for name in options)
        lines = [
            f"# {'from ' + self.recipe if self.recipe else 'no recipe'}; every option, and where its value comes from"
        ]
        lines += ["[run]", *([f"data = {dumps(self.data)}"] if self.data else [])]
        for name, value in options.items():
            origin = self.origins.get(name, "default")
            lines.append(
                f"# {name} is not set" if value is None else f"{name:<{width}} = {_toml(value)}  # {origin}"
            )
        lines += [f"{name} = {dumps(value)}" for name, value in self.weights.items()]
        if self.params:
            lines.append(f"params = {_toml({name: plain_scalar(v) for name, v in self.params.items()})}")
        return "\n".join(lines) + "\n"


def settings(
    recipe: str | None,
    space: Source | None,
    flags: Mapping[str, Any],
    sets: Sequence[str] | None,
    data: str | None,
    params: Mapping[str, Scalar],
    weights: Mapping[str, str],
) -> Settings:
    """Defaults < recipe < options with a flag of their own < `--set`. Raises `CompileError`."""
    begun = Settings()
    if recipe is not None:
        from tanglec.recipes import find_recipe

        if space is None:
            raise BadOption("`--recipe` needs a space", "tanglec search SPACE --recipe NAME")
        found = find_recipe(recipe, space)
        origin = f"recipe {found.name}"
        begun = Settings(
            found.options,
            found.data,
            exact(found.params),
            found.weights,
            dict.fromkeys(found.options, origin),
            found.spans,
            f"recipe `{found.name}` of {found.source.path}",
        )
    flags = {name: value for name, value in flags.items() if value is not None}
    given = dict(map(_read_set, sets or ()))
    origins = {**dict.fromkeys(flags, "its flag"), **dict.fromkeys(given, "--set")}
    return begun.over(options={**flags, **given}, data=data, params=params, weights=weights, origins=origins)


def exact(params: Mapping[str, Any]) -> dict[str, Scalar]:
    """Params of a space as TOML and JSON know them: a decimal number means what is written."""
    return {name: Fraction(str(v)) if isinstance(v, float) else v for name, v in params.items()}


def _read_set(text: str) -> tuple[str, Any]:
    """`lr=0.1`: what TOML knows as a value, else a text."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not name.isidentifier():
        raise BadOption(f"`--set {text}` is not of the form OPTION=VALUE", "e.g. --set lr=0.1")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def _toml(value: Any) -> str:
    """A plain value as TOML writes it on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name} = {_toml(v)}" for name, v in value.items() if v is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return dumps(value)
