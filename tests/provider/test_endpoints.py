"""List, balance, billing, quote: what is sent, and what is made of the answers."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from orchestrator.ports import (
    Balance,
    BillingPage,
    Lost,
    Missing,
    NoPrice,
    OtherCharge,
    PredictionPage,
    Quote,
    Rejected,
    Throttled,
)
from orchestrator.provider import WaveSpeed
from orchestrator.runtime.clock import SystemClock


class ScriptedApi:
    """Answers in order and keeps the requests."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        prepared = self.answers.pop(0)
        # A fresh response, because a prepared one counts as read already.
        return httpx.Response(
            prepared.status_code, headers=prepared.headers, stream=httpx.ByteStream(prepared.content)
        )

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        async def play() -> Any:
            transport = httpx.MockTransport(self)
            provider = WaveSpeed("https://api.example.com/prefix/", "k", SystemClock(), transport=transport)
            try:
                return await getattr(provider, method)(*args, **kwargs)
            finally:
                await provider.aclose()

        return asyncio.run(play())

    def body(self, index: int = 0) -> Any:
        return json.loads(self.requests[index].content)


def data(value: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"code": status, "message": "success", "data": value})


WINDOW = {"model": "a/b", "created_after_ms": 0, "created_before_ms": 90_061_001}


def test_a_list_asks_for_a_window_of_one_model_and_no_undocumented_field():
    api = ScriptedApi(data({"page": 1, "items": [{"id": "p1", "status": "created"}], "has_more": False}))
    found = api.call("list_predictions", **WINDOW)
    assert isinstance(found, PredictionPage)
    assert ([p.id for p in found.items], found.has_more) == (["p1"], False)
    assert str(api.requests[0].url) == "https://api.example.com/prefix/api/v3/predictions"
    assert api.body() == {
        "page": 1,
        "page_size": 100,
        "model": "a/b",
        "created_after": "1970-01-01T00:00:00.000Z",
        "created_before": "1970-01-02T01:01:01.001Z",
    }


def test_inputs_are_asked_for_on_demand_and_come_back():
    api = ScriptedApi(data({"items": [{"id": "p1", "inputs": {"prompt": "x"}}]}))
    found = api.call("list_predictions", **WINDOW, page=2, include_inputs=True)
    assert isinstance(found, PredictionPage)
    assert found.items[0].inputs == {"prompt": "x"}
    assert api.body()["include_inputs"] is True
    assert api.body()["page"] == 2


@pytest.mark.parametrize(
    ("extra", "page", "count", "more"),
    [
        ({"has_more": True}, 1, 1, True),
        ({"has_more": False, "total": 900}, 1, 100, False),
        ({"total": 101}, 1, 100, True),
        ({"total": 200}, 2, 100, False),
        ({}, 1, 100, True),
        ({}, 1, 99, False),
    ],
)
def test_another_page_is_known_by_has_more_or_total_or_a_full_page(extra, page, count, more):
    api = ScriptedApi(data({"items": [{"id": f"p{n}"} for n in range(count)], **extra}))
    found = api.call("list_predictions", **WINDOW, page=page)
    assert isinstance(found, PredictionPage)
    assert found.has_more is more


@pytest.mark.parametrize(
    "bad", [None, [], {}, {"items": "x"}, {"items": [{"id": "p1"}, {"id": "../x"}]}, {"items": [None]}]
)
def test_a_list_that_cannot_be_read_whole_is_lost_because_it_serves_as_evidence(bad):
    assert isinstance(ScriptedApi(data(bad)).call("list_predictions", **WINDOW), Lost)


def test_an_explicit_null_is_an_empty_list():
    assert ScriptedApi(data({"items": None})).call("list_predictions", **WINDOW) == PredictionPage((), False)


def test_a_balance_is_exact():
    response = httpx.Response(200, content=b'{"code":200,"data":{"balance":12.345678901}}')
    assert ScriptedApi(response).call("balance") == Balance(12_345_679)


def test_a_balance_may_be_negative():
    response = httpx.Response(200, content=b'{"data":{"balance":-0.3}}')
    assert ScriptedApi(response).call("balance") == Balance(-300_000)


def test_a_balance_without_a_number_is_lost():
    assert isinstance(ScriptedApi(data({"balance": None})).call("balance"), Lost)


def test_billing_asks_oldest_first_for_the_given_predictions():
    item = {"uuid": "r", "billing_type": "deduct", "price": 28_000, "prediction": {"uuid": "p1"}}
    api = ScriptedApi(data({"items": [item], "has_more": False}))
    found = api.call("billing", start_ms=0, end_ms=1000, prediction_ids=["p1"])
    assert isinstance(found, BillingPage)
    assert [(r.prediction_id, r.micros) for r in found.items] == [("p1", 28_000)]
    assert api.body() == {
        "page": 1,
        "page_size": 100,
        "sort": "created_at ASC",
        "start_time": "1970-01-01T00:00:00.000Z",
        "end_time": "1970-01-01T00:00:01.000Z",
        "prediction_uuids": ["p1"],
    }


def test_billing_that_cannot_be_read_whole_is_lost():
    api = ScriptedApi(data({"items": ["deduct"]}))
    assert isinstance(api.call("billing", start_ms=0, end_ms=1), Lost)


def test_what_other_services_were_charged_spoils_no_bill():
    other = {"uuid": "x1", "billing_type": "deduct", "price": 0.5, "prediction": None}
    ours = {"uuid": "r", "billing_type": "deduct", "price": 28_000, "prediction": {"uuid": "p1"}}
    found = ScriptedApi(data({"items": [other, ours]})).call("billing", start_ms=0, end_ms=1)
    assert [(r.prediction_id, r.micros) for r in found.items] == [("p1", 28_000)]
    assert found.others == (OtherCharge("x1", 500_000),)


def test_an_entry_with_an_id_that_no_task_can_have_is_skipped_and_told_with_its_model():
    chat = {"id": "llm/chat:1", "status": "completed", "model": "llm/chat"}
    task = {"id": "p1", "status": "completed", "model": "a/b"}
    found = ScriptedApi(data({"items": [chat, task]})).call("list_predictions", **WINDOW)
    assert ([item.id for item in found.items], found.skipped) == (["p1"], (("llm/chat:1", "llm/chat"),))


def test_a_quote_is_the_discounted_price():
    api = ScriptedApi(
        httpx.Response(200, content=b'{"data":{"price":0.056,"discounted_price":0.0504,"currency":"USD"}}')
    )
    assert api.call("quote", "a/b", {"n": 1}) == Quote(50_400, 56_000)
    assert api.body() == {"model_id": "a/b", "inputs": {"n": 1}}


def test_a_quote_falls_back_to_the_older_endpoint():
    api = ScriptedApi(
        httpx.Response(404, text="<html>"), httpx.Response(200, content=b'{"data":{"unit_price":0.028}}')
    )
    assert api.call("quote", "a/b", {}) == Quote(28_000)
    assert [r.url.path for r in api.requests] == [
        "/prefix/api/v3/model/price",
        "/prefix/api/v3/model/pricing",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"price": "x"},
        {"price": -1},
        {"price": 0, "discounted_price": 0},
        {"price": "NaN"},
        [],
        {"price": 1, "currency": [1]},
    ],
)
def test_a_quote_that_is_no_price_is_lost(bad):
    assert isinstance(ScriptedApi(data(bad)).call("quote", "a/b", {}), Lost)


@pytest.mark.parametrize("odd", [None, 0, -0.01, "free", "NaN", True, {}])
def test_a_discounted_price_that_is_none_is_the_list_price(odd):
    api = ScriptedApi(data({"price": 0.028, "discounted_price": odd, "discount_rate": 0, "currency": "usd"}))
    assert api.call("quote", "a/b", {}) == Quote(28_000, 28_000)


def test_the_rate_is_the_part_that_is_paid_and_the_discounted_price_says_the_same():
    api = ScriptedApi(data({"price": 0.028, "discounted_price": 0.007, "discount_rate": 25}))
    assert api.call("quote", "a/b", {}) == Quote(7_000, 28_000)


def test_a_price_in_another_currency_is_no_price():
    answer = ScriptedApi(data({"price": 0.028, "currency": "EUR"})).call("quote", "a/b", {})
    assert answer == NoPrice("the price is in 'EUR', and only US dollars can be held against caps")


def test_reading_is_never_told_to_stop_for_lack_of_credit():
    outcome = ScriptedApi(httpx.Response(402, json={"message": "pay"})).call("balance")
    assert outcome == Rejected("HTTP 402: pay", 402)


def test_a_throttled_read_says_when_to_come_back():
    outcome = ScriptedApi(httpx.Response(429, headers={"Retry-After": "3"})).call("balance")
    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_seconds == 3.0


def test_an_id_that_is_not_one_is_missing_without_a_request():
    api = ScriptedApi()
    assert isinstance(api.call("result", "../balance"), Missing)
    assert api.requests == []
