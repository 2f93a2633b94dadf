"""`orchestrator plan`: what would happen, and what it would cost."""

from pathlib import Path

from orchestrator.actions.planning.found_pictures import rebuild_words
from orchestrator.actions.planning.manifests import load_manifests
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.planned import Plan
from orchestrator.cli import out
from orchestrator.cli.asking import asking
from orchestrator.cli.base import command as declare
from orchestrator.cli.base import manifest_options
from orchestrator.cli.context import database_if_any, opened
from orchestrator.cli.invocation import Asked, Step, next_fields
from orchestrator.cli.rendering.plan_documents import plan_document
from orchestrator.cli.rendering.plan_text import plan_text
from orchestrator.cli.rendering.words import safe
from orchestrator.core.errors import ExitCode


@declare("plan", short_help="Expand, check and price manifests; writes and spends nothing.")
@manifest_options
def command(
    manifests: tuple[Path, ...], run_key: str | None, limit: int | None, sample: int | None
) -> ExitCode:
    """Expand, check and price MANIFESTs. Writes nothing and spends nothing.

    Shows how many jobs and pictures they mean, which exist already, what the new ones cost, how that stands
    against the caps, and how long it takes. Exits with 2 when `apply` would refuse, and with 5 when it would
    need a person's word, because pictures of new jobs are there already.
    """
    asked = Asked(manifests, run_key, limit, sample=sample)
    with opened(need_database=False) as app:
        loaded = load_manifests(manifests, app.settings, app.clock.now_ms(), run_key=run_key)
        with database_if_any(app) as database:
            planned = plan(
                loaded,
                app.settings,
                database,
                part=asked.part,
                shelf=app.shelf(),
                ask=asking(app),
            )
    steps = _steps(planned, asked)
    if out.as_json():
        out.document({**plan_document(planned), **next_fields(steps)})
    else:
        out.answer(plan_text(planned, asked))
        for item in planned.differences:
            out.warn(safe(item.comparison))
    if planned.conflicts:
        out.warn("Output paths collide, so `apply` would refuse. Nothing was written and nothing was spent.")
        return ExitCode.USAGE
    out.next_steps(steps)
    return ExitCode.OPERATOR if planned.found.jobs else ExitCode.DONE


def _steps(planned: Plan, asked: Asked) -> list[Step]:
    """What follows from a plan, with the options that it was given."""
    if planned.conflicts:
        return []
    if planned.found.jobs:
        return [(rebuild_words(planned.found), "records the pictures that are here, spends nothing")]
    if not planned.jobs_to_submit:
        return []
    return [
        (asked.command("apply"), "records the jobs, spends nothing"),
        (asked.command("run"), "asks, then submits them"),
    ]
