"""`orchestrator reject`."""

from typing import Any

import click

from orchestrator.cli.base import ROW_ID, SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.judging import judge_jobs, verdict_options
from orchestrator.cli.selecting import filters
from orchestrator.cli.signature import why_option
from orchestrator.core.errors import ExitCode
from orchestrator.core.verdicts import JobVerdict


@declare("reject", short_help="Say that pictures are bad, and why.")
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@filters
@verdict_options
@why_option
@SANDBOX
def command(ids: tuple[int, ...], **words: Any) -> ExitCode:
    """Reject the pictures of jobs, by ID or by the filters of `jobs list`. Spends nothing, and asks for no
    other picture: `orchestrator redo` does.

    The last word on a job counts, whoever says it; every word is kept, with who said it and when. A job that
    has no picture is refused with the reason, the others are done, and the exit code is 2.
    """
    return judge_jobs(JobVerdict.REJECTED, "reject", ids=ids, words=words)
