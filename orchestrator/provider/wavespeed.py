"""WaveSpeedAI's v3 API behind `orchestrator.ports.Provider`."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx

from orchestrator.core.specs import LocalImage
from orchestrator.ports import (
    BalanceOutcome,
    BillingOutcome,
    Clock,
    ListOutcome,
    Lost,
    Missing,
    NotSent,
    QuoteOutcome,
    Rejected,
    ResultOutcome,
    SubmitOutcome,
    UploadOutcome,
)
from orchestrator.provider.answers import (
    PAGE_SIZE,
    billing_page,
    prediction_page,
    read_balance,
    read_quote,
    read_reply,
)
from orchestrator.provider.classify import NOT_HERE, Reply, classify_result, classify_submit
from orchestrator.provider.http import ApiHttp, Dated
from orchestrator.provider.uploads import Uploads
from orchestrator.provider.wire import usable_id
from orchestrator.runtime.http_transport import make_transport
from orchestrator.runtime.network import DIRECT, Network

BASE_URL: Final = "https://api.wavespeed.ai"
_MODEL_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(/[a-z0-9][a-z0-9._-]{0,99}){0,5}", re.IGNORECASE)


class WaveSpeed:
    """All the provider's HTTP. Each request is sent once; every outcome is a value.

    Two transports that share nothing: the API's carries the key, to `base_url` only; the media's puts bytes
    where an upload ticket says, without credentials.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        clock: Clock,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        media_transport: httpx.AsyncBaseTransport | None = None,
        connections: int = 100,
        network: Network = DIRECT,
        connect_seconds: float = 10.0,
        submit_seconds: float = 60.0,
        read_seconds: float = 30.0,
        upload_seconds: float = 120.0,
        dated: Dated | None = None,
    ) -> None:
        """The `*_seconds` bound each wait for bytes of a submit, of a read and of an upload; `dated` is told
        the `Date` of every answer. ValueError for a bad URL.
        """
        self._submit_seconds = submit_seconds
        self._read_seconds = read_seconds
        self._http = ApiHttp(
            base_url,
            api_key,
            clock,
            transport=transport or make_transport(connections, network),
            connect_seconds=connect_seconds,
            dated=dated,
        )
        self._uploads = Uploads(
            self._http,
            media_transport or make_transport(connections, network, near=self._http.host),
            read_seconds=read_seconds,
            upload_seconds=upload_seconds,
        )

    async def submit(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        webhook: str | None = None,
        still_valid: Callable[[], bool] | None = None,
    ) -> SubmitOutcome:
        """POST once; never repeated by itself. `inputs` hold hosted URLs only."""
        if _MODEL_ID.fullmatch(model) is None:
            return Rejected(
                f"{model[:100]!r} is not a model id; nothing was sent", http_status=HTTPStatus.NOT_FOUND
            )
        reply = await self._http.request(
            "POST",
            f"/api/v3/{model}",
            body=inputs,
            query={"webhook": webhook} if webhook else None,
            read_seconds=self._submit_seconds,
            still_valid=still_valid,
        )
        return classify_submit(reply) if isinstance(reply, Reply) else reply

    async def result(self, prediction_id: str) -> ResultOutcome:
        """The prediction as it is now. A 404 that is not the API's own is asked again under the other
        documented path.
        """
        if usable_id(prediction_id) is None:
            return Missing(f"{prediction_id[:128]!r} is not a prediction id")
        path = f"/api/v3/predictions/{prediction_id}"
        reply = await self._http.request("GET", f"{path}/result", read_seconds=self._read_seconds)
        if isinstance(reply, Reply) and reply.status == HTTPStatus.NOT_FOUND and not reply.body.readable:
            reply = await self._http.request("GET", path, read_seconds=self._read_seconds)
        return classify_result(reply, prediction_id) if isinstance(reply, Reply) else reply

    async def list_predictions(
        self,
        *,
        model: str | None,
        created_after_ms: int,
        created_before_ms: int,
        page: int = 1,
        include_inputs: bool = False,
    ) -> ListOutcome:
        """One page (100) of the account's predictions in a window, newest first; 7 days at most.

        A page with an entry that cannot be read is Lost as a whole: the list is used as evidence that
        something was not created, and a skipped entry would be false evidence.
        """
        body: dict[str, Any] = {
            "page": page,
            "page_size": PAGE_SIZE,
            "created_after": rfc3339(created_after_ms),
            "created_before": rfc3339(created_before_ms),
        }
        if model is not None:
            body["model"] = model
        if include_inputs:
            body["include_inputs"] = True
        reply = await self._http.request(
            "POST", "/api/v3/predictions", body=body, read_seconds=self._read_seconds
        )
        return read_reply(reply, lambda data: prediction_page(data, page))

    async def upload(self, image: LocalImage) -> UploadOutcome:
        """Host the bytes of a local image. The result is publicly reachable."""
        return await self._uploads.upload(image)

    async def balance(self) -> BalanceOutcome:
        """What the account has left."""
        reply = await self._http.request(
            "GET", "/api/v3/balance", read_seconds=self._read_seconds, exact=True
        )
        return read_reply(reply, read_balance)

    async def billing(
        self,
        *,
        start_ms: int,
        end_ms: int,
        prediction_ids: Sequence[str] = (),
        page: int = 1,
    ) -> BillingOutcome:
        """One page (100) of billing records, oldest first. The times are sent as the provider's CLI sends
        them.
        """
        body: dict[str, Any] = {
            "page": page,
            "page_size": PAGE_SIZE,
            "sort": "created_at ASC",
            "start_time": rfc3339(start_ms),
            "end_time": rfc3339(end_ms),
        }
        if prediction_ids:
            body["prediction_uuids"] = list(prediction_ids)
        reply = await self._http.request(
            "POST", "/api/v3/billings/search", body=body, read_seconds=self._read_seconds, exact=True
        )
        return read_reply(reply, lambda data: billing_page(data, page))

    async def quote(self, model: str, inputs: Mapping[str, Any]) -> QuoteOutcome:
        """The live price of a call, after discounts (docs: pricing API); the older endpoint where that is
        missing.
        """
        body = {"model_id": model, "inputs": dict(inputs)}
        reply = await self._price("/api/v3/model/price", body)
        if isinstance(reply, Reply) and reply.status in NOT_HERE:
            reply = await self._price("/api/v3/model/pricing", body)
        return read_reply(reply, read_quote)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()
        await self._uploads.aclose()

    async def _price(self, path: str, body: Mapping[str, Any]) -> Reply | NotSent | Lost:
        return await self._http.request("POST", path, body=body, read_seconds=self._read_seconds, exact=True)


def rfc3339(epoch_ms: int) -> str:
    """UTC text with milliseconds, such as 2026-11-22T10:00:00.000Z."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=epoch_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
