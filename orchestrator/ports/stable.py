"""Names that always hold the newest good picture: what is to lie under them, and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StableSwitch:
    """What is to lie under one name. All names are relative to the output root."""

    path: str  # its extension may be corrected by the real type
    of: str | None = None  # the stored picture; None: nothing is to lie there
    sha256: str | None = None
    media_type: str = "image/png"
    place: str | None = None  # where what was put there last lies
    had: str | None = None  # its digest: anything else is somebody's own, and stays


@dataclass(frozen=True, slots=True)
class StableDone:
    """What lies there now."""

    place: str | None = None
    trouble: str = ""  # why it could not be switched now


class StableNames(Protocol):
    """The output folder, for names that switch."""

    async def switch(self, wanted: StableSwitch) -> StableDone:
        """Let the name hold a copy of the picture, in one step, verified and durable; safe to repeat after a
        crash at any point. Nothing is overwritten but what was put there for the name.
        """
        ...

    async def write_index(self, path: str, lines: Iterable[str]) -> StableDone:
        """Replace a list of names in one step."""
        ...


class NoStableNames:
    """Implements `StableNames` where no folder is at hand."""

    async def switch(self, _wanted: StableSwitch) -> StableDone:
        """Nothing of it is here."""
        return StableDone(trouble=NOT_HERE)

    async def write_index(self, _path: str, _lines: Iterable[str]) -> StableDone:
        """Nor this."""
        return StableDone(trouble=NOT_HERE)


NOT_HERE = "the output folder is not at hand"
