"""Bugs planted in what a later night makes of earlier ones."""

from dataclasses import replace

from orchestrator.core.nights import Fate
from orchestrator.core.states import JobState
from orchestrator.store.runs import earlier, jobs
from orchestrator.store.runs.further_tries import FurtherTries

from .planting import Mutation, Patch


def claimed_jobs_are_superseded(patch: Patch) -> None:
    """A later night cancels what a worker has claimed, as if it waited."""
    genuine = earlier.OtherRuns._add_open

    def add_open(self, tx, keys, pasts):
        waiting = genuine(self, tx, keys, pasts)
        for run_id in self.open_ids:
            rows = tx.conn.exec_driver_sql(
                f"SELECT key, id FROM jobs WHERE run_id = {run_id} AND state = 'running'"
            )
            for key, job_id in rows:
                if key in pasts and pasts[key].under_way and self.before and run_id < self.before:
                    pasts[key] = replace(pasts[key], under_way=False)
                    waiting.setdefault(key, []).append(job_id)
        return waiting

    patch(earlier.OtherRuns, "_add_open", add_open)
    patch(jobs, "cancel_waiting", lambda tx, ids, reason="": list(jobs._end(tx, ids, reason)))
    patch(jobs, "_end", _end_without_fence)


def _end_without_fence(tx, ids, reason):
    ended = jobs.jobs.update().where(jobs.jobs.c.id.in_(ids))
    words = {"state": JobState.CANCELLED.value, "queue": None, "due_at": None, "reason": reason}
    tx.conn.execute(ended.values(finished_at=tx.now, **words))
    return ids


def doubts_are_not_under_way(patch: Patch) -> None:
    """What may be paid for, and is not answered, does not count as being made."""
    doubted = "NOT EXISTS (SELECT 1 FROM attempts a WHERE a.job_id = jobs.id AND a.state = 'in_doubt')"
    patch(earlier, "_OPEN", f"{earlier._OPEN} AND {doubted}")


def rejected_pictures_are_reused(patch: Patch) -> None:
    """A picture that a person has rejected serves the next night."""
    word = "AND (jobs.verdict IS NULL OR jobs.verdict <> 'rejected')"
    patch(earlier, "_MADE", earlier._MADE.replace(word, ""))


def nothing_is_superseded(patch: Patch) -> None:
    """What waits is said to be cancelled, and stays."""
    patch(jobs, "cancel_waiting", lambda _tx, ids, _reason="": list(ids))


def nothing_is_looked_back_at(patch: Patch) -> None:
    """Each night buys all."""
    patch(earlier, "fate", lambda _rule, _past, _now: Fate.BUY)


def further_tries_are_not_seen(patch: Patch) -> None:
    """What people asked for again is nobody's business on the next night."""
    patch(earlier, "further_tries", lambda _tx, _ids: FurtherTries())


NIGHT_BUGS = (
    Mutation("claimed jobs are superseded", claimed_jobs_are_superseded, "nights"),
    Mutation("doubts are not under way", doubts_are_not_under_way, "nights", first=5),
    Mutation("rejected pictures are reused", rejected_pictures_are_reused, "nights", first=2),
    Mutation("nothing is superseded", nothing_is_superseded, "nights"),
    Mutation("nothing is looked back at", nothing_is_looked_back_at, "nights"),
    Mutation("further tries are not seen", further_tries_are_not_seen, "nights", first=27),
)
