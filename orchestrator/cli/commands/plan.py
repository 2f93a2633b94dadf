"""`orchestrator plan`: what would happen, and what it would cost."""

from pathlib import Path

from orchestrator.actions.planning.found_pictures import rebuild_words
from orchestrator.actions.planning.manifests import load_manifests
from orchestrator.actions.planning.part import Part
from orchestrator.actions.planning.plan import plan
from orchestrator.cli import out
from orchestrator.cli.asking import asking
from orchestrator.cli.base import SANDBOX, manifest_options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import database_if_any, opened
from orchestrator.cli.rendering.plan_documents import plan_document
from orchestrator.cli.rendering.plan_text import plan_text
from orchestrator.cli.rendering.words import safe
from orchestrator.core.errors import ExitCode


@declare("plan", short_help="Expand, check and price manifests; writes and spends nothing.")
@manifest_options
@SANDBOX
def command(
    manifests: tuple[Path, ...],
    run_key: str | None,
    limit: int | None,
    sample: int | None,
    *,
    skip_bad_rows: bool,
) -> ExitCode:
    """Expand, check and price MANIFESTs. Writes nothing and spends nothing.

    Shows how many jobs and pictures they mean, which exist already, what the new ones cost, how that stands
    against the caps, and how long it takes. Exits with 2 when `apply` would refuse, and with 5 when it would
    need a person's word, because pictures of new jobs are there already.
    """
    with opened(need_database=False) as app:
        loaded = load_manifests(
            manifests, app.settings, app.clock.now_ms(), run_key=run_key, skip_bad_rows=skip_bad_rows
        )
        with database_if_any(app) as database:
            planned = plan(
                loaded,
                app.settings,
                database,
                part=Part(limit, sample),
                shelf=app.shelf(),
                ask=asking(app),
            )
    if out.as_json():
        out.document(plan_document(planned))
    else:
        out.answer(plan_text(planned, run_key=run_key))
        for item in planned.differences:
            out.warn(safe(item.comparison))
    if planned.conflicts:
        out.warn("Output paths collide, so `apply` would refuse. Nothing was written and nothing was spent.")
        return ExitCode.USAGE
    if planned.found.jobs:
        out.next_steps([(rebuild_words(planned.found), "records the pictures that are here, spends nothing")])
        return ExitCode.OPERATOR
    if planned.total("to_submit"):
        words = " ".join(str(path) for path in manifests) + (" --skip-bad-rows" if skip_bad_rows else "")
        out.next_steps(
            [
                (f"orchestrator apply {words}", "records the jobs, spends nothing"),
                (f"orchestrator run {words}", "asks, then submits them"),
            ]
        )
    return ExitCode.DONE
