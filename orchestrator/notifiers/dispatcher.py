"""One messenger for each target, by its name. No error of one leaves here, and no secret."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from orchestrator.ports import Letter, NoticeWish

MASK: Final = "***"
SECONDS: Final = 30.0
"""A receiver that hangs is given up after this long, and tried again later."""


class Messenger(Protocol):
    """Delivers letters to one place."""

    async def send(self, letter: Letter) -> str | None:
        """Deliver once; why it was not taken, or None. May raise anything."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True, slots=True)
class TargetPost:
    """A target: who delivers, what it wants, and what must never be shown of it."""

    messenger: Messenger
    wish: NoticeWish = field(default_factory=NoticeWish)
    secrets: Sequence[str] = ()


class Dispatcher:
    """Delivers by name, within a bound of time."""

    def __init__(self, posts: Mapping[str, TargetPost], *, seconds: float = SECONDS) -> None:
        self.wishes = {name: post.wish for name, post in posts.items()}
        self._posts = posts
        self._seconds = seconds

    async def deliver(self, target: str, letter: Letter) -> str | None:
        """Deliver once; why it failed, with every secret masked, or None."""
        post = self._posts.get(target)
        if post is None:
            return f"there is no target {target} in this configuration"
        try:
            trouble = await asyncio.wait_for(post.messenger.send(letter), self._seconds)
        except TimeoutError:
            return "no answer in time"
        except Exception as error:  # noqa: BLE001 - a notifier that fails never stops work
            trouble = f"{type(error).__name__}: {error}"
        return None if trouble is None else _masked(trouble, post.secrets)

    async def aclose(self) -> None:
        """Close every connection."""
        for post in self._posts.values():
            await post.messenger.aclose()


class Unusable:
    """A target that cannot be used as it is configured: it is said at each try, and stops nothing."""

    def __init__(self, trouble: str) -> None:
        self._trouble = trouble

    async def send(self, letter: Letter) -> str | None:
        """Not possible."""
        del letter
        return self._trouble

    async def aclose(self) -> None:
        """Nothing is open."""


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
