"""`orchestrator db`: the schema of the database."""

from orchestrator.actions.setup.mounts import refuse_network_file
from orchestrator.cli import out
from orchestrator.cli.base import group
from orchestrator.cli.context import opened
from orchestrator.core.errors import ExitCode
from orchestrator.store.db import migrate
from orchestrator.store.db.database import shown
from orchestrator.store.db.schema_version import HEAD


@group("db", short_help="Create, upgrade and check the database.")
def command() -> None:
    """Create, upgrade and check the database."""


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
