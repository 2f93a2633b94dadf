"""Reading JSON request bodies; a bad one becomes the provider's 400."""

import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from orchestrator.sandbox.http.replies import refusal

PAGE_SIZE_MAX = 100


class BadRequest(Exception):  # noqa: N818 - the provider's own word
    """A request the provider answers with 400; the text is its message."""

    def reply(self) -> web.Response:
        """The 400."""
        return refusal(400, str(self))


def parse_object(data: bytes) -> dict[str, Any]:
    """A JSON object; raises BadRequest for anything else."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise BadRequest("invalid request body: not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("invalid request body: not a JSON object")
    return body


def paging(body: dict[str, Any]) -> tuple[int, int]:
    """`page` from 1 and `page_size` from 1 to 100, both required (docs: predictions API)."""
    page, size = body.get("page"), body.get("page_size")
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise BadRequest("page is required and starts from 1")
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= PAGE_SIZE_MAX:
        raise BadRequest("page_size is required, from 1 to 100")
    return page, size


def moment_ms(body: dict[str, Any], name: str, *, epoch: bool = False) -> int | None:
    """A time in milliseconds, or None when absent: ISO 8601, and if `epoch` also milliseconds as digits."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if epoch and not isinstance(value, bool) and str(value).isdigit():
        return int(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadRequest(f"{name} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
