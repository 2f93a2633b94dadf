"""Delivering notices to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice on its way to one target."""

    id: str  # the same at every try, so that a receiver can tell a repeat
    title: str
    text: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NoticeWish:
    """What a target wants to hear of; None: everything."""

    kinds: frozenset[str] | None = None
    campaigns: frozenset[str] | None = None

    def wants(self, kind: str, campaign: str | None) -> bool:
        """Whether a notice is for it. What concerns the account concerns everybody."""
        by_kind = self.kinds is None or kind in self.kinds
        return by_kind and (self.campaigns is None or campaign is None or campaign in self.campaigns)


class Notifier(Protocol):
    """Knows targets by name, and delivers to them."""

    @property
    def wishes(self) -> Mapping[str, NoticeWish]:
        """Every target that it can deliver to."""
        ...

    async def deliver(self, target: str, letter: Letter) -> str | None:
        """Deliver once; returns why it failed, in words without secrets, or None."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class NoNotifier:
    """Nobody is to be told."""

    wishes: Mapping[str, NoticeWish] = {}

    async def deliver(self, target: str, letter: Letter) -> str | None:
        """Not asked for."""
        del letter
        return f"there is no target {target}"

    async def aclose(self) -> None:
        """Nothing is open."""
