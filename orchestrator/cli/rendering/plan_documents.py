"""The JSON documents of `plan` and of what waits besides; see `documents`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.core.money import format_usd

if TYPE_CHECKING:  # a listing need not load what expands manifests
    from orchestrator.actions.planning.planned import Plan
    from orchestrator.cli.rendering.documents import Json
    from orchestrator.store.runs.unrequested import Unrequested


def plan_document(plan: Plan) -> Json:
    """`cost_usd` is what the new jobs cost at the live price, where one could be had; jobs that exist cost
    nothing again.

    `others` wait in the same run although nobody asks for them here: they will be made, and cost, besides.
    """
    others = plan.others_to_submit
    return {
        "manifests": [
            {
                "path": row.path,
                "name": row.spec.name,
                "campaign": row.spec.campaign,
                "run": row.spec.run_key,
                "model": row.spec.model,
                "jobs": row.jobs,
                "images": row.images,
                "new": row.new,
                "existing": row.existing,
                "cost_usd": format_usd(row.cost_micros),
                "list_usd": format_usd(row.list_micros),
                "others": others_document(row.others),
                "copies": row.copies,
                "redone": {"jobs": row.redone, "cost_usd": format_usd(row.redone_micros)},
            }
            for row in plan.manifests
        ],
        "totals": {
            "jobs": plan.total("jobs"),
            "images": plan.total("images"),
            "new": plan.total("new"),
            "existing": plan.total("existing"),
            "cost_usd": format_usd(plan.total("cost_micros")),
            "list_usd": format_usd(plan.total("list_micros")),
            "others": {"jobs": others.jobs, "cost_usd": format_usd(others.cost_micros)},
            "found": {
                "jobs": plan.found.jobs,
                "images": plan.found.pictures,
                "cost_usd": format_usd(plan.found.cost_micros),
            },
            "copies": plan.total("copies"),
            "redone": {
                "jobs": plan.total("redone"),
                "cost_usd": format_usd(plan.total("redone_micros")),
            },
        },
        "warnings": [*plan.warnings, *(item.comparison for item in plan.differences)],
    }


def others_document(others: Unrequested) -> Json:
    """Waiting jobs of a run that are not asked for."""
    return {"jobs": others.jobs, "cost_usd": format_usd(others.cost_micros)}
