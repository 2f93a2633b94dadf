"""The price guard: before a run first pays for a model, the live quote must agree with the catalogue's
price.
"""

import asyncio
from typing import Any

from orchestrator.core.money import format_usd
from orchestrator.ports import Quote
from orchestrator.store.account import pauses
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import begin_pause


class PriceGuard:
    """Asks once per run, model and price; when no quote can be had, the catalogue's price counts."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._agreed: dict[tuple[int, str, int], asyncio.Task[bool]] = {}

    async def agrees(self, attempt: HeldAttempt, inputs: dict[str, Any]) -> bool:
        """Whether the live price agrees; when it has drifted, the model is paused with the reason."""
        key = (attempt.run_id, attempt.model, attempt.price_micros)
        if key not in self._agreed:
            self._agreed[key] = asyncio.ensure_future(self._ask(attempt, inputs))
        return await asyncio.shield(self._agreed[key])

    async def _ask(self, attempt: HeldAttempt, inputs: dict[str, Any]) -> bool:
        outcome = await self._deps.provider.quote(attempt.model, inputs)
        if not isinstance(outcome, Quote):
            return True
        ours, live = attempt.price_micros, outcome.micros
        if abs(live - ours) * 100 <= self._deps.settings.guards.price_drift_percent * ours:
            return True
        message = (
            f"The live price of {attempt.model} is ${format_usd(live)} for a job that was planned at "
            f"${format_usd(ours)}. Upgrade the program for a new price table, or raise "
            "guards.price_drift_percent; then start the worker again."
        )
        await write_durably(
            self._deps,
            begin_pause,
            pauses.Pause(
                scope="model", name=attempt.model, reason="price_drift", message=message, until=None
            ),
        )
        return False
