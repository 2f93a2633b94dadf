"""Judging doubts: what the provider shows around them, weighed against what this database knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core import evidence
from orchestrator.store.attempts import predictions
from orchestrator.store.attempts.predictions import sent_digests
from orchestrator.store.doubts import doubts, webhook_reports
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.provider_view import ProviderView


@dataclass(frozen=True, slots=True)
class WeighedEvidence:
    """What the evidence says, and which POSTs were on their way then: what is possible may be theirs."""

    verdict: evidence.Verdict
    under_way: frozenset[int]


def judge(deps: Deps, cluster: Sequence[evidence.Doubt], seen: ProviderView, *, now: int) -> WeighedEvidence:
    """Weigh the predictions that no attempt holds and no webhook has reported.

    Their inputs count when the list shows those of our own tasks as they were sent.
    """
    keys = tuple(sorted({key for doubt in cluster for key in doubt.keys}))
    with deps.database.read() as tx:
        unknown = predictions.unknown(tx, [*seen.predictions, *seen.billed])
        # A prediction that a webhook has reported is the reported attempt's, which is none of these.
        unknown -= webhook_reports.reported(tx, sorted(unknown))
        under_way = doubts.under_way(tx)  # after the list was read: what it shows was sent before
        ours = sent_digests(tx, [found for found in seen.predictions if found not in unknown])
    trusted = evidence.shown_as_sent(
        ((seen.predictions[found].inputs, digest) for found, digest in ours.items()), [keys]
    )
    candidates = _candidates(deps, seen, unknown, now=now)
    return WeighedEvidence(evidence.judge(cluster, candidates, inputs_trusted=trusted), under_way)


def _candidates(deps: Deps, seen: ProviderView, unknown: set[str], *, now: int) -> list[evidence.Candidate]:
    shown = [
        evidence.Candidate(
            prediction_id=item.id,
            model=item.model,
            created_at=item.created_at_ms,
            inputs=item.inputs,
            listed=item.id not in seen.unlisted or _would_be_listed(deps, item.created_at_ms, now),
        )
        for item in seen.predictions.values()
        if item.id in unknown
    ]
    billed = [
        evidence.Candidate(prediction_id=name, model=None, created_at=created_at, inputs=None, listed=False)
        for name, created_at in seen.billed.items()
        if name in unknown
    ]
    return shown + billed


def _would_be_listed(deps: Deps, created_at: int | None, now: int) -> bool:
    """Whether a prediction is so old that the list would show it by now; the provider's clock may differ from
    ours.
    """
    settle_ms = deps.settings.in_doubt.settle_seconds * 1000
    return created_at is not None and now - created_at >= settle_ms + evidence.SKEW_MS
