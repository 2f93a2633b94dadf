"""The stages of a plan, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.actions.planning.figures.stage_plan import waits_for_people
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.core.money import format_usd

if TYPE_CHECKING:  # a listing need not load what expands manifests
    from orchestrator.actions.planning.figures.planned import ManifestPlan, Plan
    from orchestrator.cli.invocation import Asked
    from orchestrator.cli.rendering.documents import Json

ROWS_SHOWN = 3


def stage_lines(plan: Plan, asked: Asked) -> list[str]:
    """What comes after what, what waits for people, and what the caps must have room for."""
    rows = [row for row in plan.manifests if row.stages]
    lines = [line for row in rows[:ROWS_SHOWN] for line in _of(row, asked, several=len(plan.manifests) > 1)]
    if len(rows) > ROWS_SHOWN:
        lines.append(f"and the stages of {count(len(rows) - ROWS_SHOWN, 'more manifest')} (see --json)")
    return [f"{'Stages' if at == 0 else '':<12}{line}" for at, line in enumerate(lines)]


def _of(row: ManifestPlan, asked: Asked, *, several: bool) -> list[str]:
    steps = [
        f"{stage.images:,} {safe(stage.name, 40)}{f' ({usd(stage.cost_micros)})' if stage.new else ''}"
        for stage in row.stages.whole.values()
    ]
    lines = [(f"{safe(row.spec.name, 40)}: " if several else "") + ", then ".join(steps)]
    if again := row.stages.again:
        words = "its picture was" if again == 1 else "their pictures were"
        cost = usd(row.stages.again_micros)
        lines.append(f"{again:,} to be made again: {words} chosen anew, {cost}")
    if waiting := waits_for_people(row.stages, row.tally.stages()):
        verb = "waits" if len(waiting) == 1 else "wait"
        review = f"orchestrator review{' --sandbox' if asked.sandbox else ''}"
        names = " and ".join(safe(name, 40) for name in waiting)
        lines.append(f"{names} {verb} for accepted pictures: review them with `{review}`")
    if row.spec.chain_reserved:
        lines.append("reserve: chain: a job is begun only while every cap has room for all that follows too")
    return lines


def stages_document(row: ManifestPlan) -> Json:
    """Each stage of a manifest; nothing where it has none."""
    if not row.stages:
        return {}
    stages = [
        {
            "name": stage.name,
            "needs": stage.needs,
            "take": None if stage.needs is None else "accepted" if stage.accepted else "all",
            "jobs": stage.jobs,
            "images": stage.images,
            "new": stage.new,
            "cost_usd": format_usd(stage.cost_micros),
        }
        for stage in row.stages.whole.values()
    ]
    again = {"jobs": row.stages.again, "cost_usd": format_usd(row.stages.again_micros)}
    return {
        "stages": stages,
        "reserve": "chain" if row.spec.chain_reserved else "hop",
        "made_again": again,
    }
