"""Bugs planted on purpose: each removes one thing that money depends on, and the simulation must notice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import starmap
from types import SimpleNamespace
from typing import Any

from orchestrator.core.states import AttemptEvent
from orchestrator.store.attempts import endings, leases, lifecycle
from orchestrator.store.doubts import adoption
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.pipeline.fetch import Fetcher
from orchestrator.worker.upkeep.drain_watchdog import DrainWatchdog

from .decision_bugs import cap_is_nobodys_act, key_is_the_accounts, worker_brings_its_caps
from .doubt_bugs import (
    absence_at_first_look,
    absence_at_once,
    any_candidate_adopted,
    billed_is_enough,
    care_never_ends,
    every_loss_is_an_answer,
    resolver_sleeps,
)
from .ending_bugs import no_outputs_at_first_look, nothing_is_overdue, refusal_is_tried_again
from .money_bugs import (
    Patch,
    bill_teaches_nothing,
    bill_trouble_ends_the_worker,
    caps_not_held,
    failure_is_charged,
    implausible_bill_frees_the_cap,
    one_more_than_the_cap,
    partial_refund_is_whole,
    record_counts_on_each_page,
    refund_is_believed,
    refund_lapses_unread,
    refund_never_due,
    released_twice,
    surplus_is_not_told,
    unknown_price_is_nothing,
)
from .picture_bugs import (
    copy_recorded_before_it_exists,
    late_copies_are_forgotten,
    unproven_is_dropped,
)
from .price_bugs import PRICE_BUGS
from .seed import simulate
from .sending_bugs import (
    doubts_take_no_slot,
    fence_removed,
    id_only_in_memory,
    post_again_when_lost,
    post_before_commit,
    posted_twice,
    rate_ignored,
    rate_window_too_short,
    slots_ignored,
    stale_grants_are_used,
    success_before_storing,
    throttled_is_failure,
)
from .webhook_bugs import unsigned_webhook_is_believed, webhook_is_anybodys, webhook_is_forgotten
from .word_bugs import default_is_a_word, later_file_wins, unnamed_cap_is_removed

TABLE_SEEDS_MAX = 500


@dataclass(frozen=True)
class Mutation:
    """What is broken, by which patches, and the theme whose seeds are to notice it."""

    name: str
    apply: Callable[[Patch], None]
    theme: str
    first: int = 1  # the seed to begin with: one that is known to notice saves time
    database: str = "sqlite"


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


def restored_store_spends(patch: Patch) -> None:
    """Nobody compares the provider's list with a store that was put back."""

    async def check(self):
        return None

    patch(RestoredCopyCheck, "check", check)


def reconcile_only_lists(patch: Patch) -> None:
    """Tasks of a gap are noted, and the jobs that wanted them buy them again."""
    patch(adoption, "assign", lambda *_args, **_more: False)


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


def rescue_forgets_the_second(patch: Patch) -> None:
    """On a server, of several requests that were under way the second and later are sent again."""
    genuine = lifecycle.mark_in_doubt

    def mark(tx, rows):
        kept = rows if tx.conn.dialect.name == "sqlite" else rows[:1]
        return [*genuine(tx, kept), *_released(tx, rows[len(kept) :])]

    patch(leases, "lifecycle", SimpleNamespace(**{**vars(lifecycle), "mark_in_doubt": mark}))


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
    Mutation(name="nothing is overdue", apply=nothing_is_overdue, theme="mixed", first=16),
    Mutation(name="a refusal is tried again", apply=refusal_is_tried_again, theme="mixed", first=3),
    Mutation(name="no outputs at the first look", apply=no_outputs_at_first_look, theme="mixed", first=14),
    Mutation("restored store spends", restored_store_spends, "restored"),
    Mutation("copy that lives is not seen", restored_store_spends, "crashes"),
    Mutation("reconcile only lists", reconcile_only_lists, "restored"),
    Mutation("rate window too short", rate_window_too_short, "mixed"),
    Mutation(name="stale grants are used", apply=stale_grants_are_used, theme="zombies", first=8),
    Mutation(name="doubts take no slot", apply=doubts_take_no_slot, theme="lost", first=62),
    Mutation(name="billed is enough", apply=billed_is_enough, theme="lost", first=79),
    Mutation("unsigned webhook is believed", unsigned_webhook_is_believed, "mixed"),
    Mutation("webhook is recorded and forgotten", webhook_is_forgotten, "lost"),
    Mutation("webhook is anybody's", webhook_is_anybodys, "lost"),
    Mutation(name="picture is never lost", apply=picture_is_never_lost, theme="mixed", first=34),
    Mutation("record counts on each page", record_counts_on_each_page, "mixed"),
    Mutation("refund is believed", refund_is_believed, "caps"),
    Mutation("bill trouble ends the worker", bill_trouble_ends_the_worker, "caps"),
    Mutation("surplus is not told", surplus_is_not_told, "caps"),
    Mutation("cap is nobody's act", cap_is_nobodys_act, "caps"),
    Mutation("worker brings its caps", worker_brings_its_caps, "caps"),
    Mutation("key is the account's", key_is_the_accounts, "mixed"),
    Mutation("later file wins", later_file_wins, "caps"),
    Mutation("unnamed cap is removed", unnamed_cap_is_removed, "caps"),
    Mutation("default is a word", default_is_a_word, "caps"),
    *starmap(Mutation, PRICE_BUGS),
    Mutation("partial refund is whole", partial_refund_is_whole, "caps"),
    Mutation(
        name="implausible bill frees the cap",
        apply=implausible_bill_frees_the_cap,
        theme="caps",
        first=59,
    ),
    Mutation(name="bill teaches nothing", apply=bill_teaches_nothing, theme="mixed", first=42),
    Mutation("refund lapses unread", refund_lapses_unread, "long"),
    Mutation("copy recorded before it exists", copy_recorded_before_it_exists, "mixed"),
    Mutation("late copies are forgotten", late_copies_are_forgotten, "mixed"),
    Mutation(name="unproven is dropped", apply=unproven_is_dropped, theme="mixed", first=34),
    Mutation(name="drain never gives up", apply=drain_never_gives_up, theme="lost", first=19),
    Mutation(name="every loss is an answer", apply=every_loss_is_an_answer, theme="lost", first=54),
    Mutation("care never ends", care_never_ends, "lost"),
    Mutation(name="resolver sleeps", apply=resolver_sleeps, theme="lost", first=3),
    Mutation(
        name="rescue forgets the second",
        apply=rescue_forgets_the_second,
        theme="crashes",
        first=6,
        database="postgres",
    ),
)


def noticed(mutation: Mutation, seeds_max: int) -> tuple[int, str] | None:
    """How many seeds it took to notice the bug, and by what; None when they did not."""
    with planted(mutation):
        for seeds in range(1, seeds_max + 1):
            seed = mutation.first + seeds - 1
            failure = simulate(seed, mutation.theme, database=mutation.database).failure
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
