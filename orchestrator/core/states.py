"""States and transitions, as data.

*State* is ours, *status* is the provider's. A transition that is not in a table here does not exist; a row
from None is how something begins. Every write of a state column takes its value from `step`; the store's
CHECK constraints and the documentation are made from the same enums.

Long because a reader looks for every state machine in one place.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class JobState(StrEnum):
    """Where the intent to obtain one spec's outputs stands."""

    PENDING = "pending"  # waiting; claimable when it is due and its lane is open
    RUNNING = "running"  # exactly one live attempt
    SUCCEEDED = "succeeded"  # every output is stored
    FAILED = "failed"  # no further attempt will be made by itself
    CANCELLED = "cancelled"  # an operator does not want it
    REUSED = "reused"  # the picture of a job of an earlier run serves: nothing is made, nothing is paid


class JobEvent(StrEnum):
    """What happens to a job."""

    ADDED = "added"  # by a manifest
    REUSED = "reused"  # by a manifest that makes only what has changed
    CLAIMED = "claimed"  # by a worker
    TASK_ASSIGNED = "task_assigned"  # a task that nobody remembers is given to it
    ATTEMPT_SUCCEEDED = "attempt_succeeded"
    ATTEMPT_ENDED_RETRY = "attempt_ended_retry"  # without a result, and another attempt is allowed
    ATTEMPT_ENDED_FINAL = "attempt_ended_final"  # without a result, and no other is allowed
    CANCELLED = "cancelled"
    RETRIED = "retried"


JOB_TRANSITIONS: Final[dict[tuple[JobState | None, JobEvent], JobState]] = {
    (None, JobEvent.ADDED): JobState.PENDING,
    (None, JobEvent.REUSED): JobState.REUSED,
    (JobState.PENDING, JobEvent.CLAIMED): JobState.RUNNING,
    (JobState.PENDING, JobEvent.TASK_ASSIGNED): JobState.RUNNING,
    (JobState.PENDING, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.RUNNING, JobEvent.ATTEMPT_SUCCEEDED): JobState.SUCCEEDED,
    (JobState.RUNNING, JobEvent.ATTEMPT_ENDED_RETRY): JobState.PENDING,
    (JobState.RUNNING, JobEvent.ATTEMPT_ENDED_FINAL): JobState.FAILED,
    (JobState.RUNNING, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.FAILED, JobEvent.RETRIED): JobState.PENDING,
    (JobState.CANCELLED, JobEvent.RETRIED): JobState.PENDING,
}


class AttemptState(StrEnum):
    """Where one try at a job stands: at most one paid POST, one prediction."""

    LEASED = "leased"  # claimed; inputs are being prepared; nothing was sent
    SUBMITTING = "submitting"  # committed before the POST leaves: from here on money may be owed
    IN_FLIGHT = "in_flight"  # the provider accepted; its prediction id is stored
    FETCHING = "fetching"  # completed at the provider; outputs are being stored
    SUCCEEDED = "succeeded"  # every output is stored and recorded
    FAILED = "failed"  # ended without the outputs
    ABANDONED = "abandoned"  # nothing was created, nothing is owed
    IN_DOUBT = "in_doubt"  # the POST may have created a prediction; the money stays held


class AttemptEvent(StrEnum):
    """What happens to an attempt."""

    CLAIMED = "claimed"  # by a worker
    TASK_ASSIGNED = "task_assigned"  # for a task that nobody remembers, or that an earlier attempt paid for
    SEND_COMMITTED = "send_committed"  # the intent to POST is durable
    RELEASED = "released"  # given back before anything was sent
    NOT_SENT = "not_sent"  # the connection failed before a byte left
    THROTTLED = "throttled"  # 429
    REFUSED = "refused"  # the key or the credit: the account's trouble, not the job's
    REJECTED = "rejected"  # 4xx: no prediction exists
    REPLY_LOST = "reply_lost"  # 5xx, reset, timeout, unreadable reply, or the worker died here
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    PROVIDER_FAILED = "provider_failed"
    STORED = "stored"
    OUTPUT_GONE = "output_gone"
    EVIDENCE_FOUND = "evidence_found"
    ABSENCE_PROVED = "absence_proved"
    WRITTEN_OFF = "written_off"


ATTEMPT_TRANSITIONS: Final[dict[tuple[AttemptState | None, AttemptEvent], AttemptState]] = {
    (None, AttemptEvent.CLAIMED): AttemptState.LEASED,
    (None, AttemptEvent.TASK_ASSIGNED): AttemptState.IN_FLIGHT,
    (AttemptState.LEASED, AttemptEvent.SEND_COMMITTED): AttemptState.SUBMITTING,
    (AttemptState.LEASED, AttemptEvent.TASK_ASSIGNED): AttemptState.IN_FLIGHT,
    (AttemptState.LEASED, AttemptEvent.RELEASED): AttemptState.ABANDONED,
    (AttemptState.SUBMITTING, AttemptEvent.NOT_SENT): AttemptState.ABANDONED,
    (AttemptState.SUBMITTING, AttemptEvent.THROTTLED): AttemptState.ABANDONED,
    (AttemptState.SUBMITTING, AttemptEvent.REFUSED): AttemptState.ABANDONED,
    (AttemptState.SUBMITTING, AttemptEvent.REJECTED): AttemptState.FAILED,
    (AttemptState.SUBMITTING, AttemptEvent.REPLY_LOST): AttemptState.IN_DOUBT,
    (AttemptState.SUBMITTING, AttemptEvent.ACCEPTED): AttemptState.IN_FLIGHT,
    (AttemptState.IN_FLIGHT, AttemptEvent.COMPLETED): AttemptState.FETCHING,
    (AttemptState.IN_FLIGHT, AttemptEvent.PROVIDER_FAILED): AttemptState.FAILED,
    (AttemptState.IN_FLIGHT, AttemptEvent.WRITTEN_OFF): AttemptState.FAILED,
    (AttemptState.FETCHING, AttemptEvent.STORED): AttemptState.SUCCEEDED,
    (AttemptState.FETCHING, AttemptEvent.OUTPUT_GONE): AttemptState.FAILED,
    (AttemptState.IN_DOUBT, AttemptEvent.EVIDENCE_FOUND): AttemptState.IN_FLIGHT,
    (AttemptState.IN_DOUBT, AttemptEvent.ABSENCE_PROVED): AttemptState.ABANDONED,
    (AttemptState.IN_DOUBT, AttemptEvent.WRITTEN_OFF): AttemptState.FAILED,
}

ATTEMPT_LIVE: Final = frozenset(
    {
        AttemptState.LEASED,
        AttemptState.SUBMITTING,
        AttemptState.IN_FLIGHT,
        AttemptState.FETCHING,
        AttemptState.IN_DOUBT,
    }
)
"""States of an attempt that is not over: a job has at most one such attempt."""

ATTEMPT_AT_PROVIDER: Final = frozenset(
    {AttemptState.LEASED, AttemptState.SUBMITTING, AttemptState.IN_FLIGHT, AttemptState.IN_DOUBT}
)
"""States that take one of the account's concurrency slots: a task runs there, may run there, or is about
to."""


class ReservationState(StrEnum):
    """What became of the money held for one attempt. After the attempt's end only the bill moves it."""

    HELD = "held"
    SETTLED = "settled"  # money was kept: the attempt's cost is above zero
    RELEASED = "released"  # nothing is owed: the attempt costs nothing
    REFUND_DUE = "refund_due"  # charged, failed, to be paid back; counted until seen or its window has passed


class ReservationEvent(StrEnum):
    """What happens to a reservation."""

    RESERVED = "reserved"
    SETTLED = "settled"  # the attempt ended and is paid for
    RELEASED = "released"  # the attempt ended and owes nothing
    REFUND_EXPECTED = "refund_expected"  # the task failed: what it cost is to be paid back
    REFUND_LAPSED = "refund_lapsed"  # no refund was seen in its window: the money counts as free
    MONEY_KEPT = "money_kept"  # the bill says that the provider keeps the charge, or a part of it
    PAID_BACK = "paid_back"  # the bill says that the provider has paid back all of it


RESERVATION_TRANSITIONS: Final[dict[tuple[ReservationState | None, ReservationEvent], ReservationState]] = {
    (None, ReservationEvent.RESERVED): ReservationState.HELD,
    (ReservationState.HELD, ReservationEvent.SETTLED): ReservationState.SETTLED,
    (ReservationState.HELD, ReservationEvent.RELEASED): ReservationState.RELEASED,
    (ReservationState.HELD, ReservationEvent.REFUND_EXPECTED): ReservationState.REFUND_DUE,
    (ReservationState.REFUND_DUE, ReservationEvent.REFUND_LAPSED): ReservationState.RELEASED,
    (ReservationState.REFUND_DUE, ReservationEvent.PAID_BACK): ReservationState.RELEASED,
    (ReservationState.REFUND_DUE, ReservationEvent.MONEY_KEPT): ReservationState.SETTLED,
    (ReservationState.RELEASED, ReservationEvent.MONEY_KEPT): ReservationState.SETTLED,
    (ReservationState.SETTLED, ReservationEvent.PAID_BACK): ReservationState.RELEASED,
}


class TickState(StrEnum):
    """Where one firing of a schedule stands."""

    DUE = "due"  # its time has come; nobody works on it yet
    EXPANDING = "expanding"  # a worker reads its manifest and tables, under a lease
    APPLIED = "applied"  # its run and jobs exist
    WORKING = "working"  # some of its jobs have begun
    DONE = "done"  # nothing of it goes on by itself; what a cap left waiting is in its reason
    FAILED = "failed"  # no run was made, or nothing of it was stored
    SKIPPED = "skipped"  # by a rule, which its reason names
    MISSED = "missed"  # nobody was there in time
    SUPERSEDED = "superseded"  # a later tick took its place
    WAITING_APPROVAL = "waiting_approval"  # a person decides


class TickEvent(StrEnum):
    """What happens to a tick."""

    FIRED = "fired"  # its time has come
    FOUND_LATE = "found_late"  # its time had passed when somebody looked, and is not caught up
    TAKEN = "taken"  # by a worker that reads its manifest
    LEASE_LOST = "lease_lost"  # that worker is gone: it is done again, under the same run key
    APPLIED = "applied"  # its jobs are recorded
    BEGUN = "begun"  # the first of them was claimed
    ENDED = "ended"  # nothing of it goes on by itself
    FAILED = "failed"
    OVERTAKEN = "overtaken"  # nobody took it before it was too old, or before the next one came
    SKIPPED = "skipped"
    REPLACED = "replaced"  # it waited, and a later one took its place
    HELD = "held"  # a guard asks for a person
    APPROVED = "approved"
    REFUSED = "refused"  # by a person
    ASKED_AGAIN = "asked_again"  # by a person: a backfill


TICK_TRANSITIONS: Final[dict[tuple[TickState | None, TickEvent], TickState]] = {
    (None, TickEvent.FIRED): TickState.DUE,
    (None, TickEvent.FOUND_LATE): TickState.MISSED,
    (TickState.DUE, TickEvent.TAKEN): TickState.EXPANDING,
    (TickState.DUE, TickEvent.SKIPPED): TickState.SKIPPED,
    (TickState.DUE, TickEvent.OVERTAKEN): TickState.MISSED,
    (TickState.DUE, TickEvent.REPLACED): TickState.SUPERSEDED,
    (TickState.EXPANDING, TickEvent.LEASE_LOST): TickState.DUE,
    (TickState.EXPANDING, TickEvent.APPLIED): TickState.APPLIED,
    (TickState.EXPANDING, TickEvent.SKIPPED): TickState.SKIPPED,
    (TickState.EXPANDING, TickEvent.HELD): TickState.WAITING_APPROVAL,
    (TickState.EXPANDING, TickEvent.FAILED): TickState.FAILED,
    (TickState.APPLIED, TickEvent.BEGUN): TickState.WORKING,
    (TickState.APPLIED, TickEvent.ENDED): TickState.DONE,
    (TickState.APPLIED, TickEvent.FAILED): TickState.FAILED,
    (TickState.WORKING, TickEvent.ENDED): TickState.DONE,
    (TickState.WORKING, TickEvent.FAILED): TickState.FAILED,
    (TickState.WAITING_APPROVAL, TickEvent.APPROVED): TickState.DUE,
    (TickState.WAITING_APPROVAL, TickEvent.REFUSED): TickState.SKIPPED,
    (TickState.WAITING_APPROVAL, TickEvent.REPLACED): TickState.SUPERSEDED,
    (TickState.MISSED, TickEvent.ASKED_AGAIN): TickState.DUE,
    (TickState.SKIPPED, TickEvent.ASKED_AGAIN): TickState.DUE,
    (TickState.SUPERSEDED, TickEvent.ASKED_AGAIN): TickState.DUE,
    (TickState.FAILED, TickEvent.ASKED_AGAIN): TickState.DUE,
}

TICK_BUSY: Final = frozenset({TickState.EXPANDING, TickState.APPLIED, TickState.WORKING})
"""States of a tick that has begun and is not over: the next one of its schedule overlaps with it."""

TICK_OPEN: Final = TICK_BUSY | {TickState.DUE, TickState.WAITING_APPROVAL}
"""States of a tick from which something still becomes."""


class IllegalTransitionError(AssertionError):
    """The code asked for a transition that no table holds: a bug, never a user's mistake."""


def step(table: Mapping[tuple[S | None, E], S], state: S | None, event: E) -> S:
    """The state after `event`, from None for what begins; raises IllegalTransitionError when `table` has no
    such edge.
    """
    try:
        return table[state, event]
    except KeyError:
        raise IllegalTransitionError(f"{type(event).__name__}: {state} cannot accept {event}") from None


def sources(table: Mapping[tuple[S | None, E], S], event: E) -> frozenset[S]:
    """Every state from which `event` is legal: what a fenced write names in its WHERE."""
    return frozenset(state for state, candidate in table if candidate == event and state is not None)


def edges(table: Mapping[tuple[S | None, E], S]) -> frozenset[tuple[S | None, S]]:
    """From and to of every row: what can be seen of a table from outside."""
    return frozenset((state, after) for (state, _), after in table.items())
