"""What to type when something is stopped."""

import shlex
from collections.abc import Iterable

from orchestrator.store.db.schema import Scope
from orchestrator.store.stops.stops import Stoppage

_ACCOUNT = {
    "paused": ("orchestrator resume", "ends the pause"),
    "no_credit": ("orchestrator doctor", "shows the balance; a running worker goes on once it is topped up"),
    "key_refused": ("orchestrator doctor", "tries the key; a running worker goes on once it works"),
    "unknown_tasks": ("orchestrator reconcile", "takes in what another copy of this database bought"),
    "storage": ("orchestrator doctor", "tries the output folder; a running worker goes on once it can write"),
}


def remedies(stops: Iterable[Stoppage]) -> list[tuple[str, str]]:
    """A command for each stop that needs one, and why; stops that end by themselves have none."""
    found = dict.fromkeys(step for stop in stops if stop.until is None and (step := _remedy(stop)))
    return list(found)


def _remedy(stop: Stoppage) -> tuple[str, str] | None:
    if stop.cap is not None:
        cap = stop.cap
        owner = "account" if cap.scope is Scope.ACCOUNT else f"{cap.scope.value}:{cap.name}"
        return f"orchestrator budget set {shlex.quote(owner)} --{cap.window.value} USD", "raises the cap"
    match stop.scope:
        case "account":
            return _ACCOUNT.get(stop.reason)
        case "campaign":
            return _resumed(stop.name)
        case "run":
            return _resumed(stop.name.split("/")[0])
        case "worker":
            return "orchestrator workers list", "shows where its key is refused; the others go on"
        case _:  # a model: nothing a person ends
            return None


def _resumed(campaign: str) -> tuple[str, str]:
    return f"orchestrator campaigns resume {shlex.quote(campaign)}", "lets it go on"
