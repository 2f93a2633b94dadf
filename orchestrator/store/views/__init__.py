"""Everything that is read to be shown: by the command line, the gallery and reports. Nothing here writes.

A name is imported when it is first asked for: `status` must answer at once, and does not need what shows one
job.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from orchestrator.store.views.detail import AttemptDetail, EventRow, JobDetail, job_detail
    from orchestrator.store.views.jobs import JobRow, OutputRow, count_jobs, count_pictures, list_jobs
    from orchestrator.store.views.money import BudgetRow, LaneStop, StoppedRow, budgets, lane_stops, stopped
    from orchestrator.store.views.overview import Overview, RunRow, status
    from orchestrator.store.views.owners import CampaignRow, campaigns
    from orchestrator.store.views.pace import RATE
    from orchestrator.store.views.progress import Progress, pending_cost, run_progress
    from orchestrator.store.views.registry import CrewRow, crew
    from orchestrator.store.views.trouble import AtRisk, InDoubtRow, at_risk, in_doubt
    from orchestrator.store.views.walk import JobFilter, count_up_to, page_ids

__all__ = [
    "RATE",
    "AtRisk",
    "AttemptDetail",
    "BudgetRow",
    "CampaignRow",
    "CrewRow",
    "EventRow",
    "InDoubtRow",
    "JobDetail",
    "JobFilter",
    "JobRow",
    "LaneStop",
    "OutputRow",
    "Overview",
    "Progress",
    "RunRow",
    "StoppedRow",
    "at_risk",
    "budgets",
    "campaigns",
    "count_jobs",
    "count_pictures",
    "count_up_to",
    "crew",
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

_HOMES: Final = {
    "owners": ("CampaignRow", "campaigns"),
    "registry": ("CrewRow", "crew"),
    "detail": ("AttemptDetail", "EventRow", "JobDetail", "job_detail"),
    "jobs": ("JobRow", "OutputRow", "count_jobs", "count_pictures", "list_jobs"),
    "walk": ("JobFilter", "count_up_to", "page_ids"),
    "money": ("BudgetRow", "LaneStop", "StoppedRow", "budgets", "lane_stops", "stopped"),
    "pace": ("RATE",),
    "progress": ("Progress", "pending_cost", "run_progress"),
    "overview": ("RunRow", "Overview", "status"),
    "trouble": ("AtRisk", "InDoubtRow", "at_risk", "in_doubt"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
