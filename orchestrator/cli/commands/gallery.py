"""`orchestrator gallery`: one HTML file with every picture."""

from pathlib import Path

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import count
from orchestrator.core.errors import ExitCode
from orchestrator.gallery import THUMBNAILS_MAX, write_gallery
from orchestrator.store.views.job_names import require_named
from orchestrator.store.views.walk import JobFilter

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
    default=THUMBNAILS_MAX,
    show_default=True,
    help="At most N pictures.",
)
@SANDBOX
def command(campaign: str | None, run: str | None, output: Path | None, limit: int) -> ExitCode:
    """Write one HTML file with a thumbnail of every picture. It opens without a server and without a network.

    Flagged pictures are blurred until clicked. The full pictures stay where they are and are linked.
    """
    wanted = JobFilter(campaign=campaign, run=run)
    with opened(use=Use.LOOK) as app:
        with app.database.read() as tx:
            require_named(tx, wanted)
        page = write_gallery(
            database=app.database,
            root=app.output_root,
            target=(output or _page_beside(app)).absolute(),
            wanted=wanted,
            title=run or campaign or "Gallery",
            limit=limit,
        )
    if out.as_json():
        out.document(
            {
                "path": str(page.path),
                "pictures": page.pictures,
                "shown": page.shown,
                "missing": page.missing,
                "failed": page.failed,
            }
        )
        return ExitCode.DONE
    missing = f", {page.missing:,} missing on disk" if page.missing else ""
    failed = f", {count(page.failed, 'failed job')} explained" if page.failed else ""
    out.answer(f"{count(page.shown, 'picture')}{missing}{failed}\nOpen  {page.path.as_uri()}")
    if page.shown < page.pictures:
        out.note(
            f"The first {page.shown:,} of {page.pictures:,} pictures; narrow with --run, or raise --limit."
        )
    return ExitCode.DONE


def _page_beside(app: App) -> Path:
    """Where the page goes by itself: a rehearsal's must not replace the one of real pictures."""
    return app.output_root.parent / PAGE if options().sandbox else Path(PAGE)
