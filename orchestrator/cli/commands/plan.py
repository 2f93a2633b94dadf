"""`orchestrator plan`: what would happen, and what it would cost."""

from pathlib import Path
from typing import Any

import click

from orchestrator.actions.planning.figures.content import LISTED_MAX
from orchestrator.actions.planning.figures.planned import Plan
from orchestrator.actions.planning.figures.saved_plan import SUFFIX, SavedPlan
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.found_pictures import rebuild_words
from orchestrator.cli import out
from orchestrator.cli.asking import asking
from orchestrator.cli.base import SANDBOX, manifest_options, options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import database_if_any, opened
from orchestrator.cli.given import given
from orchestrator.cli.invocation import Asked, Step, next_fields
from orchestrator.cli.rendering.plans.content_text import change_lines, listing, markdown
from orchestrator.cli.rendering.plans.nights_text import tripped
from orchestrator.cli.rendering.plans.plan_documents import plan_document
from orchestrator.cli.rendering.plans.plan_text import plan_text
from orchestrator.cli.rendering.words import safe
from orchestrator.core.errors import ExitCode, UsageError

SAMPLE_LISTED = 50
"""So many jobs of a sample are listed without being asked for."""


@declare("plan", short_help="Expand, check and price manifests; writes and spends nothing.")
@manifest_options
@SANDBOX
@click.option("--list", "listed", is_flag=True, help="List the jobs with their paths; a sample always is.")
@click.option("--diff", is_flag=True, help="Show every parameter that an edit has changed.")
@click.option(
    "--out",
    "-o",
    "saved",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.plan",
    help="Save the plan: `apply FILE.plan` and `run FILE.plan` do just this, or refuse.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the plan as Markdown, for a comment.")
def command(
    manifests: tuple[Path, ...],
    *,
    listed: bool,
    diff: bool,
    as_markdown: bool,
    saved: Path | None,
    **words: Any,
) -> ExitCode:
    """Expand, check and price MANIFESTs. Writes nothing and spends nothing.

    Shows how many jobs and pictures they mean, which exist already, what the new ones cost, how that stands
    against the caps, and how long it takes. Exits with 2 when `apply` would refuse, and with 5 when it would
    need a person's word: pictures of new jobs are there already, or more has changed than `max_changed` says.
    """
    _check_name(saved)
    what = given(Asked(manifests, sandbox=options().sandbox, **words))
    asked = what.meant
    with opened(need_database=False) as app:
        loaded = what.load(app)
        with database_if_any(app) as database:
            planned = plan(
                loaded,
                app.settings,
                database,
                part=asked.part,
                shelf=app.shelf(),
                ask=asking(app),
                listing=LISTED_MAX if listed else SAMPLE_LISTED if asked.sample else 0,
                sealed=saved is not None or what.saved is not None,
                addresses=app.addresses,
            )
        made_at = app.clock.now_ms()
    what.refuse_drift(planned)
    if saved is not None:
        asked = _save(planned, asked, saved, made_at=made_at)
    steps = _steps(planned, what.typed if what.saved else asked)
    if out.as_json():
        out.document({**plan_document(planned), **next_fields(steps)})
    else:
        out.answer(_words(planned, asked, diff=diff, as_markdown=as_markdown))
        for item in planned.differences:
            out.warn(safe(item.comparison))
    return _end(planned, steps)


def _end(planned: Plan, steps: list[Step]) -> ExitCode:
    if planned.conflicts:
        out.warn("Output paths collide, so `apply` would refuse. Nothing was written and nothing was spent.")
        return ExitCode.USAGE
    out.next_steps(steps)
    return ExitCode.OPERATOR if planned.found.jobs or tripped(planned) else ExitCode.DONE


def _check_name(saved: Path | None) -> None:
    if saved is not None and saved.suffix != SUFFIX:
        raise UsageError(f"A saved plan ends in {SUFFIX}, such as summer{SUFFIX}. Nothing was written.")


def _save(planned: Plan, asked: Asked, saved: Path, *, made_at: int) -> Asked:
    """Save the plan; what follows is asked of the file."""
    seals = {Path(row.path): row.content.seal for row in planned.manifests if row.content.seal}
    sealed = SavedPlan(
        made_at,
        asked.part,
        seals=seals,
        skip_bad_rows=asked.skip_bad_rows,
        at=asked.at,
        regenerate=asked.regenerate,
    )
    sealed.write(saved)
    return Asked((saved,), sandbox=asked.sandbox)


def _words(planned: Plan, asked: Asked, *, diff: bool, as_markdown: bool) -> str:
    if as_markdown:
        return markdown(planned)
    parts = [plan_text(planned, asked, diff=diff)]
    if diff and not change_lines(planned):
        parts.append("Nothing has changed in what is recorded.")
    if any(row.content.listed for row in planned.manifests):
        parts.append(listing(planned))
    return "\n\n".join(parts)


def _steps(planned: Plan, asked: Asked) -> list[Step]:
    """What follows from a plan, with the options that it was given."""
    if planned.conflicts:
        return []
    if planned.found.jobs:
        return [(rebuild_words(planned.found), "records the pictures that are here, spends nothing")]
    if not planned.jobs_to_submit:
        return []
    meant = ["--accept-changes"] if tripped(planned) else []
    return [
        (asked.command("apply", *meant), "records the jobs, spends nothing"),
        (asked.command("run", *meant), "asks, then submits them"),
    ]
