"""People who change the order of what waits, and approve canaries, while workers work."""

import random
from collections.abc import Sequence

from orchestrator.core.specs import JobSpec
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs import gates, order
from orchestrator.store.runs.runs import Run

from .checker import Checker
from .timeline import Timeline

CANARY = {"canary": {"jobs": 2, "approve": "person"}}


class Steering:
    """Holds, releases, puts ahead and approves, with dice of its own."""

    def __init__(self, database: Database, checker: Checker, timeline: Timeline, *, seed: int) -> None:
        self._database = database
        self._checker = checker
        self._timeline = timeline
        self._dice = random.Random(f"steering {seed}")

    def begin(self, tx: Tx, run: Run, specs: Sequence[JobSpec]) -> None:
        """The gate of a run closes in the transaction that makes its jobs."""
        gates.close_new(tx, run.id)
        gates.mark(tx, run.id, [spec.key for spec in self._dice.sample(list(specs), 2)])

    def act(self) -> None:
        """One random command, rarely an approval."""
        self._dice.choice((self._hold, self._hold, self._release, self._ahead, self._ahead, self._approve))()

    def rest(self) -> None:
        """In the end nothing waits for a person."""
        self._release(everything=True)
        while self._checker.rows("SELECT 1 FROM runs WHERE gate_closed_at IS NOT NULL"):
            self._approve()

    def _some(self, *, everything: bool = False) -> list[int]:
        rows = self._checker.rows("SELECT id FROM jobs WHERE state = 'pending' ORDER BY id")
        return [row["id"] for row in rows if everything or self._dice.random() < 0.4]

    def _hold(self) -> None:
        with self._database.write() as tx:
            held = order.hold(tx, self._some(), "to see what happens").changed
            self._checker.steering.held(held, tx.now)
        self._timeline.mark("operator", "holds", held)
        self._timeline.edges["job held"] += len(held)

    def _release(self, *, everything: bool = False) -> None:
        chosen = self._some(everything=everything)
        self._checker.steering.released(chosen)
        with self._database.write() as tx:
            released = order.release(tx, chosen).changed
        self._timeline.mark("operator", "releases", released)

    def _ahead(self) -> None:
        with self._database.write() as tx:
            moved = order.put_ahead(tx, self._some(), order.next_turn(tx)).changed
        self._timeline.mark("operator", "puts ahead", moved)

    def _approve(self) -> None:
        rows = self._checker.rows("SELECT id FROM runs WHERE gate_closed_at IS NOT NULL ORDER BY id")
        if rows:
            run = self._dice.choice(rows)["id"]
            with self._database.write() as tx:
                gates.open_gate(tx, run, "approved by ada")
            self._timeline.mark("operator", "approves", run)
            self._timeline.edges["run approved"] += 1
