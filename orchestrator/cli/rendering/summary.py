"""The end of `run` and `work`: what was done, what it cost, where the files are, what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.actions.operator.exit_code import RunFacts
from orchestrator.cli import out, streams
from orchestrator.cli.invocation import Step, next_fields
from orchestrator.cli.rendering.documents import summary_document
from orchestrator.cli.rendering.remedies import remedies
from orchestrator.cli.rendering.stop_text import line, mark
from orchestrator.cli.rendering.words import count, duration, list_words, safe, usd
from orchestrator.core.errors import DatabaseReplacedError, ExitCode, OrchestratorError
from orchestrator.core.money import format_usd
from orchestrator.core.taxonomy import MENDED_BY_RETRY, Reason
from orchestrator.store.stops.stops import Stoppage
from orchestrator.store.views.jobs.places import PicturePlace
from orchestrator.store.views.runs.progress import Progress

REASONS = {
    ExitCode.DONE: "done",
    ExitCode.UNEXPECTED: "unfinished",
    ExitCode.SOME_FAILED: "some_failed",
    ExitCode.BUDGET: "budget",
    ExitCode.OPERATOR: "operator",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.USAGE: "usage",
}

_HEADLINES = {
    ExitCode.DONE: "Finished",
    ExitCode.SOME_FAILED: "Finished with failures",
    ExitCode.BUDGET: "Stopped by a budget",
    ExitCode.OPERATOR: "Stopped: an operator is needed",
    ExitCode.INTERRUPTED: "Interrupted",
    ExitCode.UNEXPECTED: "Stopped with work left",
    ExitCode.USAGE: "Stopped",
}


REFUSED = {
    "moderated": "shows them: change the prompt or the picture, then run the manifest again",
}
"""What mends failures that are refused again as they are."""


@dataclass(frozen=True, slots=True)
class Done:
    """How the work ended."""

    code: ExitCode
    facts: RunFacts
    progress: Progress
    stops: list[Stoppage]
    seconds: float
    avoided_micros: int = 0  # what the reused jobs would have cost
    reused_pictures: int = 0  # of earlier runs, which serve reused jobs
    error: OrchestratorError | None = None  # what stopped it, beyond what the database says
    copies: int = 0  # further files of its pictures, which cost nothing
    places: list[PicturePlace] = field(
        default_factory=list
    )  # where its pictures were stored, by whichever worker


def summarize(
    done: Done,
    root: Path,
    *,
    extra: list[str] | None = None,
    rest: Sequence[Step] = (),
    page: Path | None = None,
) -> ExitCode:
    """Print the summary, as words or as one JSON document; returns the exit code. `rest` is what makes those
    jobs that nobody asked for now; `page` shows its pictures.
    """
    follow = [*(rest if done.code is ExitCode.DONE else ()), *steps(done)]
    shown = {"page": str(page)} if page else {}
    try:
        if out.as_json():
            out.document({**document(done, root), **shown, **next_fields(follow)})
        else:
            last = [f"  page      {safe(page.as_uri())}"] if page else []
            out.answer("\n".join([*text(done, root), *(extra or ()), *last]))
            out.next_steps(follow)
    except BrokenPipeError:
        streams.lead_nowhere("stdout")
    except OSError as error:  # the work itself is as done as it is
        streams.lead_nowhere("stdout")
        streams.say(f"The summary could not be written: {error.strerror}. See it with: orchestrator status")
    if done.error is not None:
        streams.say(f"\n{done.error}")
    return done.code


def document(done: Done, root: Path) -> dict[str, Any]:
    """The summary as JSON."""
    stopped = [{"scope": stop.subject, "reason": stop.reason, "message": stop.message} for stop in done.stops]
    shape = summary_document(
        done.progress,
        exit_code=int(done.code),
        reason=REASONS[done.code],
        seconds=done.seconds,
        outputs=str(root),
    )
    error = {"error": {"code": int(done.code), "message": str(done.error)}} if done.error else {}
    places = [{"host": each.host, "root": each.root, "jobs": each.jobs} for each in done.places]
    extra = {"copies": done.copies, "avoided_usd": format_usd(done.avoided_micros)}
    return {**shape, **extra, "places": places, "stopped": stopped, **error}


def text(done: Done, root: Path) -> list[str]:
    """A handful of lines; those without content are left out."""
    progress = done.progress
    jobs = progress.jobs
    parts = [f"{jobs['succeeded']:,} done", f"{jobs['failed']:,} failed"]
    parts += [f"{jobs['cancelled']:,} cancelled"] if jobs["cancelled"] else []
    parts += [f"{progress.left:,} left"] if progress.left else []
    copies = f", and {done.copies:,} made as copies" if done.copies else ""
    flagged = f", {progress.nsfw:,} flagged" if progress.nsfw else ""
    earlier = f", {done.reused_pictures:,} of earlier runs" if done.reused_pictures else ""
    found = [
        (
            f"{_headline(done)} after {duration(done.seconds)}: {', '.join(parts)} of "
            f"{count(progress.wanted, 'job')}{_reused(done)}"
        ),
        f"  pictures  {progress.stored:,} stored{flagged}{earlier}{copies}",
        f"  files     {files_words(root, done.places)}",
        (
            f"  money     {usd(progress.spent_micros)} spent, {usd(progress.held_micros)} held"
            f"{list_words(progress.of_list)}"
        ),
    ]
    if progress.failures:
        reasons = ", ".join(f"{number:,} {safe(reason)}" for reason, number in progress.failures)
        found.append(f"  failed    {reasons}")
    if progress.in_doubt:
        found.append(
            f"  in doubt  {count(progress.in_doubt, 'attempt')}: may have been paid, so never sent again by "
            "itself"
        )
    found += [f"  {mark(stop):<9} {line(stop)}" for stop in done.stops]
    return found


def _reused(done: Done) -> str:
    reused = done.progress.jobs["reused"]
    return f"; {reused:,} reused, {usd(done.avoided_micros)} avoided" if reused else ""


def _headline(done: Done) -> str:
    if done.code is ExitCode.BUDGET and not any(stop.cap for stop in done.stops):
        return "Stopped at its time (finish_by)"
    return _HEADLINES[done.code]


def files_words(root: Path, places: Sequence[PicturePlace]) -> str:
    """Where the files are: in this folder, unless workers with another one stored some of them."""
    others = [place for place in places if place.root != str(root)]
    if not others:
        return safe(str(root))
    here = sum(place.jobs for place in places) - sum(place.jobs for place in others)
    parts = [f"of {count(here, 'job')} in {safe(str(root))}"] if here else []
    parts += [
        f"of {count(place.jobs, 'job')} in {safe(place.root)} on {safe(place.host)}" for place in others
    ]
    return "; ".join(parts)


def steps(done: Done) -> list[tuple[str, str]]:
    """The commands that follow from this end; none where the database was taken away, because the error says
    what to do.
    """
    if isinstance(done.error, DatabaseReplacedError):
        return []
    progress = done.progress
    found = []
    if progress.in_doubt:
        found.append(("orchestrator in-doubt list", "shows what may have been paid"))
    if progress.jobs["failed"]:
        found += _about_failures(done)
    if progress.left:
        found += remedies(done.stops)
    if progress.left and not found:
        found.append(("orchestrator work --drain", "goes on with what is left"))
    return found or [("orchestrator review", "shows every picture, to accept, reject and redo")]


def _about_failures(done: Done) -> list[tuple[str, str]]:
    """A retry for each reason that a retry can mend; for the others a look at what must be changed first."""
    reasons = [reason for reason, _ in done.progress.failures]
    mended = [reason for reason in reasons if reason in MENDED_BY_RETRY]
    steps = [
        (
            f"orchestrator jobs retry --state failed --reason {_word(reason)}{_scope(done)}",
            "queues these jobs again",
        )
        for reason in mended
    ]
    refused = [reason for reason in reasons if reason not in MENDED_BY_RETRY]
    steps += [
        (
            f"orchestrator jobs list --state failed --reason {_word(reason)}{_scope(done)}",
            REFUSED.get(reason, "shows what was refused, and would be refused again as it is"),
        )
        for reason in refused[:1]
    ]
    if Reason.MODERATED in refused:
        otherwise = f"orchestrator redo --reason {Reason.MODERATED}{_scope(done)} --prompt TEXT"
        steps.append((otherwise, "asks otherwise for these"))
    return steps


def _scope(done: Done) -> str:
    """Filters that name the one run in question; nothing when there are several."""
    if len(done.progress.runs) != 1:
        return ""
    run = done.progress.runs[0]
    return f" --campaign {_word(run.campaign)} --run {_word(run.run)}"


def _word(text: str) -> str:
    import shlex

    return shlex.quote(text)
