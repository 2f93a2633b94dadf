"""`orchestrator db`: the schema of the database, and its rows from the pictures."""

from pathlib import Path

import click

from orchestrator.actions.setup.mounts import refuse_network_file
from orchestrator.actions.setup.open_database import Use, mark_new
from orchestrator.cli import out
from orchestrator.cli.base import group
from orchestrator.cli.context import opened
from orchestrator.cli.now_and_then import now_and_then
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode
from orchestrator.core.money import format_usd
from orchestrator.store.db import migrate
from orchestrator.store.db.database_url import shown
from orchestrator.store.db.schema_version import HEAD


@group("db", short_help="Create, upgrade, check and rebuild the database.")
def command() -> None:
    """Create, upgrade, check and rebuild the database."""


@command.command("upgrade")
def upgrade() -> ExitCode:
    """Bring the database to this program's schema; creates a missing SQLite file.

    It can be run while workers work: they wait for it, see the new schema, and stop with a message; what they
    had is collected by workers of the new version. One that is interrupted has changed nothing: run it again.
    """
    with opened(need_database=False) as app:
        url = app.settings.database_url
        refuse_network_file(url)
        before = migrate.current(url).current
        revision = migrate.upgrade(url, app.crashpoint)
        mark_new(url, app.clock, made=revision, mark=app.mark())
    if out.as_json():
        out.document({"before": before, "current": revision.head, "head": revision.head})
    elif before == revision.head:
        out.answer(f"{shown(url)} is at schema {revision.head} already.")
    else:
        made = "made with" if before is None else f"brought from schema {before} to"
        out.answer(f"{shown(url)} was {made} schema {revision.head}.")
    return ExitCode.DONE


@command.command("current")
def current() -> ExitCode:
    """The schema the database has, and the one this program needs. Changes nothing."""
    with opened(need_database=False) as app:
        revision = migrate.current(app.settings.database_url)
        url = app.settings.database_url
    if out.as_json():
        out.document({"current": revision.current, "head": revision.head})
    else:
        out.answer(f"{shown(url)}: schema {revision.current or 'none'}; this program needs {revision.head}")
    return ExitCode.DONE


@command.command("check")
def check() -> ExitCode:
    """Exit with 0 when the database has this program's schema, else say what to run."""
    with opened(need_database=False) as app:
        migrate.check(app.settings.database_url)
        url = app.settings.database_url
    if out.as_json():
        out.document({"ok": True, "head": HEAD})
    else:
        out.answer(f"{shown(url)} is at schema {HEAD}, which is what this program needs.")
    return ExitCode.DONE


@command.command("rebuild")
@click.option(
    "--from", "source", type=click.Choice(["outputs"]), required=True, help="What the rows are made from."
)
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]")
@click.option(
    "--manifest",
    "manifests",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Explains pictures of older versions, whose sidecars name no run; may repeat.",
)
@click.option("--run", "run_key", metavar="KEY", help="The run key of those manifests.")
@why_option
def rebuild(
    source: str, folder: Path | None, manifests: tuple[Path, ...], run_key: str | None, why: str | None
) -> ExitCode:
    """Make the rows of a lost database again from the pictures' sidecars in DIR, else in outputs.root.

    Buys nothing and changes no file. Campaigns, runs, jobs, attempts, pictures and what they cost are
    recorded in the configured database, new or not; what it knows already is left alone, so running it again
    is harmless, also beside workers. Every picture that cannot be recorded as it should is named with the
    reason, and the exit code is then 3.
    """
    from orchestrator.actions.planning.walking.manifests import load_manifests
    from orchestrator.actions.reconciling.rebuild import Rebuild

    assert source == "outputs"
    with opened(use=Use.MAKE) as app:
        loaded = load_manifests(manifests, app.settings, app.clock.now_ms(), run_key=run_key)
        done = Rebuild(
            app.database,
            app.shelf(folder),
            app.entropy,
            timezone=app.settings.budgets.timezone,
            tell=lambda path, reason: out.note(f"{safe(path)}: {safe(reason)}"),
            progress=now_and_then(app.clock, lambda done, of: f"{done:,} of {of:,} tasks looked at"),
        ).run(
            signature_of("db rebuild", why),
            ((manifest.spec, job) for manifest in loaded for job in manifest.jobs()),
        )
    if out.as_json():
        document = {"tasks": done.tasks, "pictures": done.pictures, "cost_usd": format_usd(done.cost_micros)}
        out.document({**document, "known": done.known, "problems": done.problems, "runs": len(done.runs)})
    else:
        out.answer(
            f"Recorded {count(done.pictures, 'picture')} of {count(done.tasks, 'task')} in "
            f"{count(len(done.runs), 'run')}, {usd(done.cost_micros)} counted as spent; "
            f"{count(done.known, 'task')} known already. Nothing was bought."
        )
    if done.problems:
        out.warn(f"{count(done.problems, 'picture')} named above: not recorded, or not as it was recorded.")
    out.next_steps([("orchestrator status", "shows what is there now")])
    return ExitCode.SOME_FAILED if done.problems else ExitCode.DONE
