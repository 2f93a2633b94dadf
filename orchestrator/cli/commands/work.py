"""`orchestrator work`: the worker."""

import click

from orchestrator.actions.operator.fleet_words import take_words
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import need_key, opened
from orchestrator.cli.deciding import file_words, tell
from orchestrator.cli.rendering.display import choose
from orchestrator.cli.rendering.summary import summarize
from orchestrator.cli.signature import signature_of
from orchestrator.cli.working import work_on
from orchestrator.core.errors import ExitCode


@declare("work", short_help="Work on every job that waits.")
@click.option("--drain", is_flag=True, help="Leave when nothing is left to do.")
@SANDBOX
def command(*, drain: bool) -> ExitCode:
    """Submit, watch and download until stopped; with --drain until nothing is left to do. Spends money.

    Ctrl-C once: submit nothing more, collect what is in flight. Twice: leave now. Neither loses anything.
    """
    with opened(use=Use.MAKE) as app:
        need_key(app)
        app.database.try_to_write()  # else it would sum up what it never began
        tell(take_words(app.database, file_words(app), signature_of("work", None)))
        display = choose(quiet=options().quiet, clock=app.clock)
        if not drain:
            out.note("Working. Ctrl-C once to finish what is in flight, twice to leave now.")
        done = work_on(app=app, run_ids=None, display=display, label="all runs", drain=drain)
        return summarize(done, app.output_root)
