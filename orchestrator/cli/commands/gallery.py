"""`orchestrator gallery`: the quick form of `report`, of every run or of some."""

from pathlib import Path

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.page_text import page_document, page_text
from orchestrator.core.errors import ExitCode
from orchestrator.pages.report import PICTURES_MAX, ReportWish, write_report
from orchestrator.store.views.jobs.job_names import require_named
from orchestrator.store.views.jobs.walk import JobFilter
from orchestrator.store.views.runs.named_runs import named_runs

PAGE = "gallery.html"


@declare("gallery", short_help="Write a contact sheet: one HTML file with every picture.")
@click.option("--campaign", metavar="NAME", help="Only this campaign.")
@click.option(
    "--run", metavar="KEY", help="Only this run key, the manifest of this name, or campaign/name/key."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write (default: gallery.html here; of the sandbox: in its folder).",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=PICTURES_MAX,
    show_default=True,
    help="At most N pictures, to whole products.",
)
@SANDBOX
def command(campaign: str | None, run: str | None, output: Path | None, limit: int) -> ExitCode:
    """Write one HTML file with a thumbnail of every picture, by product. It opens without a server and
    without a network.

    Flagged pictures are blurred. The full pictures stay where they are and are linked. For one run, in a
    folder or for a client: orchestrator report RUN.
    """
    with opened(use=Use.LOOK) as app:
        with app.database.read() as tx:
            require_named(tx, JobFilter(campaign=campaign, run=run))
            runs = named_runs(tx, campaign=campaign, run=run)
        wish = ReportWish(run or campaign or "Gallery", limit=limit, timezone=app.settings.budgets.timezone)
        target = (output or _page_beside(app)).absolute()
        page = write_report(app.database, app.output_root, target, runs=runs, wish=wish)
    if out.as_json():
        out.document(page_document(page))
        return ExitCode.DONE
    out.answer(page_text(page))
    if page.is_cut:
        out.note(
            f"The first {page.shown:,} of {page.pictures:,} pictures; narrow with --run, or raise --limit."
        )
    return ExitCode.DONE


def _page_beside(app: App) -> Path:
    """Where the page goes by itself: a rehearsal's must not replace the one of real pictures."""
    return app.output_root.parent / PAGE if options().sandbox else Path(PAGE)
