"""People who look at pictures."""

import random

from orchestrator.store.choosing import moves
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.db.schema import verdicts

from .checker import Checker
from .timeline import Timeline


class Judge:
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
        job, verdict = (
            self._dice.choice(rows)["id"],
            self._dice.choice(("accepted", "rejected", None)),
        )
        with self._database.write() as tx:
            tx.conn.execute(
                verdicts.insert().values(
                    job_id=job, at=tx.now, verdict=verdict, who="ada", host="a desk", source="command"
                )
            )
            tx.conn.execute(job_table.update().where(job_table.c.id == job).values(verdict=verdict))
            moves.settle_choice(tx, [job])
        self._timeline.mark("operator", "judged", job, verdict)
        self._timeline.edges["picture judged"] += 1
