"""How training went: losses, metrics, learning rate and whatever else the epochs report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tanglec.report.plot import LABELS, Figure, Panel, epoch_axis, line, panels
from tanglec.report.record import Record, Run, number, series

_NOT_DRAWN = ("kind", "epoch", "step", "seconds")


def curves(run: Run) -> Iterator[Figure]:
    """One figure of everything over the epochs; none before the first epoch has ended."""
    if not run.epochs:
        return
    names = list(
        dict.fromkeys(k for e in run.epochs for k, v in e.items() if number(v) and k not in _NOT_DRAWN)
    )
    losses = [name for name in names if name.endswith("loss")]
    parts = [_panel("loss", losses, run.epochs)] if losses else []
    for name in (name for name in names if name not in losses):
        parts.append(_panel(_words(name), [name], run.epochs))
    last = run.epochs[-1]
    shown = ", ".join(f"{_words(name)} {last[name]:.4g}" for name in names if number(last.get(name)))
    yield Figure(
        "curves",
        "Training",
        "Means over each epoch. Training and architecture losses are of the step as it was taken (of the mixture, or of the"
        " subnets that were drawn); validation is of the whole validation part.",
        f"Curves over {len(run.epochs)} epochs. At the last: {shown}.",
        panels(parts, 3, row=210, hovermode="x"),
    )


def _panel(title: str, names: Sequence[str], epochs: Sequence[Record]) -> Panel:
    traces = []
    for i, name in enumerate(names):
        x, y = series(epochs, "epoch", name)
        legend = {"showlegend": len(names) > 1}
        traces.append(line(_words(name), x, y, LABELS[i % len(LABELS)], **legend))
    whole = epoch_axis([epoch["epoch"] for epoch in epochs])
    return Panel(title, traces, {"title": {"text": "epoch"}, **whole})


def _words(name: str) -> str:
    known = {"lr": "learning rate", "arch_loss": "architecture loss", "train_loss": "training loss"}
    return known.get(name, name.replace("valid_", "validation ").replace("_", " "))
