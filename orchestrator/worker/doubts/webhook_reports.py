"""Hearing webhooks: a doubt whose own token was reported is adopted at once, whatever the provider's list
shows.

A report is believed about who created what, and about nothing else: the prediction is looked up before it is
adopted.
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

    adopted: tuple[int, ...]
    unclear: Mapping[int, tuple[str, ...]]  # reported, and not to be adopted now: attempt -> its predictions

    @property
    def attempts(self) -> frozenset[int]:
        """Every doubt that a webhook has told about: the list has nothing to add, and its silence proves
        nothing.
        """
        return frozenset(self.adopted) | self.unclear.keys()


async def consume_reports(
    deps: Deps, rows: Mapping[int, InDoubt], worker_id: str, lease_ms: int
) -> ConsumedReports:
    """Adopt what is reported and confirmed by the provider; the rest of what is reported is unclear for
    now.
    """
    with deps.database.read() as tx:
        told = evidence.weigh_reports(report for report in webhook_reports.of_doubts(tx) if report[0] in rows)
    adopted: list[int] = []
    unclear = dict(told.contradicted)
    for attempt_id, prediction_id in told.adopt:
        row = rows[attempt_id]
        status = await _confirmed(deps, prediction_id, row.model)
        deps.crashpoint("resolve.heard")
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
            adopted.append(attempt_id)
        else:
            unclear[attempt_id] = (prediction_id,)
    return ConsumedReports(tuple(adopted), unclear)


async def _confirmed(deps: Deps, prediction_id: str, model: str) -> str | None:
    """The provider's word for the prediction's status; None when it does not know it now, or knows it as
    another model's.
    """
    found = await deps.provider.result(prediction_id)
    if not isinstance(found, Prediction) or found.model not in {None, model}:
        return None
    return found.status_text
