"""What each outcome means that leaves nothing at the provider: the attempt is given back, and for how long.

| Outcome | Reason | Job waits | What pauses | Event once the intent to send is durable |
|---|---|---|---|---|
| input changed | input_changed | for a person | nothing | never happens |
| picture not here | picture_not_here | a minute | nothing | never happens |
| rejected upload | upload_rejected | for a person | nothing | it ends the attempt: see `Submitter` |
| lost upload | upload_failed | with backoff | nothing | the attempt is in doubt: see `Submitter` |
| throttled | throttled | as the pause | the account, for a while | throttled |
| not sent | unreachable | as the pause | the account, for a while | not sent |
| key refused | key_refused | not itself | this worker, until its key works | refused |
| no credit | no_credit | not itself | this worker, until there is some | refused |

Before that intent is durable the event is always `released`: a leased attempt has sent nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.states import AttemptEvent
from orchestrator.core.taxonomy import Disposition, PaidReason, Reason
from orchestrator.ports import KeyRefused, Lost, NoCredit, NotSent, Prediction, Rejected, Throttled
from orchestrator.settings import Outputs
from orchestrator.store.money import prices
from orchestrator.worker.deps import Deps
from orchestrator.worker.guards import price_guard
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.pipeline.prepare import InputChanged, PictureNotHere

NotPrepared = PictureNotHere | InputChanged | Rejected | Throttled | KeyRefused | NoCredit | NotSent | Lost
"""What preparing ends with when there is nothing to send."""

NothingCreated = Throttled | KeyRefused | NoCredit | NotSent
"""What a POST ends with when the provider has created nothing, and another try may be made."""


class Wait(Enum):
    """How long the job waits for its next try."""

    NONE = "none"  # beyond what pauses
    A_MINUTE = "a minute"  # another worker may be able to
    BACKOFF = "backoff"  # longer with each try of the job
    FOR_A_PERSON = "for a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """How an attempt is given back. The pause, if there is one, says how many seconds the job waits."""

    reason: str
    wait: Wait = Wait.NONE
    pause: Callable[[AccountPauses, Any], Awaitable[float]] | None = None
    event: AttemptEvent = AttemptEvent.RELEASED  # once the intent to send is durable


GIVEN_BACK: Final[Mapping[type, GivenBack]] = MappingProxyType(
    {
        InputChanged: GivenBack(reason="input_changed", wait=Wait.FOR_A_PERSON),
        PictureNotHere: GivenBack(reason="picture_not_here", wait=Wait.A_MINUTE),
        Rejected: GivenBack(reason="upload_rejected", wait=Wait.FOR_A_PERSON),
        Lost: GivenBack(reason="upload_failed", wait=Wait.BACKOFF),
        Throttled: GivenBack(reason="throttled", pause=AccountPauses.throttled, event=AttemptEvent.THROTTLED),
        NotSent: GivenBack(
            reason="unreachable", pause=AccountPauses.unreachable, event=AttemptEvent.NOT_SENT
        ),
        KeyRefused: GivenBack(
            reason="key_refused", pause=AccountPauses.key_refused, event=AttemptEvent.REFUSED
        ),
        NoCredit: GivenBack(reason="no_credit", pause=AccountPauses.no_credit, event=AttemptEvent.REFUSED),
    }
)

HELD_BACK: Final = GivenBack(reason="held_back", event=AttemptEvent.NOT_SENT)
"""We kept the POST from leaving because its time had passed: that says nothing about the provider."""

EARLIER_TASK: Final = GivenBack(reason="earlier_task_unreadable", wait=Wait.BACKOFF)
"""The job has paid for a task already, and the provider does not say how that stands."""

PRICE_DRIFT: Final = GivenBack(reason=prices.PRICE_DRIFT)
PRICE_UNANSWERED: Final = GivenBack(reason=prices.PRICE_UNANSWERED)
PRICE_UNKNOWN: Final = GivenBack(reason=prices.PRICE_UNKNOWN)
REPRICED: Final = GivenBack(reason=price_guard.REPRICED)
PRICE_REFUSALS: Final[Mapping[str, GivenBack]] = MappingProxyType(
    {row.reason: row for row in (PRICE_DRIFT, PRICE_UNANSWERED, PRICE_UNKNOWN, REPRICED)}
)
"""What the price guard says no with."""

STOPPED: Final = GivenBack(reason="released")

NO_OUTPUTS: Final = Disposition(
    retry=False,
    reason=PaidReason.NO_OUTPUTS,
    message="the task completed without a picture and was charged; another try is bought only on request",
)

UNEXPLAINED: Final = Disposition(
    retry=True, reason=Reason.PROVIDER_ERROR, message="the task ended without outputs"
)


def given_back(outcome: NotPrepared) -> GivenBack:
    """The row of this outcome."""
    return HELD_BACK if isinstance(outcome, NotSent) and outcome.expired else GIVEN_BACK[type(outcome)]


def retry_seconds(deps: Deps, number: int) -> float:
    """How long a job waits before it is tried again after its attempt of that number."""
    return backoff_seconds(
        number,
        base_seconds=deps.settings.retry.backoff_base_seconds,
        cap_seconds=deps.settings.retry.backoff_cap_seconds,
        uniform=deps.entropy.uniform,
    )


def flags_of(prediction: Prediction, rules: Outputs) -> tuple[bool | None, ...]:
    """One flag an output. Something that was said and cannot be read counts as flagged where the settings say
    so, except where flagged pictures are discarded: nothing that is paid for is thrown away on a guess.
    """
    guess = True if rules.nsfw_unknown == "quarantine" and rules.nsfw != "discard" else None
    said = prediction.nsfw + (None,) * (len(prediction.outputs) - len(prediction.nsfw))
    return tuple(guess if index in prediction.nsfw_unclear else flag for index, flag in enumerate(said))
