"""The parts of the documents that are made from the tables of states and of what goes wrong."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from orchestrator.core import states
from orchestrator.ports.artifacts import FETCH_FAULTS
from orchestrator.provider import failure_texts, verdicts
from orchestrator.provider.classify import STATUS_MEANINGS, Meaning


def job_states() -> str:
    return _machine(states.JobState, states.JOB_TRANSITIONS)


def attempt_states() -> str:
    return _machine(states.AttemptState, states.ATTEMPT_TRANSITIONS)


def reservation_states() -> str:
    return _machine(states.ReservationState, states.RESERVATION_TRANSITIONS)


def tick_states() -> str:
    return _machine(states.TickState, states.TICK_TRANSITIONS)


def _machine(kind: type[StrEnum], table: Mapping[tuple[Any, Any], StrEnum]) -> str:
    rows = [
        f"| {f'`{source}`' if source else '(new)'} | {event.replace('_', ' ')} | `{target}` |"
        for (source, event), target in table.items()
    ]
    final = ", ".join(f"`{state}`" for state in kind if state not in {source for source, _ in table})
    ends = f"\n\nFrom {final} nothing leads on." if final else ""
    return "\n".join(["| From | When | To |", "|---|---|---|", *rows]) + ends


def failed_codes() -> str:
    """What each application code of a failed task means."""
    return _endings("Code", ((f"{code}", "failed", code) for code in verdicts.FAILED_CODES))


def ended_statuses() -> str:
    """What each terminal status other than completed and failed means."""
    return _endings("Status", ((f"`{status}`", status, None) for status in verdicts.ENDED))


def _endings(title: str, rows: Iterable[tuple[str, str, int | None]]) -> str:
    """What `disposition` decides."""
    lines = [f"| {title} | Meaning | Reason | Tried again by itself? |", "|---|---|---|---|"]
    for name, status, code in rows:
        found = verdicts.disposition(status, code, "")
        again = "yes" if found.retry else "no"
        if found.fresh_upload_helps:
            again = "only when every input was uploaded by us: it is uploaded afresh"
        lines.append(f"| {name} | {found.message} | `{found.reason}` | {again} |")
    return "\n".join(lines)


def failure_texts_table() -> str:
    """The wordings that decide where the code does not."""
    rows = [
        f"| {', '.join(f'`{phrase}`' for phrase in family.phrases)} | `{family.reason}` | {family.source} |"
        for family in failure_texts.FAMILIES
    ]
    return "\n".join(["| Words in the text | Reason | Seen at |", "|---|---|---|", *rows])


def status_words() -> str:
    """What each word for a task's state is taken for."""
    words: dict[str, list[str]] = {}
    for word, status in verdicts.STATUS_WORDS.items():
        words.setdefault(status.value, []).append(f"`{word}`")
    rows = [f"| {', '.join(names)} | {status} |" for status, names in words.items()]
    return "\n".join(["| The provider's words | Taken for |", "|---|---|", *rows])


def refused_statuses() -> str:
    """What each HTTP status that refuses a submit means; rows that say the same are one."""
    named = {Meaning.KEY_REFUSED: "KeyRefused", Meaning.NO_CREDIT: "NoCredit", Meaning.THROTTLED: "Throttled"}
    rows: dict[tuple[str, str, str], list[int]] = {}
    for status, meaning in STATUS_MEANINGS.items():
        if meaning is Meaning.REJECTED:
            found = verdicts.rejection(status, None, "")
            words = found.message if status in verdicts.REJECTIONS else "the provider refused the request"
            rows.setdefault(("Rejected", f"`{found.reason}`", words), []).append(status)
        else:
            rows.setdefault((named[meaning], "", ""), []).append(status)
    lines = [
        f"| {', '.join(map(str, statuses))} | {outcome} | {reason} | {words} |"
        for (outcome, reason, words), statuses in rows.items()
    ]
    return "\n".join(["| HTTP status | Outcome | Reason of the job | Meaning |", "|---|---|---|---|", *lines])


def fetch_faults() -> str:
    """What goes wrong with a download, and what follows."""
    rows = [f"| {happened} | `{fault}` | {then} |" for fault, (happened, then) in FETCH_FAULTS.items()]
    return "\n".join(["| What happens | Fault | Then |", "|---|---|---|", *rows])
