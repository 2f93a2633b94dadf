"""The people who look at the pictures: they accept, reject, take back, ask for other tries, and prune what an
edited manifest has left, while workers come and go."""

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.actions.choosing.redo import redo
from orchestrator.actions.choosing.verdicts import give
from orchestrator.actions.operator.change_jobs import drop_waiting
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.runs.runs import existing_ids
from orchestrator.store.runs.unrequested import Requested

from .operators import PERSON
from .shifts import NightShift
from .staged import Again

if TYPE_CHECKING:
    from .simulation import Simulation

REVIEWERS = (PERSON, replace(PERSON, who="bob", host="another desk"))


class Reviewers:
    """Two people at one batch, in a process of their own, which never crashes."""

    def __init__(self, simulation: "Simulation") -> None:
        self._database = simulation.reader
        self._checker = simulation.checker
        self._timeline = simulation.timeline
        self._dice = random.Random(f"reviewers {simulation.plan.seed}")
        self._requests = 0
        self._again = Again(simulation, self._database) if simulation.plan.staged else None
        self._nights = NightShift(simulation, self._database) if simulation.plan.nights else None

    def act(self) -> None:
        """One random command."""
        acts = (self._judge, self._judge, self._redo, self._redo, self._prune)
        if self._again:
            acts = (self._judge, self._judge, self._judge, self._redo, self._again.act)
        if self._nights:
            acts = (self._judge, self._redo, self._prune, self._nights.act, self._nights.act)
        self._dice.choice(acts)()

    def _judge(self) -> None:
        """Verdicts on some jobs, whatever their state: what has no picture is refused."""
        jobs = [row["id"] for row in self._checker.rows("SELECT id FROM jobs ORDER BY id")]
        chosen = [job for job in jobs if self._dice.random() < 0.4]
        word = self._dice.choice((*JobVerdict, JobVerdict.ACCEPTED, JobVerdict.REJECTED))
        who = self._dice.choice(REVIEWERS)
        given = give(self._database, chosen, word, signed=who, note=self._dice.choice((None, "too dark")))
        self._checker.choosing.said(given.judged, word, who.who)
        self._timeline.mark("reviewer", who.who, word, [item.job_id for item in given.changed])

    def _redo(self) -> None:
        """Another try of a job that is over; now and then asked for twice, by a double click."""
        rows = self._checker.rows(
            "SELECT id FROM jobs WHERE state = 'succeeded' OR (state = 'failed' AND reason = 'moderated') "
            "ORDER BY id"
        )
        if not rows:
            return
        job = self._dice.choice(rows)["id"]
        clicks = self._dice.choice((1, 1, 2))
        self._requests += 1
        request = f"click {self._requests}" if clicks > 1 else None
        sharper = {"resolution": "4k", "prompt": f"sharper {self._requests}"}
        changes = self._dice.choice(({}, {}, sharper))
        before = self._checker.choosing.tries_of(job)
        for _ in range(clicks):
            redo(self._database, [job], signed=PERSON, changes=changes, request=request)
        self._checker.learn_jobs()
        self._timeline.mark("reviewer", "redoes", job, "clicks", clicks, changes)
        self._checker.choosing.asked_again(job, before)

    def _prune(self) -> None:
        """What `apply --prune` cancels when the manifest asks for the half of what it asked for before."""
        rows = self._checker.rows("SELECT id, model FROM runs ORDER BY id")
        run = self._dice.choice(rows)["id"]
        mine = self._checker.rows(
            "SELECT key FROM jobs WHERE run_id = ? AND redo_of IS NULL ORDER BY id", run
        )
        kept = [row["key"] for row in mine[: (len(mine) + 1) // 2]]
        with self._database.read() as tx:
            asked = Requested(tx, run)
            asked.add(existing_ids(tx, run, kept).values())
            others = asked.others(tx)
        waiting = self._checker.choosing.waiting_tries()
        drop_waiting(self._database, others.ids, PERSON)
        self._timeline.mark("reviewer", "prunes", run, list(others.ids))
        self._checker.choosing.still_waiting(waiting)
