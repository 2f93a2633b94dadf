"""What is kept in an output folder, for whoever looks at it without a database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture that lies there, and what its sidecar says; None where that cannot be had, and why."""

    path: str  # relative to the output root
    said: Mapping[str, Any] | None
    why: str = ""


class PictureState(StrEnum):
    """How a file compares with what was recorded of it."""

    SAME = "same"
    MISSING = "missing"
    CHANGED = "changed"  # other bytes, or no plain file
    UNREADABLE = "unreadable"


class Shelf(Protocol):
    """The pictures that lie in an output folder."""

    def near(self, planned: str) -> list[KeptPicture]:
        """Those with a sidecar that may have been made for the planned path."""
        ...

    def everything(self) -> Iterator[KeptPicture]:
        """All of them, also those without a sidecar."""
        ...

    def read(self, path: str) -> KeptPicture:
        """One of them, by its path."""
        ...

    def state(self, path: str, *, sha256: str, size: int | None, quick: bool = False) -> PictureState:
        """Whether one is as it was recorded; `quick` compares its size alone."""
        ...

    def has_sidecar(self, path: str) -> bool:
        """Whether one has a sidecar."""
        ...

    def note(self, path: str, *, sha256: str, entries: Mapping[str, Any]) -> bool:
        """Give the sidecar of a picture with that digest these entries, whole or not at all, None taking one
        away; whether it has them now. False where it is not there, or moves.
        """
        ...

    def set_aside(self, path: str) -> str:
        """Rename one, replacing nothing; returns its new path. Raises OSError."""
        ...

    def put_back(self, aside: str, path: str) -> None:
        """Give one that was set aside its name again, unless that is taken. Raises OSError."""
        ...
