"""Judging doubts: what the provider shows around them, weighed against what this database knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core import evidence
from orchestrator.ports import Prediction, Status
from orchestrator.store.attempts import predictions
from orchestrator.store.attempts.predictions import sent_digests
from orchestrator.store.doubts import doubts, webhook_reports
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.provider_view import ProviderView

_FAILED: Final = frozenset({Status.FAILED, Status.CANCELLED, Status.TIMEOUT})


@dataclass(frozen=True, slots=True)
class WeighedEvidence:
    """What the evidence says of some doubts."""

    verdict: evidence.Verdict
    explained: frozenset[int]  # doubts of which a task is seen that they may have created
    inputs_shown: bool  # the list says what tasks were asked for, so that doubts are told apart by that


class Judge:
    """Weighs the predictions that no attempt holds and no webhook has reported.

    Their inputs count when the list shows those of our own tasks as they were sent. It remembers which
    requests were unanswered when it first saw a prediction: only those may have created it.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._unanswered_then: dict[str, frozenset[int]] = {}

    def forget(self) -> None:
        """No doubt is open: what was seen so far is no evidence for a later one."""
        self._unanswered_then.clear()

    def judge(
        self, cluster: Sequence[evidence.Doubt], seen: ProviderView, *, judged: frozenset[int], now: int
    ) -> WeighedEvidence:
        """Weigh one cluster; `judged` are all doubts that are judged now, in this cluster or another."""
        keys = tuple(sorted({key for doubt in cluster for key in doubt.keys}))
        with self._deps.database.read() as tx:
            unknown = predictions.unknown(tx, [*seen.predictions, *seen.billed])
            # A prediction that a webhook has reported is the reported attempt's, which is none of these.
            unknown -= webhook_reports.reported(tx, sorted(unknown))
            unanswered = doubts.unanswered_ids(tx)  # after the list was read: what it shows was sent before
            ours = sent_digests(tx, [found for found in seen.predictions if found not in unknown])
        trusted = evidence.shown_as_sent(
            ((seen.predictions[found].inputs, digest) for found, digest in ours.items()), [keys]
        )
        for name in unknown:
            self._unanswered_then.setdefault(name, unanswered)
        others = unanswered - judged
        candidates = self._candidates(cluster, seen, unknown, others=others, now=now)
        verdict = evidence.judge(cluster, candidates, inputs_trusted=trusted)
        any_inputs = any(item.inputs is not None for item in seen.predictions.values())
        return WeighedEvidence(
            verdict,
            explained=frozenset(
                doubt.attempt_id for doubt in cluster if any(_explains(doubt, one) for one in candidates)
            ),
            inputs_shown=trusted or (any_inputs and not ours),
        )

    def _candidates(
        self,
        cluster: Sequence[evidence.Doubt],
        seen: ProviderView,
        unknown: set[str],
        *,
        others: frozenset[int],
        now: int,
    ) -> list[evidence.Candidate]:
        settle_ms = int(self._deps.settings.in_doubt.settle_seconds * 1000)
        slowest_ms = max(settle_ms - doubt.early_ms for doubt in cluster)  # by the provider's clock
        shown = [
            evidence.Candidate(
                prediction_id=item.id,
                model=item.model,
                created_at=item.created_at_ms,
                inputs=item.inputs,
                listed=item.id not in seen.unlisted or _would_be_listed(item, now - slowest_ms),
                failed=item.status in _FAILED,
                may_be_anothers=bool(self._unanswered_then[item.id] & others),
            )
            for item in seen.predictions.values()
            if item.id in unknown
        ]
        billed = [
            evidence.Candidate(
                prediction_id=name,
                model=None,
                created_at=created_at,
                inputs=None,
                listed=False,
                may_be_anothers=bool(self._unanswered_then[name] & others),
            )
            for name, created_at in seen.billed.items()
            if name in unknown
        ]
        return shown + billed


def _explains(doubt: evidence.Doubt, candidate: evidence.Candidate) -> bool:
    """Whether this is likely the doubt's own task, seen before anything else was sent."""
    is_measured = doubt.early_ms > -evidence.SKEW_MS
    return (
        is_measured
        and candidate.listed
        and candidate.created_at is not None
        and not candidate.may_be_anothers
        and evidence.related(doubt, candidate)
    )


def _would_be_listed(item: Prediction, before: int) -> bool:
    """Whether a prediction is so old that the list would show it by now."""
    return item.created_at_ms is not None and item.created_at_ms <= before
