"""Telling people: what has happened is put in the outbox, and what is due there is delivered.

It spends nothing and decides nothing, and no trouble with it touches the work: a receiver that hangs or
refuses is tried again later, by whichever worker lives then.
"""

import asyncio
import contextlib
from typing import Final

from orchestrator.core.notices import Notice
from orchestrator.ports import Letter
from orchestrator.store.notices import findings, outbox
from orchestrator.store.notices.findings import NewsSeen
from orchestrator.store.notices.outbox import NewNotice, Take, TakenNotice, Told
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably

LOOK_SECONDS: Final = 10.0
LAST_SECONDS: Final = 15.0
"""So long somebody who waits for the end of a worker waits for a receiver that hangs."""


class Teller:
    """Finds what is to be told and delivers it."""

    def __init__(self, deps: Deps, worker_id: str) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._began: int | None = None
        self._seen = NewsSeen()

    async def tick(self) -> float:
        """Find, then deliver; returns the delay to the next look."""
        if self._deps.notifier.wishes:
            await self._find()
            await self._deliver()
        return LOOK_SECONDS

    async def last_words(self) -> None:
        """The worker leaves: tell what has happened since the last look, once. What nobody takes now waits
        for the next worker.
        """
        if self._deps.notifier.wishes:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._last_round(), LAST_SECONDS)

    async def _last_round(self) -> None:
        await self._find()
        await self._find()  # a run that the first one saw as new may have ended already
        while await self._deliver():
            pass

    async def _find(self) -> None:
        if self._began is None:
            with self._deps.database.write() as tx:
                self._began = findings.begin(tx)
        timezone = self._deps.settings.budgets.timezone
        with self._deps.database.read() as tx:
            found = list(findings.find(tx, self._seen, began=self._began, timezone=timezone))
        for notice in found:
            targets = self._targets(notice)
            if targets and notice.subject not in self._seen.told:
                await write_durably(self._deps, outbox.put, NewNotice(notice, targets))
            self._seen.told.add(notice.subject)

    def _targets(self, notice: Notice) -> tuple[str, ...]:
        wishes = self._deps.notifier.wishes
        return tuple(
            name for name, wish in sorted(wishes.items()) if wish.wants(notice.kind.value, notice.campaign)
        )

    async def _deliver(self) -> int:
        """Deliver some; returns how many were taken. A target that fails hears no more of this round: one
        that hangs would hold up the others for as often as there is something to tell it.
        """
        delivered, failing = 0, set[str]()
        row = Take(self._worker_id, frozenset(self._deps.notifier.wishes))
        taken = await write_durably(self._deps, outbox.take, row)
        for each in taken:
            if each.target in failing:
                continue
            trouble = await self._deps.notifier.deliver(each.target, letter_of(each))
            await write_durably(self._deps, outbox.told, Told(each.id, each.tries, trouble))
            if trouble is None:
                delivered += 1
            else:
                failing.add(each.target)
        return delivered


def letter_of(taken: TakenNotice) -> Letter:
    """The message, under an id that is the same at every try."""
    return Letter(
        id=f"notice-{taken.id}",
        title=str(taken.document["title"]),
        text=str(taken.document["text"]),
        document=taken.document,
    )
