"""Opening what a command needs, with the global options applied."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.actions.caps import adopt
from orchestrator.app import App, open_app
from orchestrator.cli import out
from orchestrator.cli.base import options
from orchestrator.cli.words import safe
from orchestrator.store import migrate
from orchestrator.store.database import Database, parse_url, sqlite_path


@contextmanager
def opened(*, need_database: bool = True, sandbox: bool = False) -> Iterator[App]:
    """The program on its configuration; closed at the end of the block."""
    with open_app(
        options().config,
        os.environ,
        Path.cwd(),
        sandbox=sandbox,
        need_database=need_database,
    ) as app:
        yield app


def take_caps(app: App) -> None:
    """Let the configuration's caps count before there is work under them, and say which do not."""
    for sentence in adopt(app.database, app.settings):
        out.warn(safe(sentence))


@contextmanager
def database_if_any(app: App) -> Iterator[Database | None]:
    """The configured database for reading; None where none exists yet, and none is made."""
    url = app.settings.database_url
    path = sqlite_path(parse_url(url))
    if path is not None and not path.exists():
        yield None
        return
    if migrate.current(url).current is None:
        yield None
        return
    migrate.check(url)
    database = Database.open(url, app.clock)
    try:
        yield database
    finally:
        database.close()
