"""Asking the provider for live prices, where there is a key to ask with."""

from orchestrator.actions.planning.apply import Pricing
from orchestrator.actions.planning.prices.asking_provider import asking_with
from orchestrator.actions.planning.prices.live_prices import Ask, LivePrices
from orchestrator.app import App
from orchestrator.ports import Clock
from orchestrator.settings import api_key


def asking(app: App, clock: Clock | None = None) -> Ask | None:
    """What asks; None without a key. `clock` is the database's, where the answers will be kept."""
    if api_key(app.settings, app.env) is None:
        return None
    return asking_with(app.provider, clock or app.clock, app.account)


def pricing(app: App, prices: LivePrices | None = None, *, shown: bool = False) -> Pricing:
    """The prices that `apply` goes by: those of a plan, or else asked for by itself."""
    known = prices or LivePrices(asking(app, app.database.clock))
    return Pricing(known, app.settings.guards.price_drift_percent, shown)
