"""Observed latency per model: a ring of recent samples and their quantiles."""

from collections import deque
from typing import Final

from orchestrator.core.lateness import GUESSED_SLOWEST, slowest_seconds
from orchestrator.core.polling import EARLY_SHARE, TypicalLatency, quantile
from orchestrator.store.account.latencies import RecordedLatency

SAMPLES: Final = 200
ENOUGH: Final = 5
"""Below this many samples the catalogue's guess is the better one."""


class Latencies:
    """What this worker has seen; starts from what the database remembers."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[int]] = {}
        self._known: dict[str, RecordedLatency] = {}
        self._fresh: set[str] = set()

    def remember(self, model: str, known: RecordedLatency) -> None:
        """Start from an earlier observation."""
        self._known[model] = known

    def add(self, model: str, latency_ms: int) -> None:
        """One more task completed after `latency_ms`."""
        samples = self._samples.setdefault(model, deque(maxlen=SAMPLES))
        samples.append(latency_ms)
        if len(samples) <= ENOUGH or len(samples) % 10 == 0 or len(samples) == SAMPLES:
            self._refresh(model, samples)

    def typical(self, model: str, guess_seconds: float) -> TypicalLatency:
        """As observed; before enough is known, the catalogue's guess, with a first poll at a twelfth of
        it.
        """
        known = self._known.get(model)
        if known is None or known.samples < ENOUGH:
            return TypicalLatency(guess_seconds / 12, guess_seconds / 2)
        return TypicalLatency(known.p10_ms / 1000 * EARLY_SHARE, known.p10_ms / 1000)

    def slowest_seconds(self, model: str, guess_seconds: float) -> float:
        """The 99th percentile, as observed; before enough is known, by the catalogue's guess."""
        known = self._known.get(model)
        if known is None or known.samples < ENOUGH:
            return GUESSED_SLOWEST * guess_seconds
        return slowest_seconds(known.p50_ms / 1000, known.p95_ms / 1000)

    def take_fresh(self) -> list[tuple[str, RecordedLatency]]:
        """What changed since the last call, for the database."""
        fresh = [(model, self._known[model]) for model in sorted(self._fresh)]
        self._fresh.clear()
        return fresh

    def _refresh(self, model: str, samples: deque[int]) -> None:
        ordered = sorted(samples)
        self._known[model] = RecordedLatency(
            p10_ms=quantile(ordered, 0.10),
            p50_ms=quantile(ordered, 0.50),
            p95_ms=quantile(ordered, 0.95),
            samples=len(ordered),
        )
        self._fresh.add(model)
