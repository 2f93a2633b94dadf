"""Bugs planted in what webhooks prove."""

from sqlalchemy import select

from orchestrator.core import webhooks
from orchestrator.core.states import AttemptState
from orchestrator.store.db import schema
from orchestrator.store.doubts import webhook_reports

from .planting import Mutation, Patch


def unsigned_webhook_is_believed(patch: Patch) -> None:
    """Whoever reaches the receiver is taken for the provider."""
    patch(webhooks, "refusal", lambda headers, body, secrets, now_seconds: None)


def webhook_is_forgotten(patch: Patch) -> None:
    """What a webhook said is recorded, and the resolver never reads it."""
    patch(webhook_reports, "of_doubts", lambda tx: [])


def webhook_is_anybodys(patch: Patch) -> None:
    """A report counts for some attempt in doubt, whatever its token."""
    columns = webhook_reports._attempt_of("").selected_columns
    doubted = schema.attempts.c.state == AttemptState.IN_DOUBT.value
    patch(webhook_reports, "_attempt_of", lambda token: select(*columns).where(doubted).limit(1))


WEBHOOK_BUGS = (
    Mutation("unsigned webhook is believed", unsigned_webhook_is_believed, "mixed", first=5),
    Mutation("webhook is recorded and forgotten", webhook_is_forgotten, "lost", first=26),
    Mutation(name="webhook is anybody's", apply=webhook_is_anybodys, theme="lost", first=13),
)
