"""Give verdicts on jobs, by id or by filter, a chunk at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from orchestrator.core.errors import UsageError
from orchestrator.core.states import JobState
from orchestrator.core.verdicts import STARS_MAX, JobVerdict, Opinion, VerdictSource, plain_text
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing.originals import meant, originals
from orchestrator.store.choosing.verdicts import JudgedJob, NotJudged, judge
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.views.jobs.following import FollowingStage, following
from orchestrator.store.views.jobs.job_names import require_named
from orchestrator.store.views.jobs.jobs import count_paid
from orchestrator.store.views.jobs.walk import JobFilter, page_ids

CHUNK: Final = 500
_WITH_PICTURES: Final = (JobState.SUCCEEDED.value, JobState.REUSED.value)


class Judgeable(NamedTuple):
    """How many jobs a verdict would be given on, their pictures, and what was paid for them in micros."""

    jobs: int
    images: int
    paid_micros: int


@dataclass(slots=True)
class VerdictsGiven:
    """What came of a verdict on some jobs, one by one."""

    judged: list[JudgedJob] = field(default_factory=list)
    refused: list[NotJudged] = field(default_factory=list)
    followed: list[FollowingStage] = field(default_factory=list)  # what waits for these pictures, by stage

    @property
    def changed(self) -> list[JudgedJob]:
        """Those of which something else stands now, or somebody else's word."""
        return [item for item in self.judged if item.changed]

    def overruled(self, signed: Signature) -> list[JudgedJob]:
        """Those on which somebody else had said otherwise."""
        return [
            item
            for item in self.judged
            if item.before is not None
            and (item.before.who, item.before.host) != (signed.who, signed.host)
            and item.before.opinion.words is not None
            and item.before.opinion != item.after.opinion
        ]


def give(
    database: Database,
    wanted: Sequence[int] | JobFilter,
    word: JobVerdict | None,
    *,
    signed: Signature,
    stars: int | None = None,
    note: str | None = None,
    source: VerdictSource = VerdictSource.COMMAND,
) -> VerdictsGiven:
    """Record a verdict on each of the jobs; raises UsageError for stars beyond 5.

    `word` is None where only stars or a note are given, and NONE takes everything back. A job without a
    stored picture is refused with the reason, and holds up no other. Of a filter only the jobs that succeeded
    are meant; NotFoundError is raised for one that names nothing.
    """
    if stars is not None and not 0 <= stars <= STARS_MAX:
        raise UsageError(f"{stars} is no number of stars; expected 0 to {STARS_MAX}. Nothing was changed.")
    given = VerdictsGiven()
    said = Opinion(word, stars, note if note is None else plain_text(note))

    def step(tx: Tx, ids: Sequence[int]) -> None:
        judged, refused = judge(tx, ids, said, signed=signed, source=source)
        given.judged += judged
        given.refused += refused

    if not isinstance(wanted, JobFilter):
        ids = list(dict.fromkeys(wanted))
        for start in range(0, len(ids), CHUNK):
            with database.write() as tx:
                step(tx, ids[start : start + CHUNK])
        return tell_following(database, given)
    with database.read() as tx:
        require_named(tx, wanted)
    after, narrowed = 0, judgeable(wanted)
    while narrowed.states:
        with database.write() as tx:
            page = page_ids(tx, narrowed, after_id=after, limit=CHUNK)
            step(tx, page)
        if len(page) < CHUNK:
            break
        after = page[-1]
        database.give_way()
    return tell_following(database, given)


def tell_following(database: Database, given: VerdictsGiven) -> VerdictsGiven:
    """The same, with what waits for the pictures that were judged."""
    with database.read() as tx:
        given.followed = following(tx, [item.job_id for item in given.judged])
    return given


def judgeable(wanted: JobFilter) -> JobFilter:
    """The filter, narrowed to the jobs that have pictures; without states where it names none of them. Those
    of earlier runs, which reused jobs have, are meant where it says so.
    """
    states = tuple(state for state in wanted.states if state in _WITH_PICTURES)
    return replace(wanted, states=states if wanted.states else (JobState.SUCCEEDED.value,))


def count_judgeable(tx: Tx, wanted: JobFilter) -> Judgeable:
    """What a verdict by this filter would be about; raises NotFoundError for one that names nothing."""
    require_named(tx, replace(wanted, ids=()))  # each job is answered by itself
    narrowed = judgeable(replace(wanted, ids=tuple(meant(wanted.ids, originals(tx, wanted.ids)))))
    return Judgeable(*count_paid(tx, narrowed)) if narrowed.states else Judgeable(0, 0, 0)
