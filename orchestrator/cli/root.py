"""The root command: what `orchestrator --help` says."""

from typing import Final

import click

from orchestrator import __version__
from orchestrator.cli.base import Entry, LazyGroup, wants_color

_COMMANDS: Final = "orchestrator.cli.commands."

SECTIONS: Final = {
    "Start": {
        "init": Entry(_COMMANDS + "init", "Write config.yaml and an example, create the database."),
        "demo": Entry(_COMMANDS + "demo", "See a whole batch run against the sandbox, without a key."),
        "doctor": Entry(_COMMANDS + "doctor", "Check key, balance, database, disk and clock."),
    },
    "Plan": {
        "plan": Entry(_COMMANDS + "plan", "Expand, check and price manifests; writes and spends nothing."),
        "apply": Entry(_COMMANDS + "apply", "Record the jobs of manifests; spends nothing."),
        "models": Entry(_COMMANDS + "models", "The models, their parameters and prices."),
        "schema": Entry(_COMMANDS + "schema", "JSON Schema of manifests and of the configuration."),
    },
    "Spend money": {
        "run": Entry(_COMMANDS + "run", "Apply manifests and work until they are finished."),
        "work": Entry(_COMMANDS + "work", "Work on every job that waits."),
    },
    "Look": {
        "status": Entry(_COMMANDS + "status", "Runs, money, and what is stopped and why."),
        "jobs": Entry(_COMMANDS + "jobs", "List, show, order, retry and cancel jobs."),
        "in-doubt": Entry(_COMMANDS + "in_doubt", "Attempts whose paid outcome is unknown."),
        "events": Entry(_COMMANDS + "events", "What happened, and what was decided by whom."),
        "outputs": Entry(_COMMANDS + "outputs", "Check the stored pictures, and fetch them again."),
        "export": Entry(
            _COMMANDS + "export", "Hand accepted pictures over: a folder or an archive under clean names."
        ),
        "review": Entry(_COMMANDS + "review", "Accept, reject and redo pictures, in the browser."),
        "report": Entry(_COMMANDS + "report", "The page of a run, the statement of a month, closing it."),
        "gallery": Entry(_COMMANDS + "gallery", "Write a contact sheet: one HTML file with every picture."),
    },
    "Choose": {
        "accept": Entry(_COMMANDS + "accept", "Say that pictures are good, by job or by filter."),
        "reject": Entry(_COMMANDS + "reject", "Say that pictures are bad, and why."),
        "redo": Entry(_COMMANDS + "redo", "Ask for another try of a job; spends nothing by itself."),
    },
    "Steer": {
        "schedule": Entry(
            _COMMANDS + "schedule", "What is made by itself: add, list, pause, run now, backfill."
        ),
        "pause": Entry(_COMMANDS + "pause", "Stop spending everywhere, until `resume`."),
        "resume": Entry(_COMMANDS + "resume", "Go on after `pause`."),
        "workers": Entry(_COMMANDS + "workers", "List workers, and ask one to finish."),
        "campaigns": Entry(_COMMANDS + "campaigns", "List, pause, resume, weigh and close campaigns."),
        "runs": Entry(_COMMANDS + "runs", "List, approve, resume and order runs."),
        "budget": Entry(_COMMANDS + "budget", "Caps: show, set, apply, audit."),
        "ledger": Entry(_COMMANDS + "ledger", "Every movement of money, as a table: export."),
        "limits": Entry(_COMMANDS + "limits", "How much at once, for every worker: show, set."),
        "reconcile": Entry(_COMMANDS + "reconcile", "Compare our books with the provider's bill."),
    },
    "System": {
        "notify": Entry(_COMMANDS + "notify", "Who is told what happens: test, list, retry."),
        "serve": Entry(_COMMANDS + "serve", "Receive the provider's webhooks."),
        "db": Entry(_COMMANDS + "db", "Create, upgrade, check and rebuild the database."),
        "sandbox": Entry(_COMMANDS + "sandbox", "Serve a stand-in for the provider on this machine."),
    },
}

EPILOG: Final = """\b
Exit codes:
  0    all done
  1    unexpected error
  2    the command, a manifest or the configuration is off
  3    finished, some jobs failed
  4    stopped by a budget with jobs left
  5    needs an operator: work in doubt, key refused, no credit, pictures that are here already
  130  interrupted

\b
Environment:
  WAVESPEED_API_KEY, WAVESPEED_BASE_URL, ORCHESTRATOR_DATABASE_URL,
  ORCHESTRATOR_CONFIG, NO_COLOR, ORCHESTRATOR_DEBUG=1 (tracebacks)
"""


@click.command(
    "orchestrator",
    cls=LazyGroup,
    sections=SECTIONS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="orchestrator")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Batches of image edits: never lose a picture, never pay twice, never pass a cap."""
    ctx.color = wants_color()
