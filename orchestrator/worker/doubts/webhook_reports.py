"""Consuming webhook reports: a doubt whose own token was reported is resolved at once, whatever the
provider's list shows.

A report is believed about which attempt created the prediction, and about nothing else: the prediction is
looked up at the provider before the doubt is resolved as it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core import evidence
from orchestrator.ports import Prediction
from orchestrator.store.doubts import doubts, webhook_reports
from orchestrator.store.doubts.doubts import InDoubt
from orchestrator.worker.deps import Deps

EVIDENCE = "reported by a signed webhook with the attempt's own token"


@dataclass(frozen=True, slots=True)
class ConsumedReports:
    """What webhooks made of the doubts."""

    resolved: tuple[int, ...]
    unclear: Mapping[int, tuple[str, ...]]  # reported and not confirmed yet: attempt -> its predictions

    @property
    def attempts(self) -> frozenset[int]:
        """Every doubt that a webhook has reported on: the list has nothing to add, and an absence from it
        proves nothing.
        """
        return frozenset(self.resolved) | self.unclear.keys()


async def consume_reports(
    deps: Deps, rows: Mapping[int, InDoubt], worker_id: str, lease_ms: int
) -> ConsumedReports:
    """Resolve each doubt as what was reported, once the provider confirms it; other reports are unclear for
    now.
    """
    with deps.database.read() as tx:
        weighed = evidence.weigh_reports(
            report for report in webhook_reports.of_doubts(tx) if report[0] in rows
        )
    resolved: list[int] = []
    unclear = dict(weighed.contradicted)
    for attempt_id, prediction_id in weighed.adopt:
        row = rows[attempt_id]
        status = await _confirmed(deps, prediction_id, row.model)
        deps.crashpoint("resolve.confirmed")
        if status is not None and await deps.writer.submit(
            doubts.resolve_as,
            doubts.Found(
                attempt_id=attempt_id,
                epoch=row.epoch,
                prediction_id=prediction_id,
                status=status,
                worker=worker_id,
                lease_ms=lease_ms,
                evidence=EVIDENCE,
            ),
        ):
            resolved.append(attempt_id)
        else:
            unclear[attempt_id] = (prediction_id,)
    return ConsumedReports(tuple(resolved), unclear)


async def _confirmed(deps: Deps, prediction_id: str, model: str) -> str | None:
    """The prediction's status in the provider's words; None when it does not know the prediction now, or says
    that it is another model's.
    """
    found = await deps.provider.result(prediction_id)
    if not isinstance(found, Prediction) or found.model not in {None, model}:
        return None
    return found.status_text
