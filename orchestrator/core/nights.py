"""What a run makes of the jobs that earlier runs of the same manifest have made already.

| The rule | good picture | none, a try failed or was cancelled | it is rejected | never asked for |
|---|---|---|---|---|
| `all` | bought | bought | bought | bought |
| `changed` | reused | bought | bought | bought |
| `failed` | reused | bought | left alone | left alone |
| `rejected` | reused | left alone | bought | left alone |

A *good picture* is stored, not discarded and not rejected, of a job with the same key in any other run of the
same campaign and name. With `older_than` a picture counts until it is so old. With `changed` it counts no
longer once an https input serves another picture (`url_inputs`), or the model has a newer revision than the
one that made it (`on_model_change: regenerate`). What another run is making at this moment,
or may have paid for, is never bought beside it, but for `all`, which asks for just that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.core.url_inputs import UrlInputs


class Regenerate(StrEnum):
    """Which jobs of a run are made anew."""

    ALL = "all"
    CHANGED = "changed"
    FAILED = "failed"
    REJECTED = "rejected"


class Leftovers(StrEnum):
    """What becomes of jobs that wait in earlier runs when a later one of the same manifest is applied."""

    CANCEL = "cancel"  # they are superseded
    CARRY = "carry"  # they stay, and the later run does not ask for the same
    KEEP = "keep"  # they stay, and the later run asks for its own


class Orphans(StrEnum):
    """What becomes of a stable name whose row is gone from the data."""

    KEEP = "keep"
    RETIRE = "retire"


class OnModelChange(StrEnum):
    """What becomes of good pictures that an older revision of the model has made."""

    KEEP = "keep"
    REGENERATE = "regenerate"


class Fate(StrEnum):
    """What a run does about one job."""

    BUY = "buy"
    REUSE = "reuse"
    UNDER_WAY = "under_way"  # another run is making it
    LEAVE = "leave"  # the rule does not ask for it, or an https input of it is gone


@dataclass(frozen=True, slots=True)
class NightRule:
    """What a manifest, or a command, says of earlier runs."""

    regenerate: Regenerate = Regenerate.ALL
    older_than_ms: int | None = None
    leftovers: Leftovers = Leftovers.KEEP
    url_inputs: UrlInputs = UrlInputs.URL
    model_revision: int | None = None  # what an older one made has changed; None: the model has no say
    asks: bool = False  # what https inputs serve is asked, for this night or a later one

    @property
    def looks_back(self) -> bool:
        """Whether earlier runs matter at all."""
        return self.regenerate is not Regenerate.ALL or self.leftovers is not Leftovers.KEEP or self.asks

    @property
    def heeds_addresses(self) -> bool:
        """Whether it matters which https inputs a job has."""
        return self.asks or self.url_inputs is UrlInputs.ALWAYS


@dataclass(frozen=True, slots=True)
class GoodPicture:
    """A good picture, as a job has it."""

    job_id: int
    at: int  # ms; when the job ended
    accepted: bool = False
    taken: str | None = None  # digest of the picture of another job that it was made from
    revision: int = 1  # of the model that made it


@dataclass(frozen=True, slots=True)
class Past:
    """What other runs of the manifest hold for one job key."""

    made: GoodPicture | None = None
    rejected: bool = False  # some picture of it is
    failed: bool = False  # some try of it failed or was cancelled
    under_way: bool = False  # claimed by a worker, or in doubt: it may be paid for
    waiting: bool = False  # pending, in a run that this one does not supersede
    by_address: bool = False  # it has https inputs
    differs: bool = False  # one of them serves another picture than the one that `made` was made from
    gone: bool = False  # nothing is there at one of them any more


NOTHING = Past()


def fate(rule: NightRule, past: Past, now: int) -> Fate:
    """What becomes of one job that the run does not have yet; `now` in ms. What would fail over an input that
    is gone is not bought.
    """
    found = _fate(rule, past, now)
    return Fate.LEAVE if found is Fate.BUY and past.gone else found


def _fate(rule: NightRule, past: Past, now: int) -> Fate:
    if rule.regenerate is Regenerate.ALL:
        return Fate.UNDER_WAY if past.waiting and rule.leftovers is Leftovers.CARRY else Fate.BUY
    made = past.made
    fresh = made is not None and (rule.older_than_ms is None or now - made.at < rule.older_than_ms)
    changed = rule.regenerate is Regenerate.CHANGED and _has_other_inputs(rule, past)
    if fresh and not changed and not is_outdated(rule, past):
        return Fate.REUSE
    if past.under_way or past.waiting:
        return Fate.UNDER_WAY
    if rule.regenerate is Regenerate.CHANGED:
        return Fate.BUY
    wanted = past.failed if rule.regenerate is Regenerate.FAILED else past.rejected
    return Fate.BUY if wanted else Fate.LEAVE


def _has_other_inputs(rule: NightRule, past: Past) -> bool:
    """Whether its https inputs count as others than those that its picture was made from."""
    return past.differs or (rule.url_inputs is UrlInputs.ALWAYS and past.by_address)


def is_outdated(rule: NightRule, past: Past) -> bool:
    """Whether its good picture is of an older revision of the model than the rule wants."""
    wanted = rule.model_revision if rule.regenerate is Regenerate.CHANGED else None
    return wanted is not None and past.made is not None and past.made.revision < wanted


def baseline(own: GoodPicture | None, tries: Iterable[GoodPicture]) -> GoodPicture | None:
    """Which good picture of a job counts: of the newest of its own key and the further tries since then an
    accepted one, or else the newest. A try from before is no baseline, accepted or not: a run bought the
    picture anew beside it, over its age, its inputs or its model, and each later one would again.
    """
    known = [each for each in tries if own is None or each.job_id > own.job_id]
    return max([*known, *([own] if own else [])], key=lambda each: (each.accepted, each.job_id), default=None)


@dataclass(frozen=True, slots=True, order=True)
class StableTry:
    """A good picture that may have a stable name; in the order in which one is better than another."""

    run_id: int  # the last run that asked for it
    accepted: bool
    job_id: int
    picture: Any = field(default=None, compare=False)


def stable_choice(tries: Iterable[StableTry]) -> StableTry | None:
    """The picture of a stable name: of what was asked for last an accepted one, or else the newest."""
    return max(tries, default=None)


def finish_at(by: str, after_ms: int, timezone: str) -> int:
    """The first time, in ms, at or after which the clock of a zone shows `by` (HH:MM), later than `after_ms`.

    A time that a change to summer time leaves out counts from the moment of the change; one that comes twice
    counts at its first coming.
    """
    zone = ZoneInfo(timezone)
    clock = time.fromisoformat(by)
    day = datetime.fromtimestamp(after_ms / 1000, tz=UTC).astimezone(zone).date()
    for ahead in range(3):
        local = datetime.combine(day + timedelta(days=ahead), clock, tzinfo=zone)
        found = int(local.timestamp() * 1000)
        if found > after_ms:
            return found
    raise AssertionError(f"no {by} within three days in {timezone}")
