"""The provider's bytes, read with suspicion: pure functions that never raise for anything a server can send.

What cannot be read is said to be unreadable; it is never guessed. Names and shapes: docs: submit task, get
result, error codes, predictions API.
"""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NoReturn

from orchestrator.ports import Prediction, Status
from orchestrator.provider.output_shapes import FoundOutputs, read_flags, read_outputs
from orchestrator.provider.verdicts import disposition, read_status

BODY_BYTES_MAX: Final = 4 * 1024 * 1024
TEXT_LENGTH_MAX: Final = 500

_INTEGER: Final = re.compile(r"-?[0-9]{1,9}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):?(\d\d))?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_FAILED: Final = frozenset({None, Status.RUNNING, Status.COMPLETED})


class UnreadableError(ValueError):
    """Not a body that this program can trust."""


@dataclass(frozen=True, slots=True)
class Body:
    """What an answer's bytes say, whichever of the provider's shapes they have.

    `{code, message, data}` (usual), `{error}`, `{message, error_code}`, `{detail}` and `{errors}` all end
    here. An HTML or empty body, and JSON that is broken, too deep or ambiguous, is not `readable` and says
    nothing.
    """

    readable: bool
    code: int | None = None  # the envelope's `code`, or `error_code`
    message: str = ""
    data: Any = None


UNREADABLE: Final = Body(readable=False)


def decoded(raw: bytes, content_encoding: str) -> bytes | None:
    """The body without its content coding; None when the coding is unknown or the result would pass the
    limit.
    """
    coding = content_encoding.strip().lower()
    if coding in {"", "identity"}:
        return raw
    if coding not in {"gzip", "deflate"}:
        return None
    try:
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib header, whichever is there
        body = inflate.decompress(raw, BODY_BYTES_MAX)
    except zlib.error:
        return None
    return body if inflate.eof else None


def loads(raw: bytes, *, exact: bool = False) -> Any:
    """The JSON value in `raw`; raises UnreadableError for anything that two readers could take differently.

    `exact` reads fractions as Decimal, for money; otherwise they are floats.
    """
    try:
        return json.loads(
            raw.decode("utf-8-sig"),
            parse_float=Decimal if exact else float,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UnreadableError(f"not JSON: {type(error).__name__}") from None


def read_body(raw: bytes, *, exact: bool = False) -> Body:
    """The answer's body in one shape; UNREADABLE when it is not a JSON object."""
    if len(raw) > BODY_BYTES_MAX:
        return UNREADABLE
    try:
        value = loads(raw, exact=exact)
    except UnreadableError:
        return UNREADABLE
    if not isinstance(value, dict):
        return UNREADABLE
    code = integer(value.get("code"))
    if code is None:
        code = integer(value.get("error_code"))
    # A bare prediction, without an envelope, is its own data (webhook payloads have this shape).
    data = value.get("data") if "data" in value or not isinstance(value.get("id"), str) else value
    return Body(readable=True, code=code, message=_message(value), data=data)


def read_prediction(data: object, fallback_id: str | None = None) -> Prediction | None:
    """The prediction in `data`; None without a usable id, or for anything but an object.

    `fallback_id` stands in when `data` carries no id at all but does carry a status. The status decides,
    never the presence of an error text: a running task may carry one (docs: sync mode).
    """
    if not isinstance(data, dict):
        return None
    found = data.get("id")
    if found is None and isinstance(data.get("status"), str):
        found = fallback_id
    prediction_id = usable_id(found)
    if prediction_id is None:
        return None
    outputs = read_outputs(data.get("outputs"))
    flags = read_flags(data.get("has_nsfw_contents"), len(outputs.urls))
    inputs = data.get("inputs") or data.get("input")
    word, error, code = text_of(data.get("status")), text_of(data.get("error")), integer(data.get("code"))
    status = read_status(data.get("status"))
    return Prediction(
        id=prediction_id,
        status=status or Status.RUNNING,
        status_text=word,
        outputs=outputs.urls,
        nsfw=flags.values,
        nsfw_unclear=flags.unclear,
        error=error,
        code=code,
        failure=None if status in _NOT_FAILED else disposition(word, code, error),
        oddity=_oddity(status, word, outputs),
        inference_ms=_inference_ms(data),
        created_at_ms=read_time_ms(data.get("created_at")),
        model=data["model"] if isinstance(data.get("model"), str) else None,
        inputs=inputs if isinstance(inputs, Mapping) else None,
    )


def _oddity(status: Status | None, word: str, outputs: FoundOutputs) -> str:
    """What of the answer is not as documented and keeps the task from going on; empty when nothing does."""
    if status is None:
        return f'the status "{word}", which is no word of the provider\'s' if word else "no status"
    return outputs.oddity if status is Status.COMPLETED else ""


def usable_id(value: object) -> str | None:
    """`value` when it may be put in a URL and a file name as it is: 1 to 128 of `A-Z a-z 0-9 _ -`."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def read_time_ms(value: object) -> int | None:
    """Milliseconds since the epoch of RFC 3339 text with any number of decimals; without a zone it is UTC."""
    match = _RFC3339.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not value:
        return None
    *date_and_time, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat("{}-{}-{}T{}:{}:{}+00:00".format(*date_and_time))
    except ValueError:
        return None
    milliseconds = int((fraction or "0").ljust(3, "0")[:3])
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    return (moment - _EPOCH - offset) // timedelta(milliseconds=1) + milliseconds


def integer(value: object) -> int | None:
    """An integer given as one, or as its digits; None for anything else, also for true and false."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**9 else None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return None


def text_of(value: object) -> str:
    """One printable line of at most 500 characters from whatever is where text belongs."""
    if value is None:
        return ""
    if not isinstance(value, str):
        value = _words(value)
    cut = value[: 4 * TEXT_LENGTH_MAX]
    shown = cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)
    return " ".join(shown.split())[:TEXT_LENGTH_MAX]


def _words(value: object) -> str:
    """What stands for text in an object or a list; nothing in what cannot hold any."""
    if isinstance(value, Mapping):
        value = value.get("message", value.get("msg", value.get("error", "")))
    if isinstance(value, list):
        value = "; ".join(filter(None, (text_of(item) for item in value[:5] if not isinstance(item, list))))
    return "" if value is None or isinstance(value, Mapping | list | bool) else str(value)


def _message(value: Mapping[str, Any]) -> str:
    for name in ("message", "error", "detail", "errors", "msg"):
        text = text_of(value.get(name))
        if text:
            return text
    return ""


def _inference_ms(data: Mapping[str, Any]) -> int | None:
    timings = data.get("timings")
    candidates = (
        timings.get("inference") if isinstance(timings, Mapping) else None,
        data.get("executionTime"),
        data.get("execution_time"),
    )
    for value in candidates:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            continue
        if 0 <= value < 10**12:
            return round(value)
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise UnreadableError("an object names the same key twice")
    return value
