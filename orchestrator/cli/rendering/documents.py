"""The JSON documents that other programs rely on: money as decimal strings in USD, times as RFC 3339 in
UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.cli.rendering.jobs import happening_text
from orchestrator.cli.rendering.jobs.acceptance_text import acceptance_document
from orchestrator.cli.rendering.money.forecast_text import forecast_document
from orchestrator.cli.rendering.schedule_text import schedule_document
from orchestrator.cli.rendering.words import rfc3339
from orchestrator.core.money import format_usd
from orchestrator.store.stops.attention import ATTENTION

if TYPE_CHECKING:  # a listing need not load what expands manifests
    from collections.abc import Sequence

    from orchestrator.actions.operator.fleet_words import FleetDifference
    from orchestrator.store.money.caps import Cap
    from orchestrator.store.stops.stops import Stoppage
    from orchestrator.store.views.jobs.detail import AttemptDetail, JobDetail
    from orchestrator.store.views.jobs.job_outputs import OutputRow
    from orchestrator.store.views.jobs.jobs import JobRow
    from orchestrator.store.views.runs.overview import Overview, RunRow
    from orchestrator.store.views.runs.owners import CampaignRow
    from orchestrator.store.views.runs.progress import Progress

Json = dict[str, Any]


def difference_document(item: FleetDifference) -> Json:
    """A cap or limit that a file names otherwise than it is in force."""
    return {
        "subject": item.subject,
        "file": item.said_by,
        "wanted": item.wanted,
        "in_force": item.in_force,
        "message": item.comparison,
    }


def status_document(status: Overview, differences: Sequence[FleetDifference] = (), *, now: int = 0) -> Json:
    """Runs, budgets, what is stopped, schedules if there are any; `differences` where this configuration says
    other than is in force.
    """
    document: Json = {
        "runs": [_run_with_verdicts(row, status) for row in status.runs],
        "budgets": [budget_document(cap) for cap in status.caps],
        "stopped": [stopped_document(stop) for stop in status.stops],
        "forecast": [forecast_document(each) for each in status.forecasts],
    }
    if status.schedules:
        document["schedules"] = [schedule_document(row, now) for row in status.schedules]
    if differences:
        document["differences"] = [difference_document(item) for item in differences]
    return document


def run_document(row: RunRow) -> Json:
    """One run of `status`."""
    return {
        "campaign": row.campaign,
        "name": row.name,
        "run": row.run,
        "jobs": row.jobs,
        "in_doubt": row.in_doubt,
        "images": {"stored": row.stored, "nsfw": row.nsfw},
        "spent_usd": format_usd(row.spent_micros),
        "held_usd": format_usd(row.held_micros),
    }


def _run_with_verdicts(row: RunRow, status: Overview) -> Json:
    found = status.accepted.get(row.id)
    return {**run_document(row), **({"acceptance": acceptance_document(found)} if found else {})}


def budget_document(cap: Cap) -> Json:
    """One cap in its current period."""
    return {
        "scope": cap.scope.value,
        "name": cap.name,
        "window": cap.window.value,
        "cap_usd": format_usd(cap.cap_micros),
        "spent_usd": format_usd(cap.spent_micros),
        "held_usd": format_usd(cap.reserved_micros),
        "remaining_usd": format_usd(cap.remaining_micros),
        "over_usd": format_usd(cap.over_micros),
    }


def stopped_document(stop: Stoppage) -> Json:
    """One stop. What only needs attention says more: nothing else tells what it is about."""
    about = {"message": stop.message, "next_try_at": rfc3339(stop.until)}
    shape = {"scope": stop.subject, "reason": stop.reason, "since": rfc3339(stop.since)}
    return {**shape, **about} if stop.reason in ATTENTION else shape


def job_document(row: JobRow, why: str | None = None) -> Json:
    """One line of `jobs list --json`; `why` says why a waiting job waits."""
    return {
        "id": row.id,
        "campaign": row.campaign,
        "name": row.name,
        "run": row.run,
        "key": row.key,
        "variation": row.variation,
        "state": row.state,
        "reason": row.reason or row.attention,
        **({"trouble": row.trouble} if row.trouble else {}),
        "params": row.params,
        "tags": row.tags,
        "axes": dict(row.axes),
        "price_usd": format_usd(row.price_micros),
        "cost_usd": format_usd(row.cost_micros),
        "attempts": row.attempts,
        "prediction_id": row.prediction_id,
        "inference_ms": row.inference_ms,
        "outputs": [output_document(item) for item in row.outputs if item.path is not None],
        "created_at": rfc3339(row.created_at),
        "finished_at": rfc3339(row.finished_at),
        "verdict": row.verdict,
        "stars": row.stars,
        "note": row.note,
        "superseded_by": row.superseded_by,
        "redo_of": row.redo_of,
        "stage": row.stage or None,
        "needs_job": row.needs_job,
        "needs_index": row.needs_index,
        "reused_from": row.reused_from,
        "charged_usd": None if row.charged_micros is None else format_usd(row.charged_micros),
        "why": why,
    }


def output_document(row: OutputRow) -> Json:
    """One stored picture."""
    return {
        "index": row.index,
        "kept_from_attempt": row.kept_from,
        "copy": row.is_copy,
        "path": row.path,
        "sha256": row.sha256,
        "bytes": row.bytes,
        "media_type": row.media_type,
        "width": row.width,
        "height": row.height,
        "nsfw": row.nsfw,
        "clean_path": row.clean_path,
        "superseded_by": row.superseded_by,
        "moving_to": row.moving_to,
    }


def detail_document(detail: JobDetail, why: str) -> Json:
    """`jobs show`: the job as it is listed, with its timeline and why it is not running now."""
    return {
        **job_document(detail.job),
        "model": detail.model,
        "manifest": detail.manifest_path,
        "message": detail.job.message,
        "unproven": [item.unproven for item in detail.job.outputs if item.unproven is not None],
        "why": why,
        "timeline": [attempt_document(item) for item in detail.attempts],
        "events": [
            {"at": rfc3339(item.at), "kind": item.kind, "message": item.message} for item in detail.events
        ],
        "acts": [happening_text.document(item) for item in detail.history if item.act is not None],
        "checks": [
            {"name": each.name, "index": each.index, "passed": each.passed, "reason": each.reason}
            for each in detail.checks
        ],
    }


def attempt_document(item: AttemptDetail) -> Json:
    """One try."""
    return {
        "number": item.number,
        "state": item.state,
        "worker": item.worker,
        "leased_at": rfc3339(item.leased_at),
        "submitted_at": rfc3339(item.submitted_at),
        "accepted_at": rfc3339(item.accepted_at),
        "completed_at": rfc3339(item.completed_at),
        "finished_at": rfc3339(item.finished_at),
        "prediction_id": item.prediction_id,
        "status": item.status,
        "inference_ms": item.inference_ms,
        "code": item.code,
        "reason": item.reason,
        "message": item.message,
        "trouble": item.trouble,
        "trouble_count": item.trouble_count,
        "next_try_at": rfc3339(item.next_try_at),
        "overdue_at": rfc3339(item.overdue_at),
        "money": item.reservation,
        "price_usd": format_usd(item.price_micros),
        "cost_usd": None if item.cost_micros is None else format_usd(item.cost_micros),
    }


def campaign_document(row: CampaignRow) -> Json:
    """One line of `campaigns list --json`."""
    return {
        "name": row.name,
        "weight": row.weight,
        "runs": row.runs,
        "jobs": row.jobs,
        "paused": row.paused,
        "closed_at": rfc3339(row.closed_at),
        "spent_usd": format_usd(row.spent_micros),
        "held_usd": format_usd(row.held_micros),
    }


def summary_document(
    progress: Progress, *, exit_code: int, reason: str, seconds: float, outputs: str
) -> Json:
    """What `run` and `work` print at the end."""
    return {
        "exit": {"code": exit_code, "reason": reason},
        "seconds": round(seconds, 3),
        "runs": [run_document(row) for row in progress.runs],
        "jobs": progress.jobs,
        "in_doubt": progress.in_doubt,
        "images": {"stored": progress.stored, "nsfw": progress.nsfw},
        "spent_usd": format_usd(progress.spent_micros),
        "held_usd": format_usd(progress.held_micros),
        "failures": [{"reason": name, "jobs": jobs} for name, jobs in progress.failures],
        "outputs": outputs,
    }
