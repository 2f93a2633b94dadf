"""Why a job is not running now, in one sentence."""

from collections.abc import Sequence

from orchestrator.core.money import format_usd
from orchestrator.core.states import AttemptState, JobState
from orchestrator.core.taxonomy import MENDED_BY_RETRY, Reason
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Queue
from orchestrator.store.runs.blocked import BlockedJob, Lack
from orchestrator.store.runs.jobs import SUPERSEDED
from orchestrator.store.runs.order import HELD
from orchestrator.store.stops.stops import RATE, Stoppage
from orchestrator.store.views.jobs.detail import AttemptDetail, JobDetail, stops_of
from orchestrator.store.views.jobs.jobs import JobRow

HOPELESS = frozenset(Reason) - MENDED_BY_RETRY
_LIVE = {
    AttemptState.LEASED: "Its input pictures are being prepared; nothing was sent yet.",
    AttemptState.SUBMITTING: "It is being sent to the provider at this moment.",
    AttemptState.FETCHING: "The provider has finished; its pictures are being downloaded and checked.",
}


def why(detail: JobDetail) -> str:
    """One or two sentences; the first obstacle is the one that is reported."""
    job = detail.job
    match JobState(job.state):
        case JobState.SUCCEEDED:
            stored = sum(1 for output in job.outputs if output.path is not None)
            return f"Done: {stored} of {job.images} pictures are stored.{_judged(job)}"
        case JobState.FAILED:
            said = (job.message or job.reason or "no reason was recorded").rstrip(". ")
            return f"Failed: {said}. {_again(detail)}"
        case JobState.REUSED:
            return (
                f"Reused: nothing of what it sends has changed since job {job.reused_from}, whose pictures "
                "it has. It costs nothing. To make it anew: run its manifest with --regenerate all"
            )
        case JobState.CANCELLED:
            return _cancelled(job)
        case JobState.RUNNING:
            return _running(detail) + _troubled(detail)
        case JobState.PENDING:
            return why_it_waits(detail.job, detail.stops, detail.now)


def _cancelled(job: JobRow) -> str:
    again = f"after all: orchestrator jobs retry {job.id}"
    if job.reason == SUPERSEDED:
        return (
            "Cancelled: a later run of its manifest was applied, and asks itself for what it wants. To run "
            f"this one {again}"
        )
    return f"Cancelled by an operator. To run it {again}"


def _judged(job: JobRow) -> str:
    """What is said of the pictures, and whether they are the chosen ones."""
    said = f" {job.verdict.capitalize()}." if job.verdict else ""
    if job.superseded_by is not None:
        said += f" The picture of job {job.superseded_by} has its place."
    return said


class WaitReasons:
    """Why jobs of a long list wait: what stops a lane is read once."""

    def __init__(self, timezone: str) -> None:
        self._timezone = timezone
        self._stops: dict[int, list[Stoppage]] = {}

    def of(self, tx: Tx, job: JobRow) -> str | None:
        """Why it waits; None where it does not."""
        if job.state != JobState.PENDING:
            return None
        stops = self._stops.get(job.lane_id)
        if stops is None:
            stops = self._stops[job.lane_id] = stops_of(tx, job.id, self._timezone)
        return why_it_waits(job, stops, tx.now)


def _again(detail: JobDetail) -> str:
    job = detail.job
    if job.reason in HOPELESS:
        return (
            "The same request would be refused again. To ask otherwise for this one: orchestrator redo "
            f"{job.id} --prompt TEXT; or change its inputs and apply the manifest. To send it as it is all "
            f"the same: orchestrator jobs retry {job.id}"
        )
    return (
        f"No further attempt is made by itself after {job.attempts}; to try again: "
        f"orchestrator jobs retry {job.id}"
    )


def _running(detail: JobDetail) -> str:
    live = detail.live
    if live is None:
        return "It is between two steps; ask again in a moment."
    cancelled = " It will be cancelled when this attempt has ended." if detail.cancel_requested else ""
    return _live(live) + cancelled


def _troubled(detail: JobDetail) -> str:
    """The latest fault of the attempt under way, and when it tries again."""
    live = detail.live
    if live is None or not live.trouble:
        return ""
    seconds = max(0, (live.next_try_at or 0) - detail.now) / 1000
    times = f" {live.trouble_count} times in a row" if live.trouble_count > 1 else ""
    again = f"; the next try is in {seconds:.0f} s" if live.next_try_at else ""
    what = "The last answer" if live.state == AttemptState.IN_FLIGHT else f"The last try failed{times}"
    return f" {what}: {live.trouble}{again}."


def _live(live: AttemptDetail) -> str:
    state = AttemptState(live.state)
    if state is AttemptState.IN_DOUBT:
        said = f" ({live.message})" if live.message else ""
        return (
            f"In doubt: attempt {live.number} may have been accepted and paid, and its reply was lost{said}. "
            f"${format_usd(live.price_micros)} stays held, and it is not sent again until that is known."
        )
    if state is AttemptState.IN_FLIGHT and live.overdue_at is not None:
        return (
            f"Its task {live.prediction_id} is far older than this model's: ask the provider. It is looked "
            "at once a minute and may still end; to give it up: orchestrator in-doubt list."
        )
    if state is AttemptState.IN_FLIGHT:
        return f"The provider works on it (task {live.prediction_id}, {live.status or 'accepted'})."
    return _LIVE.get(state, f"Its attempt {live.number} is {live.state}.")


def why_it_waits(job: JobRow, stops: Sequence[Stoppage], now: int) -> str:
    """Why a waiting job is not running at the time `now`, in ms; `stops` are what stops its lane."""
    stop = next(iter(stops), None)
    if (kept_back := _kept_back(job)) is not None:
        return kept_back
    if stop is not None and stop.reason != RATE:
        return _stopped(stop, job.price_micros)
    if job.queue == Queue.WAITING and job.due_at is not None and job.due_at > now:
        seconds = (job.due_at - now) / 1000
        said = (job.message or job.reason or "").rstrip(". ")
        cause = f" after: {said}" if said else ""
        return f"Waiting to be tried again in {seconds:.0f} s{cause}."
    if job.gated and not job.canary:
        return "Waits for the canary of its run: it is made first, and then waits for approval."
    if stop is not None:
        return f"Ready, and waits for its turn: {stop.message}."
    return (
        "Ready: a worker takes it when a slot and the submits of this minute allow. If none runs: "
        "orchestrator work"
    )


def _kept_back(job: JobRow) -> str | None:
    """Why it would not run whatever else lets it; None where nothing of itself keeps it."""
    if job.queue == Queue.WAITING and job.due_at is None and job.reason == HELD:
        said = (job.message or "").rstrip(". ")
        return f"Held: {said}. To let it run: orchestrator jobs release {job.id}"
    return None if job.blocked is None else lacking(job.blocked)


def lacking(blocked: BlockedJob) -> str:
    """Why a job has not the picture that it takes, and what gives it one."""
    of = f"picture {blocked.index + 1} of job {blocked.source}"
    tried = blocked.tried
    if blocked.lack is Lack.WORD and blocked.why == "blocked":
        return f"Waits for {of}, which waits for an accepted one itself: orchestrator jobs show {tried}"
    if blocked.lack is Lack.WORD:
        return (
            f"Waits until {of} is accepted: look at it with orchestrator review, or: orchestrator accept "
            f"{tried}"
        )
    if blocked.lack is Lack.COMING:
        return f"Waits for {of}, which is not made yet."
    return f"Waits for {of}, and that does not come by itself: {_NOT_COMING[blocked.why].format(id=tried)}"


_NOT_COMING = {
    "failed": "job {id} failed. To try it again: orchestrator jobs retry {id}",
    "cancelled": "job {id} was cancelled. To make it after all: orchestrator jobs retry {id}",
    "rejected": "the picture of job {id} is rejected. To make another: orchestrator redo {id}",
    "flagged": "the picture of job {id} is flagged. To make another: orchestrator redo {id}",
    "absent": "job {id} brought fewer pictures than were asked for. To make it anew: orchestrator redo {id}",
    "blocked": "job {id} has no picture to be made of itself: orchestrator jobs show {id}",
    "reused": "job {id} has no picture any more. To make it anew: run its manifest with --regenerate all",
    "gone": "job {id} is not there any more. Run its manifest again",
}


def _stopped(stop: Stoppage, price_micros: int) -> str:
    if stop.cap is not None:
        return (
            f"Waiting for money: {stop.cap.words} {stop.cap.standing}{stop.kept} and the job costs "
            f"${format_usd(price_micros)}."
        )
    end = " It resumes by itself." if stop.until else ""
    return f"Waiting: {stop.subject} is stopped: {stop.reason}: {stop.message}.{end}".replace("..", ".")
