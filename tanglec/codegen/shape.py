"""What instances have in common that can share a class."""

from __future__ import annotations

from dataclasses import field

from tanglec.codegen.body import Lines
from tanglec.codegen.members import Member
from tanglec.ir.nodes import Instance
from tanglec.record import record

Place = tuple[str, int]  # of a condition: the file, and where it begins


@record()
class Part:
    """A member as instances have it: its name, and the kinds of its sources.

    With a `place`, that of a condition in the block's text, only the instances for which it comes to `sense`.
    """

    name: str
    many: bool
    places: tuple[int, ...]
    kinds: tuple[object, ...]
    place: Place | None = None
    sense: bool = True


@record(eq=False, frozen=False)
class Shape:
    """Instances that can share a class. Members and slots are None for instances that a condition keeps from having them."""

    header: tuple[object, ...]  # the block and its inputs
    parts: tuple[Part, ...]
    instances: list[Instance] = field(default_factory=list)
    printed: list[Lines] = field(default_factory=list)
    members: list[tuple[Member | None, ...]] = field(default_factory=list)
    origins: tuple[Shape, ...] = ()  # the shapes that it was joined from
    extra: int = 0  # lines that not all instances run
