"""`orchestrator gallery`: one HTML file with every picture."""

from pathlib import Path

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import count
from orchestrator.core.errors import ExitCode
from orchestrator.gallery import THUMBNAILS_MAX, write_gallery
from orchestrator.store.views.walk import JobFilter


@declare("gallery", short_help="Write a contact sheet: one HTML file with every picture.")
@click.option("--campaign", metavar="NAME", help="Only this campaign.")
@click.option("--run", metavar="KEY", help="Only this run key, or the manifest of this name.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("gallery.html"),
    show_default=True,
    help="The file to write.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=THUMBNAILS_MAX,
    show_default=True,
    help="At most N pictures.",
)
def command(campaign: str | None, run: str | None, output: Path, limit: int) -> ExitCode:
    """Write one HTML file with a thumbnail of every picture. It opens without a server and without a network.

    Flagged pictures are blurred until clicked. The full pictures stay where they are and are linked.
    """
    with opened(use=Use.LOOK) as app:
        page = write_gallery(
            database=app.database,
            root=app.output_root,
            target=output.absolute(),
            wanted=JobFilter(campaign=campaign, run=run),
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
