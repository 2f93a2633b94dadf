"""What came of verdicts, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from orchestrator.cli.rendering.words import count, rfc3339, safe
from orchestrator.core.money import format_usd
from orchestrator.core.verdicts import JobVerdict

if TYPE_CHECKING:  # `jobs show` names a verdict, and need not load what gives one
    from collections.abc import Sequence

    from orchestrator.actions.choosing.verdicts import Judgeable, VerdictsGiven
    from orchestrator.store.account.acts import Signature
    from orchestrator.store.choosing.verdicts import GivenVerdict, JudgedJob, NotJudged
    from orchestrator.store.views.jobs.following import FollowingStage

SHOWN_MAX: Final = 20
IDS_SHOWN: Final = 5
_DRAIN: Final = "orchestrator work --drain"
_PAST: Final = {"accept": "Accepted", "reject": "Rejected", "clear": "Cleared", "import": "Judged"}


def given_text(given: VerdictsGiven, signed: Signature, verb: str) -> list[str]:
    """How many; whose word was there before; which could not be judged, and why."""
    changed = len(given.changed)
    already = len(given.judged) - changed
    more = f"; {count(already, 'job')} stood like this already" if already else ""
    lines = [f"{_PAST[verb]} {count(changed, 'job')}{more}."]
    through = [item for item in given.judged if item.through]
    lines += [
        f"  job {item.through} has the picture of job {item.job_id}, which is the one that was judged"
        for item in through[:SHOWN_MAX]
    ]
    if len(through) > SHOWN_MAX:
        lines.append(
            f"  and {count(len(through) - SHOWN_MAX, 'more job')} with pictures of earlier runs (--json)"
        )
    overruled = given.overruled(signed)
    lines += [_overruled(item) for item in overruled[:SHOWN_MAX]]
    if len(overruled) > SHOWN_MAX:
        lines.append(f"  and {count(len(overruled) - SHOWN_MAX, 'more job')} that others had judged (--json)")
    return [*lines, *following_text(given.followed), *refused_text(given.refused, "judged")]


def following_text(followed: Sequence[FollowingStage]) -> list[str]:
    """Which stages go on with these pictures, and which do not."""
    lines = [
        f"  {count(each.ready, 'job')} of {safe(each.stage, 40)} may be made now"
        for each in followed
        if each.ready
    ]
    return lines + [
        f"  {count(each.lacking, 'job')} of {safe(each.stage, 40)} "
        f"{'waits' if each.lacking == 1 else 'wait'} without a picture: another try or word gives it"
        for each in followed
        if each.lacking
    ]


def refused_text(refused: Sequence[NotJudged], verb: str) -> list[str]:
    """A line for each job that could not be, and why; a word on how many more there are."""
    lines = [f"  job {item.job_id} was not {verb}: {safe(item.why)}" for item in refused[:SHOWN_MAX]]
    if len(refused) > SHOWN_MAX:
        lines.append(f"  and {count(len(refused) - SHOWN_MAX, 'more job')} (see --json)")
    return lines


def _overruled(item: JudgedJob) -> str:
    assert item.before is not None
    before = item.before
    return (
        f"  job {item.job_id} was {safe(before.opinion.words or 'not judged')} "
        f"(by {safe(before.who)} on {safe(before.host)}, {rfc3339(before.at)}); the last word counts"
    )


def next_steps(given: VerdictsGiven) -> list[tuple[str, str]]:
    """What is worth typing after verdicts: another try of what was rejected, or what nobody has judged."""
    rejected = [item.job_id for item in given.judged if item.after.opinion.verdict is JobVerdict.REJECTED]
    unjudged = ("orchestrator jobs list --state succeeded --verdict none", "lists what nobody has judged")
    if any(each.ready for each in given.followed):
        unjudged = (_DRAIN, "makes what may be made now, under the caps")
    if not rejected:
        return [unjudged]
    ids = " ".join(map(str, rejected)) if len(rejected) <= IDS_SHOWN else "--verdict rejected"
    return [(f"orchestrator redo {ids} --dry-run", "says what another try costs"), unjudged]


def given_document(given: VerdictsGiven) -> dict[str, Any]:
    """Every job with what stood before and what stands now; every refusal."""
    return {
        "changed": len(given.changed),
        "jobs": [
            {
                "id": item.job_id,
                **opinion_document(item.after),
                "changed": item.changed,
                **({} if item.through is None else {"through": item.through}),
                "before": None if item.before is None else opinion_document(item.before),
            }
            for item in given.judged
        ],
        "refused": [{"id": item.job_id, "why": item.why} for item in given.refused],
        "following": [
            {"stage": each.stage, "ready": each.ready, "lacking": each.lacking} for each in given.followed
        ],
        "next_command": next_steps(given)[0][0],
        "spends": next_steps(given)[0][0] == _DRAIN,
    }


def judgeable_document(found: Judgeable, refused: Sequence[NotJudged]) -> dict[str, Any]:
    """What a dry run found."""
    return {
        "dry_run": True,
        "matched": found.jobs,
        "images": found.images,
        "paid_usd": format_usd(found.paid_micros),
        "refused": [{"id": item.job_id, "why": item.why} for item in refused],
        "next_command": None,
        "spends": False,
    }


def opinion_document(given: GivenVerdict) -> dict[str, Any]:
    """One verdict: what was said, by whom, when, through what."""
    said = given.opinion
    return {
        "verdict": None if said.verdict is JobVerdict.NONE else said.verdict,
        "stars": said.stars or None,
        "note": said.note,
        "who": given.who,
        "host": given.host,
        "at": rfc3339(given.at),
        "source": given.source.value,
    }
