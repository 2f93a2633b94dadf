"""The data of good answers, turned into values. Pure; None means that the data cannot be read."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from orchestrator.ports import (
    Balance,
    BillingPage,
    KeyRefused,
    Lost,
    NoCredit,
    NoPrice,
    NotSent,
    PredictionPage,
    Quote,
    Rejected,
    Throttled,
)
from orchestrator.provider.amounts import micros_of_usd, read_billing
from orchestrator.provider.classify import Reply, refusal
from orchestrator.provider.wire import read_prediction, text_of, usable_id

PAGE_SIZE: Final = 100

Value = TypeVar("Value")
Failure = Rejected | Throttled | KeyRefused | NotSent | Lost


def read_reply(reply: Reply | NotSent | Lost, read: Callable[[Any], Value | None]) -> Value | Failure:
    """What `read` makes of a good answer's data; Lost when it makes nothing of it."""
    if not isinstance(reply, Reply):
        return reply
    failure = refusal(reply)
    if isinstance(failure, NoCredit):
        # Reading is free; an account without credit may still read.
        return Rejected(failure.message, http_status=reply.status, code=reply.body.code)
    if failure is not None:
        return failure
    value = read(reply.body.data)
    return Lost(f"HTTP {reply.status} with data that cannot be read") if value is None else value


def prediction_page(data: object, page: int) -> PredictionPage | None:
    """A page of predictions; None when any entry cannot be read.

    An entry that has a status and an id that no task can have (the requests of a language model are listed
    as `llm/chat:1`) is skipped and told with its model, so that one of ours is not overlooked.
    """
    items = _items(data)
    if items is None:
        return None
    predictions = tuple(p for p in map(read_prediction, items) if p is not None)
    skipped = tuple((text_of(item["id"]), text_of(item.get("model"))) for item in items if _is_no_task(item))
    if len(predictions) + len(skipped) != len(items):
        return None
    return PredictionPage(predictions, has_more=_has_more(data, page, len(items)), skipped=skipped)


def billing_page(data: object, page: int) -> BillingPage | None:
    """A page of billing records; None when it holds something that is no record."""
    items = _items(data)
    read = read_billing(items) if items is not None else None
    if items is None or read is None:
        return None
    records, others = read
    return BillingPage(records, has_more=_has_more(data, page, len(items)), others=others)


def read_balance(data: object) -> Balance | None:
    """The balance, in dollars in the answer."""
    micros = micros_of_usd(data.get("balance")) if isinstance(data, dict) else None
    return None if micros is None else Balance(micros)


def read_quote(data: object) -> Quote | NoPrice | None:
    """What would be charged: the discounted price where there is one, and the list price where that is
    nothing, negative or unreadable: a hold that is too large harms nobody.
    """
    currency = (data.get("currency") or "USD") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(currency, str):
        return None
    if currency.strip().upper() != "USD":
        return NoPrice(f"the price is in {currency[:10]!r}, and only US dollars can be held against caps")
    listed, older = _positive_micros(data.get("price")), _positive_micros(data.get("unit_price"))
    charged = _positive_micros(data.get("discounted_price")) or listed or older
    return None if charged is None else Quote(charged, listed)


def _positive_micros(value: object) -> int | None:
    micros = micros_of_usd(value)
    return micros if micros is not None and micros > 0 else None


def _is_no_task(item: object) -> bool:
    return (
        isinstance(item, Mapping)
        and isinstance(item.get("id"), str)
        and isinstance(item.get("status"), str)
        and usable_id(item["id"]) is None
    )


def _items(data: object) -> list[Any] | None:
    """The entries; an explicit null is how some servers write an empty list."""
    if not isinstance(data, dict) or "items" not in data:
        return None
    items = data["items"]
    if items is None:
        return []
    return items if isinstance(items, list) else None


def _has_more(data: object, page: int, count: int) -> bool:
    """`has_more` (new), else by `total` (old), else a full page may be followed by another."""
    found: Mapping[str, Any] = data if isinstance(data, dict) else {}
    if isinstance(found.get("has_more"), bool):
        return bool(found["has_more"])
    total = found.get("total")
    if isinstance(total, int) and not isinstance(total, bool):
        return total > page * PAGE_SIZE
    return count >= PAGE_SIZE
