"""What people chose: every word on a picture is kept and the last one counts; each other try that was asked
for is a job of its own, and no prune is about it."""

from collections.abc import Sequence

from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.choosing.verdicts import JudgedJob

from .scene import Scene

Word = tuple[int, str | None, str]
"""Job, verdict, who."""


class ChoosingChecks:
    """Remembers every verdict that was given, and compares."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._said: list[Word] = []
        self._last: dict[int, str | None] = {}

    def said(self, judged: Sequence[JudgedJob], word: JobVerdict, who: str) -> None:
        """Somebody gave a verdict on these jobs; the rows are as they were said, no more and no fewer."""
        verdict = None if word is JobVerdict.NONE else word.value
        self._last.update({item.job_id: verdict for item in judged})
        self._said += [(item.job_id, verdict, who) for item in judged if item.changed]
        self.as_said()

    def as_said(self) -> None:
        """Each word is a row, in order, and the last one is what the job's row says."""
        scene = self._scene
        rows = scene.rows("SELECT job_id, verdict, who FROM verdicts ORDER BY id")
        stored = [(row["job_id"], row["verdict"], row["who"]) for row in rows]
        scene.expect(stored == self._said, "verdicts", f"kept are {stored}, said was {self._said}")
        for row in scene.rows("SELECT id, verdict FROM jobs ORDER BY id"):
            said = self._last.get(row["id"])
            scene.expect(
                row["verdict"] == said, "verdicts", f"job {row['id']} is {row['verdict']}, said was {said}"
            )

    def tries_of(self, job: int) -> int:
        """How many other tries of a job there are."""
        return int(self._scene.row("SELECT count(*) AS n FROM jobs WHERE redo_of = ?", job)["n"])

    def asked_again(self, job: int, before: int) -> None:
        """One other try was asked for, by one click or by two of the same request: one job more, of the same
        run and of the same cells."""
        now = self.tries_of(job)
        self._scene.expect(now == before + 1, "redo", f"job {job} had {before} other tries and has {now}")
        wrong = self._scene.rows(
            "SELECT new.id FROM jobs new JOIN jobs old ON old.id = new.redo_of "
            "WHERE new.run_id <> old.run_id OR new.images <> old.images OR NOT EXISTS "
            "(SELECT 1 FROM outputs mine JOIN outputs other ON other.job_id = old.id "
            "AND coalesce(other.clean_key, other.path_key) = coalesce(mine.clean_key, mine.path_key) "
            "WHERE mine.job_id = new.id)"
        )
        self._scene.expect(not wrong, "redo", f"jobs {wrong} are no other tries of what they say")

    def waiting_tries(self) -> set[int]:
        """Other tries that wait."""
        rows = self._scene.rows("SELECT id FROM jobs WHERE redo_of IS NOT NULL AND state = 'pending'")
        return {row["id"] for row in rows}

    def still_waiting(self, before: set[int]) -> None:
        """Nobody cancelled them meanwhile."""
        gone = self._scene.rows("SELECT id FROM jobs WHERE redo_of IS NOT NULL AND state = 'cancelled'")
        pruned = before & {row["id"] for row in gone}
        self._scene.expect(not pruned, "redo", f"jobs {sorted(pruned)} were asked for by redo and are pruned")
