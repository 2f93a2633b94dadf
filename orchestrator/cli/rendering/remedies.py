"""What to type when something is stopped."""

import shlex
from collections.abc import Iterable

from orchestrator.store.views import StoppedRow

_ACCOUNT = {
    "paused": ("orchestrator resume", "ends the pause"),
    "no_credit": ("orchestrator doctor", "shows the balance; a running worker goes on once it is topped up"),
    "key_refused": ("orchestrator doctor", "tries the key; a running worker goes on once it works"),
    "unknown_tasks": ("orchestrator reconcile", "takes in what another copy of this database bought"),
    "storage": ("orchestrator doctor", "tries the output folder; a running worker goes on once it can write"),
}


def remedies(stopped: Iterable[StoppedRow]) -> list[tuple[str, str]]:
    """A command for each stop that needs one, and why; stops that end by themselves have none."""
    found = dict.fromkeys(step for row in stopped if row.until is None and (step := _remedy(row)))
    return list(found)


def _remedy(row: StoppedRow) -> tuple[str, str] | None:
    if row.cap is not None:
        owner = "account" if row.cap.scope == "account" else f"{row.cap.scope}:{row.cap.name}"
        return f"orchestrator budget set {shlex.quote(owner)} --{row.cap.window} USD", "raises the cap"
    if row.kind == "account":
        return _ACCOUNT.get(row.reason)
    if row.kind == "campaign":
        return _resumed(row.scope.removeprefix("campaign "))
    if row.kind == "run":
        return _resumed(row.scope.removeprefix("run ").split("/")[0])
    return None


def _resumed(campaign: str) -> tuple[str, str]:
    return f"orchestrator campaigns resume {shlex.quote(campaign)}", "lets it go on"
