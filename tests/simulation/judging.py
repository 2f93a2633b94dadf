"""People who look at pictures."""

import random

from orchestrator.actions.choosing.verdicts import give
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Database

from .checker import Checker
from .timeline import Timeline

PERSON = Signature(who="eve", host="a third desk", command="the simulation")


class PictureReviewer:
    """Accepts and rejects, with dice of its own."""

    def __init__(self, database: Database, checker: Checker, timeline: Timeline, *, seed: int) -> None:
        self._database = database
        self._checker = checker
        self._timeline = timeline
        self._dice = random.Random(f"verdicts {seed}")

    def judge(self) -> None:
        """Somebody likes a picture, or not, or takes that back."""
        rows = self._checker.rows("SELECT id FROM jobs WHERE state = 'succeeded' ORDER BY id")
        if not rows:
            return
        job, word = self._dice.choice(rows)["id"], self._dice.choice(tuple(JobVerdict))
        given = give(self._database, [job], word, signed=PERSON)
        self._checker.choosing.said(given.judged, word, PERSON.who)
        self._timeline.mark("operator", "judged", job, word)
        self._timeline.edges["picture judged"] += 1
