"""Moving the pictures of a cell on the disk: the chosen one to the clean name, the others beside it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

PictureKey = tuple[int, int]
"""The job and the index of an output's row."""


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """A picture that is to have another name. All names are relative to the output root."""

    key: PictureKey
    path: str  # where it was recorded
    to: str  # its extension may be corrected by the real type
    sha256: str
    media_type: str
    may_be: tuple[str, ...] = ()  # where a move that was broken off may have left it


@dataclass(frozen=True, slots=True)
class CellMove:
    """What is to become of the pictures of one cell."""

    cell: bytes  # the digest of its folded clean name
    coming: MovingPicture  # to the clean name
    leaving: tuple[MovingPicture, ...]  # to their superseded names
    staying: tuple[
        MovingPicture, ...
    ] = ()  # superseded already; as `leaving` where that is not so on the disk

    @property
    def others(self) -> tuple[MovingPicture, ...]:
        """Every picture of the cell but the coming one."""
        return (*self.leaving, *self.staying)


@dataclass(frozen=True, slots=True)
class CellMoved:
    """What has become of them. What is neither in `places` nor told of in `trouble` is not in this folder."""

    places: Mapping[PictureKey, str] = field(default_factory=dict)  # where they lie now, durable
    aside: tuple[
        tuple[str, str], ...
    ] = ()  # files that were not as recorded: their names, and their new ones
    trouble: str = ""  # why something could not be done now


class Mover(Protocol):
    """The output folder, for moves inside it."""

    def alone(self) -> AbstractContextManager[bool]:
        """Keep other movers of the same folder out; False where another one is at it."""
        ...

    async def move(self, wanted: CellMove) -> CellMoved:
        """Give the pictures their names; safe to repeat after a crash at any point. No file is overwritten
        but a picture of the cell that has its superseded name already.
        """
        ...


class NoFolder:
    """Implements `Mover` where no folder is at hand: everything is elsewhere."""

    def alone(self) -> AbstractContextManager[bool]:
        """There is nothing to move."""
        return nullcontext(True)

    async def move(self, _wanted: CellMove) -> CellMoved:
        """Nothing of it is here."""
        return CellMoved()
