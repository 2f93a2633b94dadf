"""Everything that is read to be shown: by the command line, the gallery and reports. Nothing here writes."""

from orchestrator.store.views.campaigns import CampaignRow, campaigns
from orchestrator.store.views.detail import AttemptDetail, EventRow, JobDetail, job_detail
from orchestrator.store.views.jobs import (
    JobFilter,
    JobRow,
    OutputRow,
    count_jobs,
    count_pictures,
    list_jobs,
    page_ids,
)
from orchestrator.store.views.money import BudgetRow, LaneStop, StoppedRow, budgets, lane_stops, stopped
from orchestrator.store.views.progress import Progress, pending_cost, run_progress
from orchestrator.store.views.status import RunRow, Status, status
from orchestrator.store.views.trouble import AtRisk, InDoubtRow, at_risk, in_doubt

__all__ = [
    "AtRisk",
    "AttemptDetail",
    "BudgetRow",
    "CampaignRow",
    "EventRow",
    "InDoubtRow",
    "JobDetail",
    "JobFilter",
    "JobRow",
    "LaneStop",
    "OutputRow",
    "Progress",
    "RunRow",
    "Status",
    "StoppedRow",
    "at_risk",
    "budgets",
    "campaigns",
    "count_jobs",
    "count_pictures",
    "in_doubt",
    "job_detail",
    "lane_stops",
    "list_jobs",
    "page_ids",
    "pending_cost",
    "run_progress",
    "status",
    "stopped",
]
