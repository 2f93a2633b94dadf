"""What is examined, and what a check finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.ports import BalanceOutcome, Clock, Reached, Shelf
from orchestrator.settings import Settings


class CheckResult(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `fix` is empty when all is well."""

    name: str
    verdict: CheckResult
    message: str
    fix: str = ""
    needs_operator: bool = False  # a key refused or no credit: exit code 5


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `ask_balance` and `reach` go to the network; `check_writable` tries the output
    folder.
    """

    settings: Settings
    env: Mapping[str, str]
    clock: Clock
    reach: Callable[[str], Reached]
    ask_balance: Callable[[], BalanceOutcome]
    check_writable: Callable[[], str | None]
    output_root: Path
    shelf: Shelf
