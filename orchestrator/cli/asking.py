"""Asking the provider for live prices, where there is a key to ask with."""

import asyncio
from collections.abc import Mapping

from orchestrator.actions.planning.apply import Pricing
from orchestrator.actions.planning.live_prices import Ask, LivePrices, PriceKey, Question, Quoted, ask_all
from orchestrator.app import App
from orchestrator.ports import Clock
from orchestrator.settings import api_key


def asking(app: App, clock: Clock | None = None) -> Ask | None:
    """What asks; None without a key. `clock` is the database's, where the answers will be kept."""
    if api_key(app.settings, app.env) is None:
        return None

    async def ask(questions: Mapping[PriceKey, Question]) -> Quoted:
        provider = app.provider()
        try:
            return await ask_all(provider, clock or app.clock, questions, account=app.account)
        finally:
            await provider.aclose()

    return lambda questions: asyncio.run(ask(questions))


def pricing(app: App, prices: LivePrices | None = None, *, shown: bool = False) -> Pricing:
    """The prices that `apply` goes by: those of a plan, or else asked for by itself."""
    known = prices or LivePrices(asking(app, app.database.clock))
    return Pricing(known, app.settings.guards.price_drift_percent, shown)
