"""Standard streams that are closed, full, or read by nobody: what is printed is part of the outcome, never
more than that.
"""

import os
import select
import sys
from contextlib import suppress

import click


def open_missing() -> None:
    """Have the standard streams that this process was started without (`>&-`) lead nowhere.

    Their descriptors are taken, too: the next file that is opened would get them, and whatever a library
    prints would be written into the database.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free one, which is this one
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            lead_nowhere(name, mode)


def lead_nowhere(name: str, mode: str = "w") -> None:
    """Replace one stream for the rest of the process: no complaint now, and none at its end either."""
    setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - lives until exit


def drop_lost_streams() -> None:
    """Have stdout and stderr lead nowhere where nobody can read them any more, so that no later word of ours
    fails.

    The terminal was closed, or the reader of the pipe has left; the interpreter's own last flush would fail
    too, and take the exit code with it.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        with suppress(AttributeError, OSError, ValueError):  # closed, or not a file at all
            if _is_lost(stream.fileno()):
                lead_nowhere(name)


def say(text: str) -> None:
    """Print on stderr what nobody asked for: where it cannot be written, nothing is lost."""
    try:
        click.echo(text, err=True)
    except OSError:
        lead_nowhere("stderr")


def _is_lost(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)  # nothing but hang-ups and errors
    return any(happened & (select.POLLHUP | select.POLLERR) for _, happened in poll.poll(0))
