"""Which commands only look, and the databases that they are tried on."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg
from PIL import Image
from sqlalchemy import select
from sqlalchemy.engine import make_url

from orchestrator.cli.root import cli
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import metadata

NOBODY = 65534
LOOKER = f"looker_{os.getpid()}"

LOOKING = {
    "status": "status --all",
    "jobs list": "jobs list",
    "jobs show": "jobs show 1",
    "runs list": "runs list",
    "budget show": "budget show",
    "budget audit": "budget audit",
    "limits show": "limits show",
    "ledger export": "ledger export",
    "events": "events",
    "campaigns list": "campaigns list",
    "workers list": "workers list",
    "notify list": "notify list",
    "in-doubt list": "in-doubt list",
    "schedule list": "schedule list",
    "schedule show": "schedule show hero",
    "schedule history": "schedule history hero",
    "gallery": "gallery -o {elsewhere}/gallery.html",
    "export": "export --accepted {elsewhere}/handed-over",
    "report run": "report hero --single -o {elsewhere}/report.html",
    "report month": "report month 2026-11",
    "outputs check": "outputs check",
    "plan": "plan hero.yaml",
    "db check": "db check",
    "db current": "db current",
}
"""Words that try each command that only looks into the database."""

WITHOUT_DATABASE = {"plan", "db current"}
"""They have an answer where there is no database."""

NO_DATABASE = {"notify test", "models list", "models show", "schema manifest", "schema config", "sandbox"}
"""They open none."""

DIAGNOSIS = {"doctor"}
"""It looks, but for one write that it takes back."""

WRITING = {
    "init",
    "demo",
    "apply",
    "run",
    "work",
    "serve",
    "review",
    "review import",
    "jobs retry",
    "jobs cancel",
    "jobs adopt",
    "jobs prioritise",
    "jobs hold",
    "jobs release",
    "runs prioritise",
    "runs approve",
    "runs resume",
    "accept",
    "reject",
    "redo",
    "in-doubt resolve",
    "pause",
    "resume",
    "workers drain",
    "campaigns pause",
    "campaigns resume",
    "campaigns weight",
    "budget set",
    "budget move",
    "campaigns close",
    "campaigns reopen",
    "report close",
    "budget apply",
    "limits set",
    "reconcile",
    "outputs move",
    "notify retry",
    "schedule add",
    "schedule remove",
    "schedule run-now",
    "schedule backfill",
    "schedule approve",
    "schedule refuse",
    "schedule pause",
    "schedule resume",
    "db upgrade",
    "db rebuild",
}

ACTING = [
    "pause",
    "resume",
    "campaigns pause sale",
    "campaigns resume sale",
    "campaigns weight sale 2",
    "report close 2026-01",
    "campaigns close sale",
    "campaigns reopen sale",
    "jobs cancel 1",
    "jobs retry 1",
    "jobs prioritise 1",
    "jobs hold 1",
    "jobs release 1",
    "runs prioritise hero",
    "runs approve hero",
    "runs resume hero",
    "accept 1",
    "reject 1 --note dark",
    "redo 1",
    "review import nowhere.json",
    "outputs move",
    "notify retry",
    "schedule add hero.yaml",
    "schedule pause nobody",
    "schedule resume nobody",
    "schedule run-now nobody",
    "schedule backfill nobody 2026-11-28",
    "schedule approve nobody",
    "schedule refuse nobody",
    "schedule remove nobody",
    "workers drain nobody",
    "in-doubt resolve 1 --absent",
    "jobs adopt 1 task",
    "reconcile",
    "doctor",
    "init",
    "db upgrade",
]
"""Commands that act on something else than caps and limits; some of them are refused."""


def commands() -> set[str]:
    """Every command of the program, by its words."""
    return set(_leaves(click.Context(cli, info_name="")))


def _leaves(context: click.Context) -> Iterator[str]:
    group = context.command
    if not isinstance(group, click.Group):
        yield context.command_path.strip()
        return
    if group.invoke_without_command:
        yield context.command_path.strip()
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from _leaves(click.Context(command, info_name=name, parent=context))


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into, with a picture in it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    Image.new("RGB", (400, 400), "red").save(folder / "photo.png")
    try:
        yield folder
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """What is in the folder can be read and not be written, also by a test that root runs.

    Whoever runs a command in it has run it before: another user may not read the modules that it imports.
    """
    paths = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path in paths:
            path.chmod(0o755)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, without the small pictures that pages keep where there are outputs."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "thumbnails" not in path.parts
    }


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    database = Database.open(url, SystemClock(), look=True)
    with database.read() as tx:
        found = {
            table.name: [tuple(row) for row in tx.conn.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }
    database.close()
    return found


@contextmanager
def select_only(url: str) -> Iterator[str]:
    """The URL of a Postgres database for a user who may read its tables, and nothing else."""
    owner = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(owner, autocommit=True) as conn:

        def run(statement: str) -> None:
            conn.execute(statement)  # type: ignore[call-overload]

        run(f"CREATE ROLE {LOOKER} LOGIN PASSWORD 'looks'")
        run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {LOOKER}")
        try:
            named = make_url(url).set(username=LOOKER, password="looks")
            yield named.render_as_string(hide_password=False)
        finally:
            run(f"DROP OWNED BY {LOOKER}")
            run(f"DROP ROLE {LOOKER}")
