"""Balance, billing records, usage, prices and the model list."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from orchestrator.sandbox.account.account import Entry
from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.config import MICROS_PER_USD, PriceUnit
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.http.bodies import BadRequest, moment_ms, paging, parse_object
from orchestrator.sandbox.http.gate import guarded
from orchestrator.sandbox.http.replies import refusal, success
from orchestrator.sandbox.models import MODELS, describe
from orchestrator.sandbox.tasks import TERMINAL, iso

USAGE_MS_MAX = 31 * 86_400_000
OTHER_CHARGE_MICROS = 500_000
SLIDE_RECORDS = 5
"""How many records of the page before the fault `bill.slides` shows again."""


class Billing:
    """Everything about money that the API shows."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """What it serves."""
        world = self._world
        return [
            web.get(
                "/api/v3/balance",
                guarded(world=world, endpoint="balance", operation="account", handler=self.balance),
            ),
            web.post(
                "/api/v3/billings/search",
                guarded(world=world, endpoint="billing", operation="account", handler=self.search),
            ),
            web.post(
                "/api/v3/user/usage_stats",
                guarded(world=world, endpoint="usage", operation="account", handler=self.usage),
            ),
            web.post(
                "/api/v3/model/price",
                guarded(world=world, endpoint="price", operation="account", handler=self.price),
            ),
            web.post(
                "/api/v3/model/pricing",
                guarded(world=world, endpoint="price", operation="account", handler=self.legacy_price),
            ),
            web.get(
                "/api/v3/models",
                guarded(world=world, endpoint="models", operation="account", handler=self.models),
            ),
        ]

    async def balance(self, _request: web.Request) -> web.Response:
        """What is left, USD as a float (docs: balance)."""
        world = self._world
        world.settle(world.now_ms())
        return success({"balance": world.account.balance_micros / MICROS_PER_USD})

    async def search(self, request: web.Request) -> web.Response:
        """Deducts and refunds, filtered and paged; newest first unless `sort` says `created_at ASC` (docs:
        billings).
        """
        world = self._world
        world.settle(world.now_ms())
        try:
            body = parse_object(await request.read())
            page, size = paging(body)
            entries = list(_chosen(world, body))
        except BadRequest as error:
            return error.reply()
        oldest_first = str(body.get("sort", "")).upper().endswith("ASC")
        entries.sort(key=lambda entry: entry.at_ms, reverse=not oldest_first)
        first = (page - 1) * size
        fault = world.faults.pick("bill")
        shown = max(0, first - SLIDE_RECORDS) if fault is Fault.BILL_SLIDES else first
        items = [self._record(entry) for entry in entries[shown : first + size]]
        if page == 1:
            items += [_other(number) for number in range(world.config.other_charges)]
        if fault is Fault.BILL_TWICE:
            items = [record for record in items for _ in range(2)]
        if world.config.billing_total:
            return success({"page": page, "items": items, "total": len(entries)})
        return success({"page": page, "items": items, "has_more": len(entries) > first + size})

    def _record(self, entry: Entry) -> dict[str, Any]:
        world = self._world
        task = world.tasks_by_id[entry.task_id]
        status = task.status(world.now_ms())
        usd = world.config.billing_price_unit is PriceUnit.USD
        micros = entry.micros * world.config.bill_percent // 100
        price = micros / MICROS_PER_USD if usd else micros
        return {
            "uuid": entry.id,
            "access_key_id": "sandbox",
            "access_key_name": "sandbox",
            "billing_type": entry.kind,
            "price": price,
            "created_at": iso(entry.at_ms),
            "updated_at": iso(entry.at_ms),
            "order": {
                "uuid": world.dice.token("order", entry.task_id),
                "state": "done" if status in TERMINAL else "pre",
                "price": price,
                "origin_price": price,
                "status": "success",
                "ak_id": "sandbox",
            },
            "prediction": {"uuid": task.id, "model_uuid": task.model, "status": status},
        }

    async def usage(self, request: web.Request) -> web.Response:
        """Counts and costs per model and day over at most 31 days, before refunds (docs: usage)."""
        world = self._world
        try:
            body = parse_object(await request.read())
            start, end = moment_ms(body, "start_time"), moment_ms(body, "end_time")
        except BadRequest as error:
            return error.reply()
        if start is None or end is None or not 0 <= end - start <= USAGE_MS_MAX:
            return refusal(400, "start_time and end_time are required, at most 31 days apart")
        model = body.get("model_uuid")
        tasks = [
            task
            for task in world.tasks
            if start <= task.created_ms <= end and (not model or task.model == model)
        ]
        per_model: dict[str, list[int]] = defaultdict(list)
        per_day: dict[str, list[int]] = defaultdict(list)
        for task in tasks:
            per_model[task.model].append(task.price_micros)
            per_day[iso(task.created_ms)[:10]].append(task.price_micros)
        now_ms = world.now_ms()
        succeeded = sum(task.status(now_ms) == "completed" for task in tasks)
        return success(
            {
                "per_model_usage": [
                    {"model_uuid": name, "total_cost": _usd(costs), "total_count": len(costs)}
                    for name, costs in per_model.items()
                ],
                "daily_usage": [
                    {"date": day, "amount": _usd(costs), "count": len(costs)}
                    for day, costs in per_day.items()
                ],
                "summary": {
                    "total_cost": _usd([task.price_micros for task in tasks]),
                    "total_requests": len(tasks),
                    "success_requests": succeeded,
                },
            }
        )

    async def price(self, request: web.Request) -> web.Response:
        """The price of a call; partial inputs are fine (docs: pricing API)."""
        priced = await self._priced(request)
        if isinstance(priced, web.Response):
            return priced
        model_id, listed, charged = priced
        return success(
            {
                "model_id": model_id,
                "price": listed / MICROS_PER_USD,
                "discounted_price": charged / MICROS_PER_USD,
                "discount_rate": self._world.config.discount_rate,
                "currency": "USD",
            }
        )

    async def legacy_price(self, request: web.Request) -> web.Response:
        """The same in the older shape."""
        priced = await self._priced(request)
        if isinstance(priced, web.Response):
            return priced
        return success({"unit_price": priced[2] / MICROS_PER_USD, "currency": "USD"})

    async def _priced(self, request: web.Request) -> tuple[str, int, int] | web.Response:
        """Model id, list price and charged price in micros; or the refusal."""
        try:
            body = parse_object(await request.read())
        except BadRequest as error:
            return error.reply()
        model = MODELS.get(str(body.get("model_id")))
        inputs = body.get("inputs") or {}
        if model is None:
            return refusal(404, "model not found")
        if not isinstance(inputs, dict):
            return refusal(400, "inputs must be an object")
        return model.id, model.price_micros(inputs), self._world.quoted_micros(model, inputs)

    async def models(self, _request: web.Request) -> web.Response:
        """All models at once, with their schemas (docs: models API)."""
        return success([describe(model) for model in MODELS.values()])


def _chosen(world: World, body: dict[str, Any]) -> Iterator[Entry]:
    kind, wanted, model = body.get("billing_type"), body.get("prediction_uuids"), body.get("model_uuid")
    start, end = moment_ms(body, "start_time", epoch=True), moment_ms(body, "end_time", epoch=True)
    booked_by = world.now_ms() - round(world.config.bill_lag * 1000)
    if kind not in {None, "", "deduct", "refund"}:
        raise BadRequest(f"unknown billing_type: {kind}")
    if wanted is not None and not isinstance(wanted, list):
        raise BadRequest("prediction_uuids must be an array")
    ids = {str(each) for each in wanted or ()}
    for entry in (*world.account.charges, *world.account.refunds):
        if (
            entry.at_ms <= booked_by
            and (not kind or entry.kind == kind)
            and (not ids or entry.task_id in ids)
            and (start is None or entry.at_ms >= start)
            and (end is None or entry.at_ms <= end)
            and (not model or world.tasks_by_id[entry.task_id].model == model)
        ):
            yield entry


def _other(number: int) -> dict[str, Any]:
    """A record of another service of the account, which is about no task."""
    price = OTHER_CHARGE_MICROS / MICROS_PER_USD
    return {"uuid": f"other-{number}", "billing_type": "deduct", "price": price, "prediction": None}


def _usd(costs_micros: list[int]) -> float:
    return sum(costs_micros) / MICROS_PER_USD
