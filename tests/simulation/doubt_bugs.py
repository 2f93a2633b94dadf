"""Bugs planted where it is decided what a lost reply has become, and what is sent after it."""

from dataclasses import replace
from types import SimpleNamespace

from orchestrator.core import evidence
from orchestrator.core.caution import Care
from orchestrator.store.claiming import claim, losses
from orchestrator.worker.doubts import judgement, resolver, windows
from orchestrator.worker.doubts.care import CareTaker
from orchestrator.worker.doubts.resolver import Resolver
from orchestrator.worker.pipeline.submit import Submitter
from orchestrator.worker.upkeep.drain_watchdog import DrainWatchdog

from .planting import Mutation, Patch


def absence_at_first_look(patch: Patch) -> None:
    """An empty list is proof at once, however slow the list is."""
    genuine = windows.as_evidence
    patch(resolver, "as_evidence", lambda deps, row, now: replace(genuine(deps, row, now), settled=True))


def any_candidate_adopted(patch: Patch) -> None:
    """The first task that nobody holds is taken for ours."""

    genuine = evidence.judge

    def judge(doubts, candidates, *, inputs_trusted):
        pairs = list(zip(doubts, candidates, strict=False))
        rest = genuine(doubts[len(pairs) :], (), inputs_trusted=inputs_trusted)
        taken = tuple((doubt.attempt_id, found.prediction_id) for doubt, found in pairs)
        return replace(rest, adopt=taken)

    patch(judgement, "evidence", SimpleNamespace(**{**vars(evidence), "judge": judge}))


def absence_at_once(patch: Patch) -> None:
    """A doubt is given up as soon as its settle delay has passed, whatever the list shows."""
    genuine = evidence.judge

    def judge(doubts, candidates, *, inputs_trusted):
        return genuine(doubts, (), inputs_trusted=inputs_trusted)

    patch(judgement, "evidence", SimpleNamespace(**{**vars(evidence), "judge": judge}))


def billed_is_enough(patch: Patch) -> None:
    """A task that only the bill shows is taken for ours before the list can show what it asked for."""

    def candidate(*, listed, **facts):
        return evidence.Candidate(**facts)

    patch(judgement, "evidence", SimpleNamespace(**{**vars(evidence), "Candidate": candidate}))


def every_loss_is_an_answer(patch: Patch) -> None:
    """A connection that broke is taken for the end of what the provider does."""
    genuine = Submitter._doubt

    async def doubt(self, attempt, outcome):
        await genuine(self, attempt, replace(outcome, answered=True))

    patch(Submitter, "_doubt", doubt)


def care_never_ends(patch: Patch) -> None:
    """After the first lost reply nothing is sent any more, and nobody says so."""
    genuine = losses.after_losses
    asked = CareTaker.asked

    def still(self):
        return asked(self) or (Care(1000, 300, frozenset()) if self._until > 0 else None)

    patch(CareTaker, "asked", still)
    patch(claim, "after_losses", lambda tx, care: losses.AfterLosses(0, None) if care else genuine(tx, care))


def resolver_sleeps(patch: Patch) -> None:
    """Nobody wakes the resolver, which looks once an hour."""
    genuine = Resolver._seconds_to_check
    patch(Resolver, "_seconds_to_check", lambda self, unreported: genuine(self, unreported) + 3600)


def drain_never_gives_up(patch: Patch) -> None:
    """A worker that drains waits for ever for a list or a bill that cannot be read."""
    patch(DrainWatchdog, "_why_blocked", lambda self, activity, unreadable, monotonic: None)


DOUBT_BUGS = (
    Mutation(name="absence at the first look", apply=absence_at_first_look, theme="lost", first=15),
    Mutation(name="any candidate adopted", apply=any_candidate_adopted, theme="lost", first=13),
    Mutation(name="the list is not believed", apply=absence_at_once, theme="lost", first=14),
    Mutation(name="billed is enough", apply=billed_is_enough, theme="billed", first=18),
    Mutation("every loss is an answer", every_loss_is_an_answer, "alone"),
    Mutation(name="drain never gives up", apply=drain_never_gives_up, theme="lost", first=26),
    Mutation(name="care never ends", apply=care_never_ends, theme="lost", first=6),
    Mutation(name="resolver sleeps", apply=resolver_sleeps, theme="lost", first=3),
)
