"""The kinds of recorded events, each with what it says."""

from types import MappingProxyType
from typing import Final

EVENT_KINDS: Final = MappingProxyType(
    {
        "adopted": "a job got a task that this database did not know",
        "approved": "a run goes on after its canary: a person, its thresholds or its timeout decided",
        "budget_threshold": "50, 80 or 95 % of a cap is spent or held, or (100 %) no such job fits any more",
        "cancelled": "a job was cancelled",
        "cap_changed": "a cap was set, changed or removed",
        "cap_passed": "a bill or an adopted task brought more under a cap than it allows",
        "chosen": "the clean name of a picture went to another try",
        "database_back": "a worker can write again, after the database was away",
        "doubt_ended": "it became known what a lost reply had done",
        "finish_by": "the time of a run is over, with jobs left",
        "kept_aside": "a file that somebody had changed made room for a chosen picture, under another name",
        "late_acceptance": "a task was accepted for an attempt that was over",
        "notice_given_up": "somebody could not be told for a day",
        "not_moved": "a picture could not get its name now; it is tried again",
        "overdue": "a task is far older than its model's tasks, or answers oddly, and is handed to a person",
        "overdue_ended": "such a task has ended after all",
        "paused": "something stopped spending",
        "picture_back": "a picture that was missing is there again",
        "picture_missing": "a picture that a later run points at is not there any more",
        "rebuilt": "a job was made from the pictures and sidecars on disk",
        "refund_surplus": "more was paid back for a task than was charged for it",
        "resumed": "a pause ended",
        "retried": "a job was queued again",
        "schedule_paused": "a schedule fires nothing any more",
        "schedule_resumed": "a schedule fires again",
        "second_task": "a webhook reports a task beyond the one that an attempt holds",
        "taken_back": "a retried job looks at its old task before a new one is bought",
        "taken_over": "a worker took over what another one had accepted or claimed",
        "tick_applied": "the jobs of a tick are recorded",
        "tick_approved": "a person lets a tick go on that waited",
        "tick_done": "nothing of a tick goes on by itself any more",
        "tick_due": "the time of a tick has come, or a person asked for it",
        "tick_failed": "no run was made of a tick, or nothing of it was stored",
        "tick_retaken": "a tick is begun again, because its worker fell silent",
        "tick_skipped": "a tick is not made, by a rule or by a person",
        "tick_superseded": "a tick that waited was replaced by a later one",
        "tick_waiting": "a tick waits for a person",
        "ticks_missed": "nobody was there for the time of ticks",
        "unproven": "a picture could not be proven whole, and is kept aside",
        "webhook_refused": "deliveries were rejected",
        "worker_back": "a worker that counted as lost lives",
        "worker_lost": "a worker is gone, or silent for longer than its lease",
        "worker_started": "a worker began",
        "worker_stopped": "a worker left in order",
    }
)

TOLD_BY_ACTS: Final = frozenset(
    {"adopted", "approved", "cancelled", "cap_changed", "doubt_ended", "paused", "resumed", "retried"}
)
"""Kinds that say the same as the act of an operator, when they are of one moment and one subject."""
