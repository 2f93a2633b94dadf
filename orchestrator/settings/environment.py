"""What the environment says over the configuration file, and which of its words nothing reads."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from orchestrator.core.suggest import did_you_mean
from orchestrator.settings.secret_files import read_secret
from orchestrator.settings.urls import base_url_problem, database_url_problem
from orchestrator.yamlio import Problem, ProblemReport

PREFIX: Final = "ORCHESTRATOR_"
DATABASE_URL: Final = "ORCHESTRATOR_DATABASE_URL"
DATABASE_URL_FILE: Final = "ORCHESTRATOR_DATABASE_URL_FILE"
FOR_USERS: Final = frozenset({"ORCHESTRATOR_CONFIG", DATABASE_URL, DATABASE_URL_FILE, "ORCHESTRATOR_DEBUG"})
FOR_TESTS: Final = frozenset({"ORCHESTRATOR_CRASH_AT", "ORCHESTRATOR_TESTING"})

_BY_KUBERNETES: Final = re.compile(r"ORCHESTRATOR_(SERVICE_(HOST|PORT).*|PORT(_.*)?)")
"""Every container beside a Service named `orchestrator` has these; nobody wrote them for us."""


def unknown_variables(env: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like ours and is not: what it says has no effect."""
    unknown = (
        name
        for name in sorted(env)
        if name.startswith(PREFIX)
        and name not in FOR_USERS | FOR_TESTS
        and not _BY_KUBERNETES.fullmatch(name)
    )
    return [
        f"The environment variable {name} has no effect: settings are read from config.yaml. "
        f"{did_you_mean(name, FOR_USERS)}".strip()
        for name in unknown
    ]


def database_url(env: Mapping[str, str], cwd: Path, report: ProblemReport) -> str | None:
    """The URL in ORCHESTRATOR_DATABASE_URL, or in the file that ORCHESTRATOR_DATABASE_URL_FILE names; None
    when neither is set. Raises UsageError for a file that others may read.
    """
    named = env.get(DATABASE_URL_FILE, "").strip()
    if not named:
        return _checked(env, DATABASE_URL, database_url_problem, report=report)
    if env.get(DATABASE_URL, "").strip():
        message = f"{DATABASE_URL} is set too; set one of them"
        report.add(_problem(DATABASE_URL_FILE, message))
        return None
    text = read_secret(cwd / Path(named).expanduser(), "database URL", env)
    if problem := database_url_problem(text):
        report.add(_problem(DATABASE_URL_FILE, f"the file {named} holds something else: {problem}"))
    return text


def base_url(env: Mapping[str, str], report: ProblemReport) -> str | None:
    """The URL in WAVESPEED_BASE_URL; None when it is not set."""
    return _checked(env, "WAVESPEED_BASE_URL", base_url_problem, report=report)


def _checked(
    env: Mapping[str, str], name: str, problem_of: Callable[[str], str | None], *, report: ProblemReport
) -> str | None:
    """The value of a variable; empty counts as not set."""
    text = env.get(name, "").strip()
    if not text:
        return None
    if problem := problem_of(text):
        report.add(_problem(name, problem))
    return text


def _problem(name: str, message: str) -> Problem:
    return Problem(file=f"environment variable {name}", line=0, column=0, path="", message=message)
