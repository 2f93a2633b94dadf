"""A task's fate: how it will end, decided in full when it is accepted. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from orchestrator.sandbox.faults.dice import Dice
from orchestrator.sandbox.faults.names import Fault

MODERATED: Final = "Content flagged as potentially sensitive. Please try different prompts or images."
UNFETCHABLE: Final = "failed to fetch input media: {url}"
RISK_CONTROL: Final = "Failure to pass the risk control system"
DIMENSIONS: Final = "Image dimensions must be at least 300px"
MODERATED_CODE: Final = 1200
LATE_SECONDS: Final = 15.0
FLAGGED_TOO: Final = 0.5  # the chance of each further output of a task with a flagged one
NO_CREDIT: Final = "Insufficient credits. Please top up."


_ASKED: Final = re.compile(r"sandbox:([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Fate:
    """How a task ends. `nsfw` has a flag per output, or is None when the provider says nothing."""

    status: str = "completed"
    outputs: int = 1
    nsfw: tuple[bool, ...] | None = (False,)
    error: str = ""
    code: int = 0
    refunded: bool = False
    running_word: str = "processing"
    running_error: str = ""
    object_outputs: bool = False
    nested_outputs: bool = False
    late_seconds: float = 0.0  # its outputs are shown so long after it has completed
    word: str = ""  # what is said of it once it has ended, instead of `status`
    flags_as: str = ""  # how a flag is written, instead of true and false: one of FLAGS
    endless: bool = False


_FAILURES: Final[Mapping[Fault, tuple[str, str, int]]] = {
    Fault.TASK_MODERATED: ("failed", MODERATED, 1200),
    Fault.TASK_RISK_CONTROL: ("failed", RISK_CONTROL, 1403),
    Fault.TASK_DIMENSIONS: ("failed", DIMENSIONS, 1405),
    Fault.TASK_ERROR: ("failed", "Task execution failed.", 1403),
    Fault.TASK_WORD_NSFW: ("failed", "", 0),
    Fault.TASK_FAILED: ("failed", "Task execution failed.", 1403),
    Fault.TASK_INTERNAL_ERROR: ("failed", "Internal error: upstream returned HTTP 500.", 5000),
    Fault.TASK_UNAVAILABLE: ("failed", "Service unavailable, please retry later.", 5003),
    Fault.TASK_INPUT_UNREADABLE: ("failed", UNFETCHABLE.format(url="an input picture"), 1402),
    Fault.TASK_TIMEOUT: ("timeout", "Task timed out.", 5004),
    Fault.TASK_CANCELLED: ("cancelled", "Task was cancelled.", 0),
    Fault.TASK_DELETED: ("deleted", "Task was deleted.", 0),
}


def failed(error: str, code: int, *, refunded: bool = True) -> Fate:
    """The fate of a task that ends without outputs."""
    return Fate(status="failed", outputs=0, nsfw=(), error=error, code=code, refunded=refunded)


_ODDITIES: Final[Mapping[Fault, Mapping[str, Any]]] = {
    Fault.TASK_NULL_FLAGS: {"nsfw": None},
    Fault.TASK_NO_OUTPUTS: {"outputs": 0, "nsfw": ()},
    Fault.TASK_OBJECT_OUTPUTS: {"object_outputs": True},
    Fault.TASK_ODD_STATUS: {"running_word": "warming_up"},
    Fault.TASK_ERROR_WHILE_RUNNING: {"running_error": "Upstream is slow; still trying."},
    Fault.TASK_STUCK: {"endless": True},
    Fault.TASK_SUCCEEDED: {"word": "succeeded"},
    Fault.TASK_LATE_OUTPUTS: {"late_seconds": LATE_SECONDS},
    Fault.TASK_NESTED_OUTPUTS: {"nested_outputs": True},
}
_WORDS: Final[Mapping[Fault, str]] = {Fault.TASK_ERROR: "error", Fault.TASK_WORD_NSFW: "nsfw"}
FLAGS: Final[Mapping[str, Mapping[bool, Any]]] = {
    "texts": {True: "true", False: "false"},
    "objects": {True: {"sexual": True, "hate": False}, False: {"sexual": False, "hate": False}},
    "unclear": {True: "see report", False: "see report"},
}
"""How the flags of a task are written that does not write true and false."""

_FLAGGED_AS: Final[Mapping[Fault, str]] = {
    Fault.TASK_TEXT_FLAGS: "texts",
    Fault.TASK_OBJECT_FLAGS: "objects",
    Fault.TASK_UNCLEAR_FLAGS: "unclear",
}
_OUTPUTS_OFF_BY: Final[Mapping[Fault, int]] = {Fault.TASK_FEWER_OUTPUTS: -1, Fault.TASK_MORE_OUTPUTS: 1}


def decide_fate(fault: Fault | None, asked: int, dice: Dice, *, refund_moderated: bool) -> Fate:
    """How a task that was asked for `asked` outputs ends under `fault`; `dice` is drawn for which ones are
    flagged.
    """
    good = Fate(outputs=asked, nsfw=(False,) * asked)
    if fault is None:
        return good
    if fault in _FAILURES:
        status, error, code = _FAILURES[fault]
        refunded = refund_moderated or code != MODERATED_CODE
        return Fate(
            status=status,
            outputs=0,
            nsfw=(),
            error=error,
            code=code,
            refunded=refunded,
            word=_WORDS.get(fault, ""),
        )
    if fault in _FLAGGED_AS:
        return replace(good, nsfw=(True,) * asked, flags_as=_FLAGGED_AS[fault])
    if fault is Fault.TASK_NSFW:
        certain = int(dice.unit("flagged") * asked)
        flags = (n == certain or dice.unit("flag", n) < FLAGGED_TOO for n in range(asked))
        return replace(good, nsfw=tuple(flags))
    if fault in _OUTPUTS_OFF_BY:
        outputs = max(asked + _OUTPUTS_OFF_BY[fault], 1)
        return replace(good, outputs=outputs, nsfw=(False,) * outputs)
    return replace(good, **_ODDITIES[fault])


def refunds_of(fault: Fault | None, price_micros: int) -> tuple[int, ...]:
    """What is paid back of a charge, record by record: all of it, unless `fault` says otherwise."""
    match fault:
        case Fault.REFUND_PARTIAL:
            return (price_micros // 2,)
        case Fault.REFUND_OVERSIZED:
            return (2 * price_micros,)
        case Fault.REFUND_TWICE:
            return price_micros, price_micros
        case _:
            return (price_micros,)


def triggered(inputs: Mapping[str, Any]) -> Fault | None:
    """The fate that a prompt asks for: `sandbox:` and a fate, as in `sandbox:timeout`; or the word `nsfw`
    anywhere.
    """
    prompt = str(inputs.get("prompt", "")).lower()
    for name in _ASKED.findall(prompt):
        fault = next((fault for fault in Fault if fault == f"task.{name}"), None)
        if fault is not None:
            return fault
    return Fault.TASK_NSFW if "nsfw" in prompt else None
