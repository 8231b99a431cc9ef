"""Where the parts of a cell's graph stand on the page, in pixels."""

from __future__ import annotations

from tanglec.record import record
from tanglec.report.cells import Graph

NODE_HEIGHT, ROW, CHARACTER, CHIP = 40, 62, 6.7, 24
NARROWEST, WIDEST = 84, 220


@record()
class Box:
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    kind: str  # "input", "node" or "output"

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@record()
class Wire:
    """From the right side of a node to above another one; `text` stands at the corner."""

    path: str
    x: float
    y: float
    width: float
    text: str


@record()
class Staircase:
    width: float
    height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


def staircase(graph: Graph) -> Staircase:
    """Every node one step further down and to the right; columns as wide as what stands in them."""
    widths = [_column(graph, i) for i in range(len(graph.nodes))]
    left = [sum(widths[:i]) + 14 * i for i in range(len(widths))]
    sources = {edge.source for edge in graph.edges}
    boxes = []
    for i, node in enumerate(graph.nodes):
        lines = tuple(filter(None, dict.fromkeys((node.name, node.does))))
        kind = "input" if node.does == "input" else "node" if i in sources else "output"
        boxes.append(Box(left[i] + 2, 2 + i * ROW, widths[i] - 4, NODE_HEIGHT, lines, kind))
    wires = tuple(_wire(boxes[a], boxes[b], text) for (a, b), text in graph.texts.items())
    height = (len(boxes) - 1) * ROW + NODE_HEIGHT + 4
    return Staircase(left[-1] + widths[-1], height, tuple(boxes), wires)


def _column(graph: Graph, column: int) -> float:
    texts = [graph.nodes[column].name, graph.nodes[column].does]
    texts += [text for (_, target), text in graph.texts.items() if target == column]
    return min(max(NARROWEST, max(map(_length, texts)) + 6), WIDEST)


def _length(text: str) -> float:
    return len(text) * CHARACTER + 18


def _wire(a: Box, b: Box, text: str) -> Wire:
    x, y, r = b.middle, a.y + a.height / 2, 8
    path = f"M{a.x + a.width:.1f} {y:.1f}H{x - r:.1f}Q{x:.1f} {y:.1f} {x:.1f} {y + r:.1f}V{b.y - 2:.1f}"
    return Wire(path, x, y, min(_length(text), WIDEST) if text else 0, text)
