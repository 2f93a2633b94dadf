"""Results on their way from a thread to the coroutines that wait for them: one wake-up of a loop for a
whole group.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Handover(Generic[T]):
    """Work that a coroutine handed to a thread, and what comes of it."""

    work: T
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


def hand_over(work: T) -> Handover[T]:
    """Work of the running loop's; wait for its `future`. A waiter that is cancelled does not undo the
    work.
    """
    return Handover(work, asyncio.get_running_loop().create_future())


def deliver(done: Sequence[Handover[Any]]) -> None:
    """Wake the waiters, from any thread. A waiter that has gone away is passed over."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Handover[Any]]] = {}
    for each in done:
        by_loop.setdefault(each.future.get_loop(), []).append(each)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, group)
        except RuntimeError:  # the loop has closed: nobody waits, and what was done stays done
            continue


def _resolve(group: Sequence[Handover[Any]]) -> None:
    for each in group:
        if each.future.done():
            continue
        if each.error is not None:
            each.future.set_exception(each.error)
        else:
            each.future.set_result(each.result)
