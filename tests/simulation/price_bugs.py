"""Bugs planted in live prices: how they are read, how often they are asked for, and who agrees to them."""

from orchestrator.store.money import prices, quotes
from orchestrator.worker.guards import price_guard

from .planting import Mutation, Patch


def rate_is_per_cent_off(patch: Patch) -> None:
    """What is paid of the list price is taken for what is taken off it."""

    def believed(quoted, listed):
        return listed - quoted if quoted < listed else quoted

    patch(price_guard, "believed_micros", believed)


def price_is_asked_once(patch: Patch) -> None:
    """A quote counts for as long as the worker lives."""
    patch(price_guard, "_is_fresh", lambda known, now: True)


def old_price_stands(patch: Patch) -> None:
    """While the provider does not say what a call costs, what it said long ago is held."""
    patch(price_guard.PriceGuard, "_is_all_there_is", lambda self, outcome: True)


def dearer_price_asks_nobody(patch: Patch) -> None:
    """Whatever is quoted is held, and nobody is asked."""
    patch(quotes, "_too_dear", lambda price, planned, drift_percent: False)


def claimed_price_is_sent(patch: Patch) -> None:
    """A claim that took the old price sends it all the same, and a new price only counts for later ones."""

    async def refuses(self, attempt, inputs):
        key = (attempt.model, attempt.price_digest)
        self._questions.setdefault(key, price_guard._Question(attempt, inputs))
        await self._answer(key)

    patch(price_guard.PriceGuard, "refuses", refuses)
    patch(prices, "outpriced", lambda tx, attempt_ids: set())


PRICE_BUGS = (
    Mutation(name="price is asked once", apply=price_is_asked_once, theme="prices", first=7),
    Mutation(name="an old price stands", apply=old_price_stands, theme="prices", first=74),
    Mutation(name="discount is per cent off", apply=rate_is_per_cent_off, theme="prices", first=2),
    Mutation(name="dearer price asks nobody", apply=dearer_price_asks_nobody, theme="mixed", first=42),
    Mutation(name="price of the claim is sent", apply=claimed_price_is_sent, theme="mixed", first=47),
)
