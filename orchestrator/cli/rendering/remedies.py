"""What to type when something is stopped."""

import shlex
from collections.abc import Iterable

from orchestrator.store.account.pauses import CLOSED, FINISH_BY
from orchestrator.store.db.schema import Scope
from orchestrator.store.money.prices import BILL_DRIFT, PRICE_DRIFT, PRICE_UNKNOWN
from orchestrator.store.runs.gates import CANARY
from orchestrator.store.runs.order import HELD
from orchestrator.store.stops.attention import (
    NAMES_WAITING,
    OVERDUE_TASKS,
    PICTURES_MISSING,
    RESULTS_EXPIRING,
)
from orchestrator.store.stops.picture_waits import NO_PICTURE, UNJUDGED
from orchestrator.store.stops.stops import Stoppage

_ACCOUNT = {
    "paused": ("orchestrator resume", "ends the pause"),
    "no_credit": ("orchestrator doctor", "shows the balance; a running worker goes on once it is topped up"),
    "key_refused": ("orchestrator doctor", "tries the key; a running worker goes on once it works"),
    "unknown_tasks": ("orchestrator reconcile", "takes in what this database does not know"),
    "storage": ("orchestrator doctor", "tries the output folder; a running worker goes on once it can write"),
}
_WORKER = {
    "no_credit": ("orchestrator workers list", "shows whose account has no credit; the others go on"),
    "key_refused": ("orchestrator workers list", "shows where a key is refused; the others go on"),
    "storage": ("orchestrator workers list", "shows whose output folder takes no files; the others go on"),
}
_BY_SCOPE = {"account": _ACCOUNT, "worker": _WORKER}
_BY_REASON = {
    "unknown_task": (
        "orchestrator reconcile",
        "gives those tasks to their jobs, or hears that they are not ours",
    ),
    OVERDUE_TASKS: ("orchestrator in-doubt list", "shows the tasks to ask the provider about"),
    PICTURES_MISSING: (
        "orchestrator outputs check --fetch",
        "gets them again while the provider keeps them; a rejected one is made anew by the next run",
    ),
    UNJUDGED: ("orchestrator review", "accepts the pictures that others are to be made of"),
    NO_PICTURE: ("orchestrator jobs list --state pending", "says of each what became of its picture"),
    NAMES_WAITING: ("orchestrator outputs move", "gives pictures their names, where their files are"),
    RESULTS_EXPIRING: ("orchestrator work --drain", "collects what is paid for"),
    BILL_DRIFT: (
        "orchestrator reconcile --accept-bill",
        "the bill is right: books it, and goes on at its prices",
    ),
}
_MODEL = {PRICE_DRIFT: "accepts the price", PRICE_UNKNOWN: "asks for the price again"}


def _of_schedule(stop: Stoppage) -> tuple[str, str]:
    name = shlex.quote(stop.name)
    match stop.reason:
        case "tick_waiting":
            return f"orchestrator schedule approve {name}", "lets the tick go on; `refuse` does not make it"
        case "schedule_paused":
            return f"orchestrator schedule resume {name}", "lets it fire again"
        case "tick_unread":
            return "orchestrator work", "makes the tick, on a host that has its manifest"
        case _:
            return f"orchestrator schedule history {name}", "shows its ticks; `backfill` makes one again"


def remedies(stops: Iterable[Stoppage]) -> list[tuple[str, str]]:
    """A command for each stop that needs one, and why; stops that end by themselves have none."""
    found = dict.fromkeys(step for stop in stops if stop.until is None and (step := _remedy(stop)))
    return list(found)


def _remedy(stop: Stoppage) -> tuple[str, str] | None:
    if stop.reason in _BY_REASON:
        return _BY_REASON[stop.reason]
    if stop.cap is not None:
        cap = stop.cap
        owner = "account" if cap.scope is Scope.ACCOUNT else f"{cap.scope.value}:{cap.name}"
        return f"orchestrator budget set {shlex.quote(owner)} --{cap.window.value} USD", "raises the cap"
    if stop.scope in _BY_SCOPE:
        return _BY_SCOPE[stop.scope].get(stop.reason)
    match stop.scope:
        case "schedule":
            return _of_schedule(stop)
        case "campaign" | "run":
            return _resumed(stop)
        case _:
            return _of_model(stop)


def _of_model(stop: Stoppage) -> tuple[str, str] | None:
    if stop.reason not in _MODEL:
        return None
    return f"orchestrator resume --model {shlex.quote(stop.name)}", _MODEL[stop.reason]


def _resumed(stop: Stoppage) -> tuple[str, str]:
    if stop.reason == FINISH_BY:
        key = shlex.quote(stop.name.rpartition("/")[2])
        return (
            f"orchestrator run MANIFEST --run {key}",
            "gives the run until the next such time; a later run takes over what is left",
        )
    campaign = shlex.quote(stop.name.split("/")[0])
    if stop.reason == HELD:
        return f"orchestrator jobs release --run {shlex.quote(stop.name)}", "lets the held jobs run"
    if stop.reason == CLOSED:
        return f"orchestrator campaigns reopen {campaign}", "opens the campaign again"
    if stop.reason == CANARY:
        return (
            f"orchestrator runs approve {shlex.quote(stop.name)}",
            "lets the rest run; or look: orchestrator review",
        )
    if stop.scope == "run":
        return f"orchestrator runs resume {shlex.quote(stop.name)}", "lets it go on, its figures counted anew"
    return f"orchestrator campaigns resume {campaign}", "lets it go on"
