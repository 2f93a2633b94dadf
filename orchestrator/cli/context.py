"""Opening what a command needs, with the global options applied."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from orchestrator.actions.setup.open_database import NoDatabaseError, Use, open_database
from orchestrator.actions.setup.sandboxed import SANDBOX_FOLDER
from orchestrator.app import App, open_app
from orchestrator.cli import out
from orchestrator.cli.base import options
from orchestrator.cli.rendering.words import safe
from orchestrator.core.errors import OperatorNeededError
from orchestrator.settings import api_key
from orchestrator.settings.environment import unknown_variables
from orchestrator.store.db.database import Database


@contextmanager
def opened(*, need_database: bool = True, sandbox: bool = False, use: Use = Use.CHANGE) -> Iterator[App]:
    """The program on its configuration; closed at the end of the block."""
    for sentence in unknown_variables(os.environ):
        out.warn(safe(sentence))
    sandbox = sandbox or options().sandbox
    with ExitStack() as stack:
        try:
            app = stack.enter_context(
                open_app(
                    options().config,
                    os.environ,
                    Path.cwd(),
                    sandbox=sandbox,
                    need_database=need_database,
                    use=use,
                )
            )
        except NoDatabaseError as error:
            raise (_no_rehearsal() if sandbox else error) from None
        yield app


def _no_rehearsal() -> NoDatabaseError:
    folder = Path.cwd() / SANDBOX_FOLDER
    return NoDatabaseError(
        f"There is no rehearsal here yet: {folder} holds no database. `orchestrator run MANIFEST --sandbox` "
        "makes it, without a key and without cost."
    )


@contextmanager
def database_if_any(app: App) -> Iterator[Database | None]:
    """The configured database for reading; None where none exists yet, and none is made."""
    try:
        database = open_database(app.settings.database_url, Use.LOOK, app.clock)
    except NoDatabaseError:
        yield None
        return
    try:
        yield database
    finally:
        database.close()


def need_key(app: App) -> None:
    """Refuse at once, and kindly, when there is no key."""
    if api_key(app.settings, app.env) is None:
        name = app.settings.provider.api_key_env
        raise OperatorNeededError(
            f"There is no provider key: the environment variable {name} is not set. Make a key at "
            f"https://wavespeed.ai/accesskey, then: export {name}=... To try without one: add --sandbox. "
            "Nothing was spent."
        )
