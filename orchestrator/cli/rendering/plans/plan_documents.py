"""The JSON documents of `plan` and of what waits besides; see `documents`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.rendering.money.forecast_text import forecast_document
from orchestrator.cli.rendering.plans.left_out_text import left_out_document
from orchestrator.cli.rendering.plans.nights_text import flood_document, reused_document
from orchestrator.cli.rendering.plans.stages_text import stages_document
from orchestrator.core.money import format_usd

if TYPE_CHECKING:  # a listing need not load what expands manifests
    from orchestrator.actions.planning.figures.content import ShownJob
    from orchestrator.actions.planning.figures.planned import ManifestPlan, Plan
    from orchestrator.cli.rendering.documents import Json
    from orchestrator.core.specs import JobSpec
    from orchestrator.store.runs.unrequested import Unrequested


def plan_document(plan: Plan) -> Json:
    """`cost_usd` is what the new jobs cost at the live price, where one could be had; jobs that exist cost
    nothing again.

    `others` wait in the same run although nobody asks for them here: they will be made, and cost, besides.
    """
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
                **reused_document(row),
                "cost_usd": format_usd(row.cost_micros),
                "list_usd": format_usd(row.list_micros),
                "others": others_document(row.others),
                "copies": row.copies,
                **({} if row.when_short is None else {"when_short": row.when_short.value}),
                **({} if row.canary is None else {"canary": {"jobs": row.canary}}),
                **stages_document(row),
                "redone": {"jobs": row.redone, "cost_usd": format_usd(row.redone_micros)},
                **flood_document(row.flood),
                **_content(row),
                **left_out_document(row.left_out),
            }
            for row in plan.manifests
        ],
        "totals": _totals(plan),
        "warnings": [*plan.warnings, *(item.comparison for item in plan.differences)],
        "forecast": [forecast_document(each) for each in plan.forecasts],
    }


def _totals(plan: Plan) -> Json:
    others = plan.others_to_submit
    return {
        "jobs": plan.total("jobs"),
        "images": plan.total("images"),
        "new": plan.total("new"),
        "existing": plan.total("existing"),
        "reused": plan.total("reused"),
        "avoided_usd": format_usd(plan.total("avoided_micros")),
        "under_way": plan.total("under_way"),
        "left_alone": plan.total("left_alone"),
        "changed_at_address": plan.total("at_address"),
        "changed_by_model": plan.total("outdated"),
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
        **_affordable(plan),
    }


def _content(row: ManifestPlan) -> Json:
    """What a manifest asks for, an example, and what an edit has changed."""
    content = row.content
    example, left, changes = content.example, content.left, content.changes
    listed = [_listed(item) for item in content.listed]
    return {
        "axes": [{"name": name, "values": size} for name, size in row.shape],
        "variations": row.variations,
        "example": None if example is None else {"params": example.params, "paths": example.output_paths},
        "costs": {
            axis: {value: format_usd(micros) for value, micros in values.items()}
            for axis, values in row.costs.items()
        },
        "instead": {value: format_usd(micros) for value, micros in row.instead.items()},
        "changes": {
            "fields": [
                {
                    "field": change.name,
                    "line": content.lines.get(change.name),
                    "values": {axis: list(found) for axis, found in change.values.items()},
                    "before": change.before,
                    "after": change.after,
                    "jobs": change.jobs,
                }
                for change in changes.fields
            ],
            "added": changes.added,
            "removed": changes.removed,
        },
        "left_behind": {
            "waiting": left.waiting,
            "made": left.made,
            "jobs": left.jobs,
            "spent_usd": format_usd(left.spent_micros),
        },
        **({"listed": listed} if listed else {}),
    }


def _listed(item: ShownJob) -> Json:
    spec = item.spec
    return {
        "key": spec.key,
        "variation": spec.variation,
        "axes": dict(spec.axes),
        "state": item.state,
        "params": spec.params,
        "paths": spec.output_paths,
        **_needs(spec),
        "price_usd": format_usd(spec.price_micros),
    }


def _needs(spec: JobSpec) -> Json:
    """Of a job of a stage: its stage, and the picture that it takes."""
    if spec.needs is None:
        return {}
    return {"stage": spec.stage, "needs": {"key": spec.needs.key, "index": spec.needs.index}}


def _affordable(plan: Plan) -> Json:
    """What the caps let through, and what could be left out instead; nothing where there is no cap."""
    found = plan.affordable
    if found is None:
        return {}
    products = {"products": found.products, "products_reached": found.reached, "products_whole": found.whole}
    return {
        "affordable": {
            "jobs": found.jobs,
            "images": found.images,
            "cost_usd": format_usd(found.cost_micros),
            **products,
        },
        "cuts": [
            {
                "changes": [{"key": change.key, "value": change.value} for change in cut.changes],
                "words": cut.words,
                "saves_usd": format_usd(cut.saves_micros),
            }
            for cut in plan.cuts
        ],
    }


def others_document(others: Unrequested) -> Json:
    """Waiting jobs of a run that are not asked for."""
    return {"jobs": others.jobs, "cost_usd": format_usd(others.cost_micros)}
