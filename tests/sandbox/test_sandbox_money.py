"""Balance, billing records, usage, prices, models; and that the bill adds up."""

import json
from collections import Counter

import httpx
import pytest
from sandbox_api import EDIT, START_MS

from orchestrator.sandbox import PriceUnit
from orchestrator.sandbox.tasks import iso


def records(api, **body):
    return api.post("billings/search", {"page": 1, "page_size": 100, **body}).json()["data"]


def test_the_balance_is_dollars_and_falls_at_creation(start):
    api = start(latency_median=100.0)
    api.task(num_images=2)
    assert api.get("balance").json()["data"] == {"balance": 99.944}


def test_a_deduct_is_pre_until_the_task_ends_and_a_refund_follows_a_failure(start):
    api = start("task.failed@1", latency_median=10.0, refund_delay=60.0)
    task_id = api.task()
    (deduct,) = records(api)["items"]
    assert (deduct["billing_type"], deduct["price"], deduct["order"]["state"]) == ("deduct", 0.028, "pre")
    assert deduct["prediction"] == {"uuid": task_id, "model_uuid": EDIT, "status": "created"}
    api.thread.advance(80)
    refund, deduct = records(api)["items"]
    assert (refund["billing_type"], refund["price"], deduct["order"]["state"]) == ("refund", 0.028, "done")
    assert refund["created_at"] == iso(START_MS + 70_000)
    assert api.get("balance").json()["data"]["balance"] == 100.0


def test_prices_come_in_dollars_or_in_micros_and_pages_with_has_more_or_total(start):
    api = start()
    for _ in range(3):
        api.task()
    new = records(api, page_size=2)
    assert (new["has_more"], "total" in new, new["items"][0]["price"]) == (True, False, 0.028)
    api.thread.change(billing_price_unit=str(PriceUnit.MICROS), billing_total=True)
    old = records(api, page_size=2)
    assert (old["total"], "has_more" in old, old["items"][0]["price"]) == (3, False, 28_000)


@pytest.mark.parametrize(
    ("fault", "refunds"),
    [("refund.partial", [14_000]), ("refund.oversized", [56_000]), ("refund.twice", [28_000, 28_000])],
)
def test_a_refund_may_be_too_small_too_large_or_paid_twice(start, fault, refunds):
    api = start("task.failed@1", f"{fault}@1", refund_delay=5.0)
    task = api.task()
    api.thread.advance(60)
    found = records(api, billing_type="refund")["items"]
    assert [round(item["price"] * 1e6) for item in found] == refunds
    assert {item["prediction"]["uuid"] for item in found} == {task}
    assert len({item["uuid"] for item in found}) == len(refunds)
    bill = api.bill()
    assert bill.net_micros == 28_000 - sum(refunds)
    assert bill.balance_micros == bill.starting_micros - bill.net_micros


def test_a_page_of_the_bill_may_show_records_again_under_the_same_ids(start):
    api = start("bill.twice@1", "bill.slides@3")
    for _ in range(8):
        api.task()

    def uuids(page):
        return [item["uuid"] for item in records(api, page=page, page_size=6)["items"]]

    twice = uuids(1)
    first, second = uuids(1), uuids(2)
    assert twice == [name for name in first for _ in range(2)]
    assert second[:5] == first[-5:]
    assert len({*first, *second}) == 8


def test_records_are_filtered_and_sorted(start):
    api = start("task.failed@2", refund_delay=5.0)
    ids = []
    for _ in range(3):
        ids.append(api.task())
        api.thread.advance(10)

    def found(**body):
        return [record["prediction"]["uuid"] for record in records(api, **body)["items"]]

    assert found(billing_type="refund") == [ids[1]]
    assert found(billing_type="deduct", sort="created_at ASC") == ids
    assert found(prediction_uuids=[ids[1]], sort="created_at DESC") == [ids[1], ids[1]]
    assert found(start_time=str(START_MS + 20_000)) == [ids[2]]
    assert found(end_time=iso(START_MS)) == [ids[0]]
    assert found(model_uuid="other/model") == []
    assert api.post("billings/search", {"page": 1, "page_size": 5, "billing_type": "gift"}).status_code == 400


def test_a_price_is_quoted_with_its_discount_and_for_partial_inputs(start):
    api = start(discount_rate=50)
    quote = api.post("model/price", {"model_id": EDIT, "inputs": {"num_images": 3, "resolution": "4k"}})
    assert quote.json()["data"] == {
        "model_id": EDIT,
        "price": 0.168,
        "discounted_price": 0.084,
        "discount_rate": 50,
        "currency": "USD",
    }
    assert api.post("model/price", {"model_id": EDIT}).json()["data"]["price"] == 0.028
    assert api.post("model/pricing", {"model_id": EDIT}).json()["data"]["unit_price"] == 0.014
    assert api.post("model/price", {"model_id": "no/model"}).status_code == 404
    api.task()
    assert api.bill().charged_micros == 14_000


def test_the_model_list_carries_schemas(start):
    models = {model["model_id"]: model for model in start().get("models").json()["data"]}
    (run,) = models[EDIT]["api_schema"]["api_schemas"]
    schema = run["request_schema"]
    assert (models[EDIT]["base_price"], schema["required"]) == (0.028, ["prompt", "images"])
    assert schema["properties"]["num_images"] == {"type": "integer", "default": 1, "minimum": 1, "maximum": 9}
    assert schema["properties"]["images"]["maxItems"] == 10


def test_usage_adds_up_per_model_and_day(start):
    api = start("task.failed@1")
    api.task()
    api.task(num_images=2)
    window = {"start_time": iso(START_MS - 1000), "end_time": iso(START_MS + 1000)}
    usage = api.post("user/usage_stats", window).json()["data"]
    assert usage["summary"] == {"total_cost": 0.084, "total_requests": 2, "success_requests": 1}
    assert usage["per_model_usage"] == [{"model_uuid": EDIT, "total_cost": 0.084, "total_count": 2}]
    assert usage["daily_usage"] == [{"date": "2027-01-15", "amount": 0.084, "count": 2}]
    assert api.post("user/usage_stats", {}).status_code == 400


def test_each_account_fault_happens(start):
    api = start()
    for manner, status in {"error_500": 500, "html_504": 504, "throttle": 429, "truncated_json": 200}.items():
        api.use_faults(f"account.{manner}@1")
        reply = api.get("balance")
        assert reply.status_code == status
        assert "0.0}" not in reply.text
    api.use_faults("account.drop@1")
    with pytest.raises(httpx.TransportError):
        api.get("balance")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_under_every_fault_the_bill_adds_up_and_equals_its_ledger(start, tmp_path, seed):
    ledger = tmp_path / "ledger.jsonl"
    api = start(
        *[f"submit.{word}=0.05" for word in ("drop_before", "drop_after", "html_504", "html_504_after")],
        *[f"task.{word}=0.1" for word in ("failed", "moderated", "timeout", "cancelled", "fewer_outputs")],
        "submit.throttle=0.1",
        seed=seed,
        latency_median=5.0,
        latency_sigma=0.5,
        refund_delay=40.0,
        balance_micros=6_000_000,
        ledger=ledger,
    )
    for number in range(150):
        try:
            api.submit(num_images=1 + number % 3, resolution=("1k", "4k")[number % 2])
        except httpx.TransportError:
            continue
        api.thread.advance(1)
        bill = api.bill()
        assert bill.starting_micros - bill.charged_micros + bill.refunded_micros == bill.balance_micros >= 0
    api.thread.advance(3_600)
    bill = api.bill()
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    kinds = Counter(line["event"] for line in lines)
    assert kinds == {
        "post": 150,
        "task": len(bill.tasks),
        "charge": len(bill.charges),
        "refund": len(bill.refunds),
    }
    assert sum(line["micros"] for line in lines if line["event"] == "charge") == bill.charged_micros
    assert sum(line["micros"] for line in lines if line["event"] == "refund") == bill.refunded_micros
    unhappy = {task.id: task.price_micros for task in bill.tasks if task.status != "completed"}
    assert {entry.task_id: entry.micros for entry in bill.refunds} == unhappy
    assert {entry.task_id for entry in bill.charges} == {task.id for task in bill.tasks}
    assert [post.task_id for post in bill.posts if post.task_id] == [task.id for task in bill.tasks]
    assert bill.refunds_due_micros == 0
    assert bill.net_micros == sum(task.price_micros for task in bill.tasks if task.status == "completed")
    assert set(bill.faults) >= {"submit.drop_before", "submit.drop_after", "task.failed", "task.timeout"}


def test_faults_do_not_depend_on_what_other_requests_came_between(start):
    def replies(polls):
        api = start("submit.error_500=0.3", "result.error_500=0.5")
        seen = []
        for _ in range(30):
            seen.append(api.submit().status_code)
            for _ in range(polls):
                api.get("predictions/none/result")
        return seen

    assert replies(0) == replies(3)
