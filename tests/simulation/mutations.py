"""Bugs planted on purpose: each removes one thing that money depends on, and the simulation must notice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import bindparam, select, update

from orchestrator.core import evidence, webhooks
from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.ports import Lost, StoredArtifact, Throttled
from orchestrator.ports.paging import Bill
from orchestrator.store.account import rate_limits
from orchestrator.store.attempts import endings, leases, lifecycle, outputs, transitions
from orchestrator.store.claiming import selection
from orchestrator.store.db import schema
from orchestrator.store.db.schema import LedgerKind, balances
from orchestrator.store.doubts import adoption, webhook_reports
from orchestrator.store.money import bills, ledger
from orchestrator.store.runs import runs
from orchestrator.worker.doubts import judgement
from orchestrator.worker.doubts.resolver import Resolver
from orchestrator.worker.guards.price_guard import PriceGuard
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.pipeline.fetch import Fetcher
from orchestrator.worker.pipeline.submit import Submitter
from orchestrator.worker.upkeep.billing import BillReader
from orchestrator.worker.upkeep.drain_watchdog import DrainWatchdog

from .seed import simulate

Patch = Callable[[Any, str, Any], None]
TABLE_SEEDS_MAX = 500


@dataclass(frozen=True)
class Mutation:
    """What is broken, by which patches, and the theme whose seeds are to notice it."""

    name: str
    apply: Callable[[Patch], None]
    theme: str
    first: int = 1  # the seed to begin with: one that is known to notice saves time


@contextmanager
def planted(mutation: Mutation) -> Iterator[None]:
    """The code with this bug in it."""
    kept: list[tuple[Any, str, Any]] = []

    def patch(target: Any, name: str, value: Any) -> None:
        kept.append(
            (target, name, target.__dict__[name] if isinstance(target, type) else getattr(target, name))
        )
        setattr(target, name, value)

    mutation.apply(patch)
    try:
        yield
    finally:
        for target, name, value in reversed(kept):
            setattr(target, name, value)


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


def caps_not_held(patch: Patch) -> None:
    """Looking is trusted, and looked at a while ago; the update that reserves has no condition."""
    patch(selection.Taken, "admits", lambda self, lane: True)
    unconditional = (
        update(balances).where(ledger._KEY).values(held_micros=balances.c.held_micros + bindparam("d_held"))
    )
    patch(ledger, "_HOLD_UNDER_CAP", unconditional)


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


def _released(tx, rows):
    return endings.give_back(
        tx,
        [
            endings.GiveBack(
                attempt_id=row.attempt_id,
                epoch=row.epoch,
                event=AttemptEvent.THROTTLED,
                delay_ms=0,
                reason="released",
                message=row.message,
            )
            for row in rows
        ],
    )


def rescue_resubmits(patch: Patch) -> None:
    """A worker that died while sending has its job queued again at once."""
    patch(leases, "lifecycle", SimpleNamespace(**{**vars(lifecycle), "mark_in_doubt": _released}))


def doubt_releases(patch: Patch) -> None:
    """A lost reply frees the money and the job."""
    patch(lifecycle, "mark_in_doubt", _released)


def absence_at_first_look(patch: Patch) -> None:
    """An empty list is proof at once, however slow the list is."""
    genuine = Resolver._as_evidence
    patch(Resolver, "_as_evidence", lambda self, row, now: replace(genuine(self, row, now), settled=True))


def released_twice(patch: Patch) -> None:
    """Every release is booked twice."""
    genuine = ledger.post

    def book(tx, movements):
        genuine(tx, [*movements, *(m for m in movements if m.kind is LedgerKind.RELEASE)])

    patch(ledger, "post", book)


def unsigned_webhook_is_believed(patch: Patch) -> None:
    """Whoever reaches the receiver is taken for the provider."""
    patch(webhooks, "refusal", lambda headers, body, secrets, now_seconds: None)


def webhook_is_forgotten(patch: Patch) -> None:
    """What a webhook said is recorded, and the resolver never reads it."""
    patch(webhook_reports, "of_doubts", lambda tx: [])


def webhook_is_anybodys(patch: Patch) -> None:
    """A report counts for some attempt in doubt, whatever its token."""
    columns = webhook_reports._attempt_of("").selected_columns
    doubted = schema.attempts.c.state == AttemptState.IN_DOUBT.value
    patch(webhook_reports, "_attempt_of", lambda token: select(*columns).where(doubted).limit(1))


def unknown_price_is_nothing(patch: Patch) -> None:
    """What has no price costs next to nothing, and nobody asks the provider."""
    genuine = runs.add_jobs
    patch(
        runs, "add_jobs", lambda tx, run, specs: genuine(tx, run, [replace(s, price_micros=1) for s in specs])
    )

    async def agrees(self, attempt, inputs):
        return True

    patch(PriceGuard, "agrees", agrees)


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
    patch(rate_limits, "_granted_in_window", lambda tx: 0)


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


def any_candidate_adopted(patch: Patch) -> None:
    """The first task that nobody holds is taken for ours."""

    genuine = evidence.judge

    def judge(doubts, candidates, *, inputs_trusted):
        pairs = list(zip(doubts, candidates, strict=False))
        rest = genuine(doubts[len(pairs) :], (), inputs_trusted=inputs_trusted)
        taken = tuple((doubt.attempt_id, found.prediction_id) for doubt, found in pairs)
        return replace(rest, adopt=taken)

    patch(judgement, "evidence", SimpleNamespace(**{**vars(evidence), "judge": judge}))


def posted_twice(patch: Patch) -> None:
    """Every request is sent twice, as a client that retries by itself would."""
    genuine = Submitter._record

    async def record(self, attempt, outcome):
        await self._deps.provider.submit(attempt.model, attempt.params)
        await genuine(self, attempt, outcome)

    patch(Submitter, "_record", record)


def one_more_than_the_cap(patch: Patch) -> None:
    """`<` became `<=` somewhere: a job that is one too many still fits."""
    patch(selection.Taken, "admits", lambda self, lane: True)
    condition = balances.c.spent_micros + balances.c.held_micros + balances.c.refund_due_micros
    one_over = (
        update(balances)
        .where(ledger._KEY, condition < bindparam("cap"))
        .values(held_micros=balances.c.held_micros + bindparam("d_held"))
    )
    patch(ledger, "_HOLD_UNDER_CAP", one_over)


def absence_at_once(patch: Patch) -> None:
    """A doubt is given up as soon as its settle delay has passed, whatever the list shows."""
    genuine = evidence.judge

    def judge(doubts, candidates, *, inputs_trusted):
        return genuine(doubts, (), inputs_trusted=inputs_trusted)

    patch(judgement, "evidence", SimpleNamespace(**{**vars(evidence), "judge": judge}))


def refund_never_due(patch: Patch) -> None:
    """A failed task counts as free at once, though the provider has not paid back."""
    genuine = endings.fail
    patch(endings, "fail", lambda tx, rows: genuine(tx, [replace(row, refund_window_ms=0) for row in rows]))


def failure_is_charged(patch: Patch) -> None:
    """A failed task counts as paid for."""
    genuine = endings.fail
    patch(endings, "fail", lambda tx, rows: genuine(tx, [replace(row, charged=True) for row in rows]))


def restored_store_spends(patch: Patch) -> None:
    """Nobody compares the provider's list with a store that was put back."""

    async def check(self):
        return None

    patch(RestoredCopyCheck, "check", check)


def reconcile_only_lists(patch: Patch) -> None:
    """Tasks of a gap are noted, and the jobs that wanted them buy them again."""
    patch(adoption, "assign", lambda *_args, **_more: False)


def rate_window_too_short(patch: Patch) -> None:
    """Half a minute counts as a minute."""
    patch(rate_limits, "WINDOW_MS", 30_000)


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


def billed_is_enough(patch: Patch) -> None:
    """A task that only the bill shows is taken for ours before the list can show what it asked for."""

    def candidate(*, listed, **facts):
        return evidence.Candidate(**facts)

    patch(judgement, "evidence", SimpleNamespace(**{**vars(evidence), "Candidate": candidate}))


def picture_is_never_lost(patch: Patch) -> None:
    """A picture that no URL ever brings is tried for ever."""
    genuine = Fetcher._is_gone

    async def is_gone(self, attempt, output, download):
        download.fresh_urls = 0
        return await genuine(self, attempt, output, download)

    patch(Fetcher, "_is_gone", is_gone)


def drain_never_gives_up(patch: Patch) -> None:
    """A worker that drains waits for ever for a list or a bill that cannot be read."""
    patch(DrainWatchdog, "_why_blocked", lambda self, activity, unreadable, monotonic: None)


def record_counts_on_each_page(patch: Patch) -> None:
    """A record that slides to the next page while the bill is read is booked again."""

    def add(self, page):
        for record in page:
            self._by_key[len(self._by_key), record.id] = record

    patch(Bill, "add", add)


def refund_is_believed(patch: Patch) -> None:
    """More may be paid back for a task than was charged for it."""
    genuine = bills.what_to_book

    def what_to_book(row, line, now):
        decided = genuine(row, line, now)
        if decided.kind is None or not decided.booked.surplus_micros:
            return decided
        cost = line.deducted_micros - line.refunded_micros
        return replace(
            decided, values={**decided.values, "cost_micros": cost}, spent_delta=cost - (row.cost_micros or 0)
        )

    patch(bills, "what_to_book", what_to_book)


def bill_trouble_ends_the_worker(patch: Patch) -> None:
    """An error of the bill loop is everybody's, and a refund that is too large is one."""
    refund_is_believed(patch)

    async def book(self, due, sums):
        for row in due:
            line = bills.BillLine(row.attempt_id, *sums.get(row.prediction_id, (0, 0)))
            await self._deps.writer.submit(bills.book_lines, line)

    patch(BillReader, "_book", book)
    patch(BillReader, "tick", BillReader._read)


def surplus_is_not_told(patch: Patch) -> None:
    """A refund that is too large is cut to the charge, and nobody hears of it."""
    patch(bills, "_note_surplus", lambda tx, row, micros: None)


MUTATIONS = (
    Mutation(name="fence removed", apply=fence_removed, theme="zombies", first=22),
    Mutation("caps not held", caps_not_held, "caps"),
    Mutation("POST before the commit", post_before_commit, "mixed"),
    Mutation(name="POST again when the reply is lost", apply=post_again_when_lost, theme="lost", first=3),
    Mutation(name="rescue resubmits", apply=rescue_resubmits, theme="crashes", first=2),
    Mutation(name="doubt releases", apply=doubt_releases, theme="lost", first=2),
    Mutation(name="absence at the first look", apply=absence_at_first_look, theme="lost", first=5),
    Mutation("released twice", released_twice, "mixed"),
    Mutation("unknown price is nothing", unknown_price_is_nothing, "mixed"),
    Mutation(name="429 is a failure", apply=throttled_is_failure, theme="mixed", first=4),
    Mutation("slots ignored", slots_ignored, "mixed"),
    Mutation(name="rate window ignored", apply=rate_ignored, theme="mixed", first=6),
    Mutation("success before storing", success_before_storing, "mixed"),
    Mutation("id only in memory", id_only_in_memory, "mixed"),
    Mutation(name="any candidate adopted", apply=any_candidate_adopted, theme="lost", first=5),
    Mutation("every POST sent twice", posted_twice, "mixed"),
    Mutation("one job over the cap", one_more_than_the_cap, "caps"),
    Mutation("the list is not believed", absence_at_once, "lost"),
    Mutation("refund not waited for", refund_never_due, "caps"),
    Mutation("failure is charged", failure_is_charged, "caps"),
    Mutation("restored store spends", restored_store_spends, "restored"),
    Mutation("copy that lives is not seen", restored_store_spends, "crashes"),
    Mutation("reconcile only lists", reconcile_only_lists, "restored"),
    Mutation("rate window too short", rate_window_too_short, "mixed"),
    Mutation(name="stale grants are used", apply=stale_grants_are_used, theme="zombies", first=8),
    Mutation(name="doubts take no slot", apply=doubts_take_no_slot, theme="lost", first=62),
    Mutation(name="billed is enough", apply=billed_is_enough, theme="lost", first=71),
    Mutation("unsigned webhook is believed", unsigned_webhook_is_believed, "mixed"),
    Mutation("webhook is recorded and forgotten", webhook_is_forgotten, "lost"),
    Mutation("webhook is anybody's", webhook_is_anybodys, "lost"),
    Mutation(name="picture is never lost", apply=picture_is_never_lost, theme="mixed", first=34),
    Mutation("record counts on each page", record_counts_on_each_page, "mixed"),
    Mutation("refund is believed", refund_is_believed, "caps"),
    Mutation("bill trouble ends the worker", bill_trouble_ends_the_worker, "caps"),
    Mutation("surplus is not told", surplus_is_not_told, "caps"),
    Mutation(name="drain never gives up", apply=drain_never_gives_up, theme="lost", first=19),
)


def noticed(mutation: Mutation, seeds_max: int) -> tuple[int, str] | None:
    """How many seeds it took to notice the bug, and by what; None when they did not."""
    with planted(mutation):
        for seeds in range(1, seeds_max + 1):
            failure = simulate(mutation.first + seeds - 1, mutation.theme).failure
            if failure is not None:
                return seeds, failure
    return None


def main() -> int:
    """Print what each planted bug took to be noticed, from the first seed of its theme; 1 when one was
    not."""
    missed = 0
    for mutation in MUTATIONS:
        found = noticed(replace(mutation, first=1), TABLE_SEEDS_MAX)
        missed += found is None
        seeds, by = found or (TABLE_SEEDS_MAX, "not noticed")
        print(f"{mutation.name:<40} {seeds:>4}  {by.splitlines()[0][:90]}", flush=True)
    print(f"{len(MUTATIONS) - missed} of {len(MUTATIONS)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
