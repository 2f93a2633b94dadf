"""Ask for another try of jobs: a waiting job beside each, made under the caps. Spends nothing."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.actions.choosing.redo_specs import TryMaker, sentences
from orchestrator.actions.planning.apply import Pricing
from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing import new_tries, redo_sources
from orchestrator.store.choosing.new_tries import RedoneJob, WantedTry, add_tries
from orchestrator.store.choosing.originals import meant, originals, run_of
from orchestrator.store.choosing.redo_sources import RedoSource
from orchestrator.store.choosing.verdicts import NotJudged
from orchestrator.store.db.database import Database
from orchestrator.store.money import quotes
from orchestrator.store.runs.runs import run_by_id
from orchestrator.store.views.jobs.job_names import require_named
from orchestrator.store.views.jobs.walk import JobFilter, page_ids

CHUNK: Final = 200
REDOABLE: Final = (JobState.SUCCEEDED.value, JobState.FAILED.value)


@dataclass(frozen=True, slots=True)
class AnotherTry:
    """A job that waits to be made, and what it costs now; `job_id` is 0 where it was only asked about. Not
    `created`: the same request had made it before.
    """

    job_id: int
    of: int
    price_micros: int
    list_micros: int
    images: int
    created: bool = True


@dataclass(slots=True)
class Redone:
    """What came of a wish for other tries."""

    tries: list[AnotherTry] = field(default_factory=list)
    refused: list[NotJudged] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    passed_over: int = 0  # jobs of a filter that have another try already
    run_ids: set[int] = field(default_factory=set)
    prices_are_live: bool = False

    @property
    def cost_micros(self) -> int:
        """What one attempt at each of the new jobs costs."""
        return sum(item.price_micros for item in self.tries if item.created)


def redo(
    database: Database,
    wanted: Sequence[int] | JobFilter,
    *,
    signed: Signature,
    changes: Mapping[str, str] | None = None,
    pricing: Pricing | None = None,
    request: str | None = None,
    dry_run: bool = False,
) -> Redone:
    """Add a waiting job for each, with its pictures and axes, and with other values where `changes` has them.

    Everything is checked and priced first: UsageError carries every value that cannot be sent, and then
    nothing is written. A job that has no picture yet is refused with the reason, and holds up no other. Of a
    filter only those jobs are meant that are over, and that have no other try already; NotFoundError is
    raised for one that names nothing. Two wishes with the same `request` make one job. With `dry_run` nothing
    is written.
    """
    if isinstance(wanted, JobFilter):
        with database.read() as tx:
            require_named(tx, wanted)
    wish = _Redoing(
        database, wanted, maker=TryMaker(changes or {}), pricing=pricing or Pricing(), request=request
    )
    redone = wish.asked()
    if dry_run:
        return redone
    return wish.done(redone, signed)


class _Redoing:
    def __init__(
        self,
        database: Database,
        wanted: Sequence[int] | JobFilter,
        *,
        maker: TryMaker,
        pricing: Pricing,
        request: str | None,
    ) -> None:
        self._database = database
        self._wanted = wanted
        self._maker = maker
        self._pricing = pricing
        self._request = request

    def asked(self) -> Redone:
        """Look at all of them: what would be made, what it costs, what cannot be."""
        redone = Redone()
        found: list[tuple[RedoSource, WantedTry]] = []
        self._mean_originals(redone)
        for ids in self._pages():
            with self._database.read() as tx:
                sources = redo_sources.sources(tx, ids)
            found += self._ready(ids, sources, redone)
        self._maker.problems.refuse()
        redone.warnings += sentences(self._maker.problems.warnings)
        prices = self._pricing.prices
        for source, wanted in found:
            prices.note(source.model, [wanted.spec])
        prices.ask()
        redone.prices_are_live = bool(found) and prices.complete
        held = self._held([wanted for _source, wanted in found])
        for source, wanted in found:
            spec = wanted.spec
            lane = held.get((source.run_id, spec.priced_by), spec.price_micros)
            redone.tries.append(
                AnotherTry(
                    job_id=0,
                    of=source.job_id,
                    price_micros=prices.micros(source.model, spec.priced_by, lane),
                    list_micros=spec.price_micros,
                    images=spec.images,
                )
            )
            redone.run_ids.add(source.run_id)
            redone.warnings += _besides(source)
        return redone

    def done(self, asked: Redone, signed: Signature) -> Redone:
        """Add the jobs that were asked about, a chunk at a time; each is looked at again."""
        prices = {item.of: item for item in asked.tries}
        asked.tries = []
        for ids in _chunks(list(prices)):
            made: dict[int, RedoneJob] = {}
            with self._database.write() as tx:
                new_tries.lock(tx)
                sources = redo_sources.sources(tx, ids, locked=True)
                ready = self._ready(ids, sources, asked)
                for run_id, wanted in _by_run(ready).items():
                    run = run_by_id(tx, run_id)
                    agreed = self._pricing.prices.agreed(tx, run.model, shown=self._pricing.shown)
                    quotes.agree(tx, run.id, agreed)
                    quotes.end_pause_when_agreed(tx, run.model, drift_percent=self._pricing.drift_percent)
                    added = add_tries(tx, run, wanted, agreed=agreed, signed=signed)
                    made.update({item.of: item for item in added})
                    for seen in self._pricing.prices.seen(run.model):
                        quotes.learn(tx, seen, drift_percent=self._pricing.drift_percent)
            asked.tries += [_numbered(prices[of], made[of]) for of in ids if of in made]
        return asked

    def _mean_originals(self, redone: Redone) -> None:
        """Of a reused job that is named the one is meant whose picture it has."""
        if isinstance(self._wanted, JobFilter):
            return
        with self._database.read() as tx:
            found = originals(tx, self._wanted)
            self._wanted = meant(self._wanted, found)
            redone.warnings += [
                f"job {job_id} has the picture of job {origin} of {run_of(tx, origin)}: that one is asked "
                "for once more, in its run and under its caps"
                for job_id, origin in found.items()
            ]

    def _pages(self) -> Iterator[list[int]]:
        if not isinstance(self._wanted, JobFilter):
            yield from _chunks(list(dict.fromkeys(self._wanted)))
            return
        narrowed, after = redoable(self._wanted), 0
        while narrowed.states:
            with self._database.read() as tx:
                page = page_ids(tx, narrowed, after_id=after, limit=CHUNK)
            yield page
            if len(page) < CHUNK:
                return
            after = page[-1]

    def _ready(
        self, ids: Sequence[int], sources: Mapping[int, RedoSource], redone: Redone
    ) -> list[tuple[RedoSource, WantedTry]]:
        found = []
        for job_id in ids:
            source = sources.get(job_id)
            if source is None:
                redone.refused.append(NotJudged(job_id, "there is no such job"))
            elif source.tries and isinstance(self._wanted, JobFilter):
                redone.passed_over += 1
            elif isinstance(spec := self._maker.spec(source), NotJudged):
                redone.refused.append(spec)
            else:
                found.append((source, WantedTry(source, spec, self._request)))
        return found

    def _held(self, wanted: Sequence[WantedTry]) -> dict[tuple[int, str], int]:
        """What the lanes that exist hold for one job, by run and price digest."""
        digests: dict[int, set[str]] = defaultdict(set)
        for item in wanted:
            digests[item.source.run_id].add(item.spec.priced_by)
        with self._database.read() as tx:
            return {
                (run_id, digest): micros
                for run_id, mine in digests.items()
                for digest, micros in redo_sources.lane_prices(tx, run_id, mine).items()
            }


def redoable(wanted: JobFilter) -> JobFilter:
    """The filter, narrowed to the states that another try is made from: succeeded, and failed where it names
    them or a reason.
    """
    states = tuple(state for state in wanted.states if state in REDOABLE)
    default = REDOABLE if wanted.reason else (JobState.SUCCEEDED.value,)
    return replace(wanted, states=states if wanted.states else default)


def _besides(source: RedoSource) -> list[str]:
    """What a person should know who asks for another try of this job."""
    found = []
    if source.tries:
        named = ", ".join(map(str, source.tries))
        found.append(f"job {source.job_id} has another try already: job {named}")
    if source.verdict == JobVerdict.ACCEPTED:
        found.append(f"job {source.job_id} is accepted, and stays the choice until another try is accepted")
    return found


def _by_run(ready: Sequence[tuple[RedoSource, WantedTry]]) -> dict[int, list[WantedTry]]:
    found: dict[int, list[WantedTry]] = defaultdict(list)
    for source, wanted in ready:
        found[source.run_id].append(wanted)
    return dict(sorted(found.items()))


def _numbered(asked: AnotherTry, made: RedoneJob) -> AnotherTry:
    return replace(asked, job_id=made.job_id, created=made.created)


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield list(ids[start : start + CHUNK])
