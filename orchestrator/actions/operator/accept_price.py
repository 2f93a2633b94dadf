"""A person accepts the price of a model that became dearer than planned."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.errors import NotFoundError
from orchestrator.core.money import format_usd
from orchestrator.core.suggest import did_you_mean
from orchestrator.store.account import acts, pauses
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Tx
from orchestrator.store.money import quotes
from orchestrator.store.money.prices import PRICE_DRIFT, PRICE_UNKNOWN
from orchestrator.store.runs.runs import models_in_use


@dataclass(frozen=True, slots=True)
class PriceAccepted:
    """What became of it."""

    changed: bool  # the model was paused for its price
    prices: Sequence[quotes.AcceptedPrice]


def accept_price(tx: Tx, model: str, signed: Signature) -> PriceAccepted:
    """Let the model go on at the prices that are known; raises NotFoundError when no run uses it."""
    known = models_in_use(tx)
    if model not in known:
        hint = did_you_mean(model, known)
        raise NotFoundError(f"No run uses the model {model!r}{f'; {hint}' if hint else '.'}")
    paused = any(
        pause.scope == "model" and pause.name == model and pause.reason in {PRICE_DRIFT, PRICE_UNKNOWN}
        for pause in pauses.in_force(tx)
    )
    accepted = quotes.accept(tx, model)
    for price in accepted:
        acts.record(
            tx,
            signed,
            acts.Change(
                f"price of a job of {model}",
                old=format_usd(price.old_micros),
                new=format_usd(price.new_micros),
            ),
        )
    if paused and not accepted:
        acts.record(tx, signed, acts.Change(f"pause of {model} for its price", old="paused"))
    return PriceAccepted(paused, accepted)
