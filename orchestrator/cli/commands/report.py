"""`orchestrator report`: the static page of one run, the statement of a month, and closing a month."""

from pathlib import Path

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, Group
from orchestrator.cli.commands.report_month import close, month
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.page_text import page_document, page_text
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.manifest.templating.filters import slug
from orchestrator.pages.report import PICTURES_MAX, Form, ReportWish, write_report
from orchestrator.store.views.runs.named_runs import one_run
from orchestrator.store.views.runs.overview import RunRow

FOLDER_PICTURES_MAX = 20_000


class ReportGroup(Group):
    """A group whose first words may be a run: `report hero` is `report run hero`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before words that name none of its commands. A run that is called like one of them is
        reached by `report run month` or campaign/name/run.
        """
        words = [word for at, word in enumerate(args) if at == 0 or args[at - 1] != "--config"]
        first = next((word for word in words if not word.startswith("-")), None)
        named = any(word in self.commands for word in (first,))
        if args and not named and not {"--help", "-h"} & set(args[:1]):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group("report", cls=ReportGroup, short_help="The page of a run; the statement of a month.")
def command() -> None:
    """The page of a run (`report hero --single`), the statement of a month, and closing it."""


@command.command("run", short_help="Write the page of one run, to keep or to hand on.")
@click.argument("run")
@click.option("--campaign", metavar="NAME", help="The campaign of the run, where several have such a run.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder: index.html, small pictures, report.json and images.csv.",
)
@click.option("--single", is_flag=True, help="One HTML file with everything in it.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file of --single.")
@click.option("--client", is_flag=True, help="Hide prompts, prices, commands, paths and ids.")
@click.option("--limit", type=click.IntRange(min=1), help="At most N pictures, to whole products.")
@SANDBOX
def write_run(
    run: str,
    campaign: str | None,
    folder: Path | None,
    output: Path | None,
    limit: int | None,
    *,
    single: bool,
    client: bool,
) -> ExitCode:
    """Write the page of RUN, a manifest's name, a run key or campaign/name/run, by product.

    It needs no server and no network, prints well, and shows money, timings and failures by cause. Verdicts
    can be given in it and saved as verdicts.json, which `orchestrator review import` takes.
    """
    if (folder is None) == (not single) or (output is not None and not single):
        raise UsageError("Name a folder with --out DIR, or --single for one file. Nothing was written.")
    with opened(use=Use.LOOK) as app:
        with app.database.read() as tx:
            found = one_run(tx, run, campaign=campaign)
        wish = ReportWish(
            title=f"{found.campaign}/{found.name}",
            form=Form.SINGLE if single else Form.FOLDER,
            client=client,
            limit=limit or (PICTURES_MAX if single else FOLDER_PICTURES_MAX),
            timezone=app.settings.budgets.timezone,
        )
        target = (output or Path(_name(found))) if folder is None else folder / "index.html"
        page = write_report(app.database, app.output_root, target.absolute(), runs=[found], wish=wish)
    if out.as_json():
        out.document(page_document(page))
        return ExitCode.DONE
    out.answer(page_text(page))
    if page.is_cut:
        out.note(f"The first {page.shown:,} of {page.pictures:,} pictures; raise --limit, or use --out DIR.")
    return ExitCode.DONE


def _name(run: RunRow) -> str:
    words = [run.campaign, run.name] if run.run == "main" else [run.campaign, run.name, run.run]
    return f"report-{slug('-'.join(words))}.html"


command.add_command(month)
command.add_command(close)
