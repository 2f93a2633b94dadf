"""What the provider shows around lost replies: its list, and what only its bill shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core import evidence
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.ports import Prediction
from orchestrator.ports.paging import Bill, bill_all, list_all
from orchestrator.store.attempts import predictions
from orchestrator.worker.deps import Deps

LOOKUPS_MAX: Final = 20
"""Billed predictions that are looked up one by one at a time: the bill says neither model nor inputs."""


@dataclass(frozen=True, slots=True)
class ProviderView:
    """Predictions of the account in a window."""

    predictions: Mapping[str, Prediction]
    billed: Mapping[str, int | None]  # prediction id -> created_at, where only the bill shows it
    unlisted: frozenset[str]  # predictions that only the bill shows, looked up one by one or not at all
    complete: bool  # the list was read whole, and the bill too unless the account may not read it


async def read_window(deps: Deps, doubts: Sequence[evidence.Doubt], now: int) -> ProviderView | None:
    """The account's predictions and deductions around these doubts; None when the list cannot be read now."""
    after = min(doubt.sent_at for doubt in doubts) - evidence.SKEW_MS
    before = max(doubt.last_possible_at for doubt in doubts) + evidence.SKEW_MS
    listed = await list_all(
        deps.provider,
        deps.clock,
        after_ms=min(max(after, now - RETENTION_MS), before),
        before_ms=before,
        include_inputs=deps.settings.provider.include_inputs,
    )
    if listed is None:
        return None
    bill = await bill_all(deps.provider, deps.clock, start_ms=after, end_ms=before) or Bill()
    billed = {
        record.prediction_id: record.created_at_ms
        for record in bill.records
        if record.prediction_id and record.prediction_id not in listed.predictions
    }
    looked_up = await _looked_up(deps, billed)
    return ProviderView(
        predictions={**listed.predictions, **looked_up},
        billed={name: at for name, at in billed.items() if name not in looked_up},
        unlisted=frozenset(billed),
        complete=listed.complete
        and not listed.hides({doubt.model for doubt in doubts})
        and (bill.complete or bill.refused),
    )


async def _looked_up(deps: Deps, billed: Mapping[str, int | None]) -> dict[str, Prediction]:
    """Billed predictions that this database does not know and the provider still has, with their models."""
    with deps.database.read() as tx:
        unknown = predictions.unknown(tx, list(billed))
    found: dict[str, Prediction] = {}
    for name in sorted(unknown)[:LOOKUPS_MAX]:
        outcome = await deps.provider.result(name)
        if isinstance(outcome, Prediction):
            found[name] = outcome
    return found
