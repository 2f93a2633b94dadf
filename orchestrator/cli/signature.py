"""Who decides: the user, host and words of a command, built once at the edge and recorded with each act."""

import getpass
import os
import socket
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from orchestrator.store.account.acts import Signature

F = TypeVar("F", bound=Callable[..., Any])

WHY_HELP: Final = "Why, for others to read: it is kept with who did it (`orchestrator events`)."

NO_HOST: Final = "unknown host"


def why_option(function: F) -> F:
    """Add --why TEXT to a command that decides something; it arrives as `why: str | None`."""
    return click.option("--why", metavar="TEXT", help=WHY_HELP)(function)


def signature_of(words: str, why: str | None) -> Signature:
    """The signature of a decision of this process: `words` are those of the command that say what it does,
    without the program's name, such as "budget set".
    """
    return Signature(who=_user(), host=_host(), command=words, why=_cleaned(why or "") or None)


def _user() -> str:
    """The user's name; his number where no entry names him, as in most containers."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    return _cleaned(name) or f"uid {os.getuid()}"


def _host() -> str:
    try:
        name = socket.gethostname()
    except OSError:
        name = ""
    return _cleaned(name) or NO_HOST


def _cleaned(text: str) -> str:
    """One line that every database can store: an argument may hold bytes that are no text."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").split())
