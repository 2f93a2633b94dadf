"""Moves of jobs, attempts and reservations: only legal ones, by whoever holds the lease, and one live
attempt for each job."""

from collections.abc import Mapping
from typing import Any

from orchestrator.core.states import ATTEMPT_TRANSITIONS, JOB_TRANSITIONS, RESERVATION_TRANSITIONS, edges

from ..watch import Row
from .scene import Scene


def _edges_of(table: Mapping[tuple[Any, Any], str]) -> frozenset[str]:
    """The product's tables are the law: what they hold is legal, and nothing else."""
    return frozenset(f"{before or 'none'}>{after}" for before, after in edges(table))


ATTEMPT_EDGES = _edges_of(ATTEMPT_TRANSITIONS)
JOB_EDGES = _edges_of(JOB_TRANSITIONS)
MONEY_EDGES = _edges_of(RESERVATION_TRANSITIONS)
HOLDERS_EDGES = {
    "leased>submitting",
    "in_flight>fetching",
    "in_flight>failed",
    "fetching>succeeded",
    "fetching>failed",
}
"""Only the worker that holds the lease may do these."""

LIVE = {"leased", "submitting", "in_flight", "fetching", "in_doubt"}
"""Attempts that may still become, or are, a task that is paid for."""


class StateChecks:
    """Every move, as a trigger of the database noted it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._live: dict[int, int] = {}  # job -> live attempt
        self._rejections = 0
        self.refusals = 0  # requests that the provider rejected
        self.misadopted = 0

    def restored(self) -> None:
        """Begin again from what a database that was put back says."""
        self._live = {
            row["job_id"]: row["id"]
            for row in self._scene.rows("SELECT id, job_id, state FROM attempts")
            if row["state"] in LIVE
        }

    def job_moved(self, who: str, row: Row) -> None:
        edge = f"{row['was']}>{row['now']}"
        self._scene.timeline.edges[f"job {edge}"] += 1
        self._scene.timeline.mark(who, "job", row["id"], edge)
        self._scene.expect(edge in JOB_EDGES, "state", f"job {row['id']} went {edge}")

    def attempt_moved(self, who: str, row: Row) -> None:
        expect, timeline = self._scene.expect, self._scene.timeline
        attempt, was, now = row["id"], row["was"], row["now"]
        edge = f"{was}>{now}"
        if was != now:
            timeline.edges[f"attempt {edge}"] += 1
            expect(edge in ATTEMPT_EDGES, "state", f"attempt {attempt} went {edge}")
        timeline.mark(who, "attempt", attempt, edge, f"epoch {row['epoch']}", row["prediction"] or "")
        if row["was_money"] and row["was_money"] != row["money"]:
            money = f"{row['was_money']}>{row['money']}"
            timeline.edges[f"money {money}"] += 1
            expect(money in MONEY_EDGES, "5", f"the reservation of attempt {attempt} went {money}")
        self._fenced(who, row, edge)
        if edge == "leased>submitting":
            self._as_taught(attempt)
        if edge == "submitting>failed":
            self._rejections += 1
            expect(
                self._rejections <= self.refusals, "29", f"attempt {attempt} failed and nobody rejected it"
            )
        self._one_live_attempt(attempt, row["job"], now)
        if row["prediction"] != row["was_prediction"]:
            expect(row["was_prediction"] is None, "3", f"attempt {attempt} lost {row['was_prediction']}")
            self._adopted(attempt, row["job"], row["prediction"])

    def _as_taught(self, attempt: int) -> None:
        """What was read of the bill before is what is held by the next that is sent of its kind."""
        if self._scene.plan.price_changes:  # a quote since may be of less
            return
        held = self._scene.row("SELECT price_micros FROM attempts WHERE id = ?", attempt)["price_micros"]
        billed = self._scene.row(
            "SELECT (SELECT b.billed_micros FROM lanes m JOIN jobs k ON k.lane_id = m.id JOIN attempts b "
            "ON b.job_id = k.id WHERE m.price_digest = l.price_digest AND b.billed_micros > 0 "
            "ORDER BY b.submitted_at DESC LIMIT 1) AS billed FROM attempts a JOIN jobs j ON j.id = a.job_id "
            "JOIN lanes l ON l.id = j.lane_id WHERE a.id = ?",
            attempt,
        )["billed"]
        self._scene.expect(
            (billed or 0) * 100 <= held * 101 or self._scene.plan.bill_percent != 100,
            "1",
            f"attempt {attempt} is sent holding {held} where {billed} was billed before",
        )

    def _fenced(self, who: str, row: Row, edge: str) -> None:
        """Epochs never fall, and what a lease protects only its holder moves."""
        attempt = row["id"]
        if row["was_epoch"] is not None:
            self._scene.expect(row["epoch"] >= row["was_epoch"], "fence", f"attempt {attempt} lost its epoch")
        if edge in HOLDERS_EDGES and (mine := self._scene.workers.get(who)) is not None:
            self._scene.expect(
                row["worker"] == mine, "fence", f"attempt {attempt} went {edge} by {who}, which lost it"
            )

    def _one_live_attempt(self, attempt: int, job: int, now: str) -> None:
        other = self._live.get(job)
        if now in LIVE:
            self._scene.expect(
                other in {None, attempt}, "2", f"job {job} has attempts {other} and {attempt} at once"
            )
            self._live[job] = attempt
        elif other == attempt:
            del self._live[job]

    def _adopted(self, attempt: int, job: int, prediction: str) -> None:
        """A prediction exists at the provider, and was asked for by that job."""
        scene = self._scene
        task = scene.account.tasks.get(prediction)
        if task is None:
            scene.fail("3", f"attempt {attempt} holds {prediction}, which the provider never made")
        elif task.prompt != scene.prompt_of[job]:
            self.misadopted += 1
            scene.uncertain = True
            scene.timeline.mark("checker", "MISADOPTED", attempt, prediction)
            scene.expect(
                not scene.plan.list_shows_inputs,
                "misadopted",
                f"attempt {attempt} asked for {scene.prompt_of[job]!r} and took {task.prompt!r}",
            )
