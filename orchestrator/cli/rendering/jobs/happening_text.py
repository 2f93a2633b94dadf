"""Events and acts in words: a line each, and one line for what a command did to many jobs."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from orchestrator.cli.rendering.words import rfc3339, safe
from orchestrator.store.views.happened.happenings import Happening

JOBS_NAMED = 5


def lines(items: Iterable[Happening]) -> Iterator[str]:
    """A line for each; jobs that one command changed in one way share a line."""
    for _, group in groupby(items, key=_alike):
        alike = list(group)
        yield _line(alike[0], [item.job_id for item in alike if item.job_id is not None])


def history_line(item: Happening) -> str:
    """One line of the timeline of a job."""
    told = act_text(item) if item.act is not None else f"{item.kind}: {safe(item.message)}"
    return f"{rfc3339(item.at)}  {told}"


def document(item: Happening) -> dict[str, object]:
    """One line of `events --json`."""
    act = item.act
    return {
        "at": rfc3339(item.at),
        "type": "event" if act is None else "act",
        "kind": item.kind,
        "message": item.message,
        "campaign": item.campaign,
        "name": item.name,
        "run": item.run,
        "job": item.job_id,
        "attempt": item.attempt_id,
        "who": act and act.who,
        "host": act and act.host,
        "subject": act and act.subject,
        "old": act and act.old,
        "new": act and act.new,
        "why": act and act.why,
    }


def act_text(item: Happening, *, subject: str | None = None) -> str:
    """An act without its time: by which command, whose, what it changed, and why."""
    act = item.act
    assert act is not None, "only acts are signed"
    change = f"{subject or act.subject}: {act.old or 'none'} became {act.new or 'none'}"
    why = f" ({act.why})" if act.why else ""
    return safe(f"{item.kind} by {act.who} on {act.host}: {change}{why}")


def _alike(item: Happening) -> object:
    """What is equal in happenings that share a line; each that is about no job is by itself."""
    if item.job_id is None:
        return item.act is None, item.id
    act = item.act
    if act is None:
        return item.kind, item.message
    return item.kind, act.who, act.host, act.old, act.new, act.why


def _line(item: Happening, jobs: list[int]) -> str:
    at = rfc3339(item.at - item.at % 1000)
    named = ", ".join(str(job) for job in jobs[:JOBS_NAMED])
    more = f" and {len(jobs) - JOBS_NAMED:,} more" if len(jobs) > JOBS_NAMED else ""
    about = f"job{'s' if len(jobs) > 1 else ''} {named}{more}"
    if item.act is not None:
        return f"{at}  {act_text(item, subject=about if len(jobs) > 1 else None)}"
    return f"{at}  {item.kind}: {safe(f'{about}: {item.message}' if jobs else item.message)}"
