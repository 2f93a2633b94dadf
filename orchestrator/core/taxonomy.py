"""Our own words for why an attempt ended without its outputs, and what follows for its job.

Which of a provider's codes, statuses and texts mean which reason is the adapter's knowledge: its answers come
with a disposition. A retry that it allows is only *allowed*: the number of attempts, the delay and the money
are decided elsewhere.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The short machine words that a failed attempt or job carries."""

    MODERATED = "moderated"  # the provider's content check refused the task
    BAD_INPUT = "bad_input"  # a parameter or the request as a whole is refused
    INPUT_UNREACHABLE = "input_unreachable"  # the provider could not download an input picture
    PROVIDER_ERROR = "provider_error"  # the task failed at the provider, through no fault of the request
    PROVIDER_TIMEOUT = "provider_timeout"  # the provider gave the task up
    CANCELLED_BY_PROVIDER = "cancelled_by_provider"  # cancelled at the provider, for instance in its web page
    DELETED_AT_PROVIDER = "deleted_at_provider"  # the task's record was deleted at the provider
    NO_CREDIT = "no_credit"  # the account could not pay for the task
    MODEL_UNKNOWN = "model_unknown"  # the provider knows no such model


class PaidReason(StrEnum):
    """The same for tasks that were paid for and whose pictures we do not have."""

    NO_OUTPUTS = "no_outputs"  # completed, and without a picture for as long as it was looked at
    OUTPUT_LOST = "output_lost"  # its pictures could not be had from any URL
    PREDICTION_MISSING = "prediction_missing"  # the provider denies knowing the task
    WRITTEN_OFF = "written_off"  # an operator gave it up


MENDED_BY_RETRY: Final = frozenset(
    {
        Reason.PROVIDER_ERROR,
        Reason.PROVIDER_TIMEOUT,
        Reason.NO_CREDIT,
        Reason.CANCELLED_BY_PROVIDER,
        *PaidReason,
    }
)
"""Reasons of failed jobs for which the same request, sent again, may well bring pictures. All others need
another request, another key or a person first; what is bought again for them is refused again."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What to do after an attempt ended without its outputs."""

    retry: bool  # another attempt may be made without an operator
    reason: str  # one of Reason or PaidReason
    message: str  # one line for people: what the provider said, or what its code means
    fresh_upload_helps: bool = False  # a retry is worth it when every input picture was hosted by us

    def retried(self, *, sends_only_uploads: bool) -> bool:
        """Whether the job may be tried again by itself. A picture that we hosted may have aged out at the
        provider, so a fresh upload can help; a URL of the user's stays what it is.
        """
        return self.retry or (self.fresh_upload_helps and sends_only_uploads)
