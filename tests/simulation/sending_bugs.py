"""Bugs planted where jobs are leased, sent, and what comes back is kept."""

from dataclasses import replace
from types import SimpleNamespace

from orchestrator.ports import Lost, StoredArtifact, Throttled
from orchestrator.store.account import rate_limits, rate_window
from orchestrator.store.attempts import endings, lifecycle, outputs, transitions
from orchestrator.worker.pipeline.fetch import Fetcher
from orchestrator.worker.pipeline.submit import Submitter

from .planting import Mutation, Patch


def fence_removed(patch: Patch) -> None:
    """A write goes through whoever holds the attempt by now."""
    genuine = transitions.lock

    def held(tx, rows, event):
        current = {row.id: row.epoch for row in tx.conn.execute(transitions._HELD)}
        return genuine(
            tx,
            [SimpleNamespace(attempt_id=r.attempt_id, epoch=current.get(r.attempt_id)) for r in rows],
            event,
        )

    patch(transitions, "lock", held)


def post_before_commit(patch: Patch) -> None:
    """The POST leaves while the database still says `leased`."""

    async def may_send(self, attempt, ready, stopping):
        return SimpleNamespace(may_leave=lambda: True)

    patch(Submitter, "_may_send", may_send)


def post_again_when_lost(patch: Patch) -> None:
    """A lost reply is answered by the same POST once more."""
    genuine = Submitter._record

    async def record(self, attempt, outcome):
        if isinstance(outcome, Lost):
            outcome = await self._deps.provider.submit(attempt.model, attempt.params)
        await genuine(self, attempt, outcome)

    patch(Submitter, "_record", record)


def throttled_is_failure(patch: Patch) -> None:
    """A 429 ends the job."""
    genuine = Submitter._record

    async def record(self, attempt, outcome):
        if isinstance(outcome, Throttled):
            row = endings.Reject(
                attempt_id=attempt.attempt_id,
                epoch=attempt.epoch,
                reason="throttled",
                message=outcome.message,
            )
            await self._deps.writer.submit(endings.reject, row)
            return
        await genuine(self, attempt, outcome)

    patch(Submitter, "_record", record)


def slots_ignored(patch: Patch) -> None:
    """Concurrency is not counted."""
    genuine = rate_limits.allowance
    patch(rate_limits, "allowance", lambda tx: replace(genuine(tx), slots=1000))


def rate_ignored(patch: Patch) -> None:
    """Submissions of the last minute are not counted."""
    patch(rate_window, "granted", lambda tx: 0)


def posted_twice(patch: Patch) -> None:
    """Every request is sent twice, as a client that retries by itself would."""
    genuine = Submitter._record

    async def record(self, attempt, outcome):
        await self._deps.provider.submit(attempt.model, attempt.params)
        await genuine(self, attempt, outcome)

    patch(Submitter, "_record", record)


def rate_window_too_short(patch: Patch) -> None:
    """Half a minute counts as a minute."""
    patch(rate_window, "WINDOW_MS", 30_000)


def stale_grants_are_used(patch: Patch) -> None:
    """A POST leaves on a grant of long ago, and a frozen worker sends on a lease that has lapsed."""

    async def may_send(self, attempt, ready, stopping):
        send_window = await genuine(self, attempt, ready, stopping)
        return send_window and SimpleNamespace(may_leave=lambda: True)

    genuine = Submitter._may_send
    patch(Submitter, "_may_send", may_send)


def doubts_take_no_slot(patch: Patch) -> None:
    """An attempt in doubt does not count against the concurrency limit."""
    patch(rate_limits, "DOUBT_TAKES_SLOT_MS", 0)


def success_before_storing(patch: Patch) -> None:
    """The database says succeeded before the files are there."""
    genuine = Fetcher.run

    async def run(self, attempt, expected):
        stored = tuple(
            (
                each.index,
                StoredArtifact(
                    path=each.path, sha256="0" * 64, bytes=1, media_type="image/png", width=1, height=1
                ),
            )
            for each in expected
        )
        row = outputs.Finish(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            stored=stored,
            lost=(),
            expected=attempt.images,
        )
        await self._deps.writer.submit(endings.finish, row)
        await genuine(self, attempt, expected)

    patch(Fetcher, "run", run)


def id_only_in_memory(patch: Patch) -> None:
    """The prediction's id is used and never written."""
    patch(lifecycle, "accept", lambda tx, rows: [row.epoch for row in rows])


SENDING_BUGS = (
    Mutation(name="fence removed", apply=fence_removed, theme="zombies", first=22),
    Mutation("POST before the commit", post_before_commit, "mixed"),
    Mutation(name="POST again when the reply is lost", apply=post_again_when_lost, theme="lost", first=3),
    Mutation(name="429 is a failure", apply=throttled_is_failure, theme="mixed", first=14),
    Mutation("slots ignored", slots_ignored, "mixed"),
    Mutation(name="rate window ignored", apply=rate_ignored, theme="mixed", first=8),
    Mutation("success before storing", success_before_storing, "mixed"),
    Mutation("id only in memory", id_only_in_memory, "mixed"),
    Mutation("every POST sent twice", posted_twice, "mixed"),
    Mutation(name="rate window too short", apply=rate_window_too_short, theme="mixed", first=19),
    Mutation(name="stale grants are used", apply=stale_grants_are_used, theme="zombies", first=100),
    Mutation(name="doubts take no slot", apply=doubts_take_no_slot, theme="lost", first=14),
)
