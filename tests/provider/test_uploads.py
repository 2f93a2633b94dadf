"""Uploads: a ticket and a PUT without credentials, or the multipart form; and no credential ever
elsewhere."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from scripted import Act, Scripted, answer

from orchestrator.core.specs import LocalImage
from orchestrator.ports import Lost, NoCredit, Rejected, Throttled, Uploaded
from orchestrator.provider import WaveSpeed
from orchestrator.provider.uploads import read_ticket
from orchestrator.runtime.clock import SystemClock

KEY = "wsk_secret-0123456789"
BYTES = b"\x89PNG\r\n\x1a\n" + b"\x00" * 2_000_000
HOSTED = "https://cdn.example.com/a.png"
PUT_FINE = answer(200)


@pytest.fixture
def image(tmp_path: Path) -> LocalImage:
    path = tmp_path / "My Secret Client.png"
    path.write_bytes(BYTES)
    return LocalImage(
        path=str(path), sha256=hashlib.sha256(BYTES).hexdigest(), bytes=len(BYTES), media_type="image/png"
    )


def ticket(url: str, /, **more: Any) -> str:
    upload = {"method": "PUT", "url": url, "headers": {"Content-Type": "image/png", "If-None-Match": "*"}}
    return json.dumps({"code": 200, "data": {"download_url": HOSTED, "upload": {**upload, **more}}})


def upload(image: LocalImage, put: Act = PUT_FINE, **ticket_fields: Any) -> tuple[Any, Scripted, Scripted]:
    async def play() -> tuple[Any, Scripted, Scripted]:
        async with Scripted([put]) as media, Scripted([]) as api:
            api.acts.append(answer(200, ticket(media.url + "/bucket/a%2Fb?sig=x%2By", **ticket_fields)))
            provider = WaveSpeed(api.url, KEY, SystemClock(), upload_seconds=2.0)
            outcome = await provider.upload(image)
            await provider.aclose()
            return outcome, api, media

    return asyncio.run(play())


def test_the_bytes_go_to_the_ticket_with_its_headers_and_without_the_key(image):
    outcome, api, media = upload(image)
    assert outcome == Uploaded(HOSTED)
    (asked,) = api.seen
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(asked.body) == {
        "filename": image.sha256[:32] + ".png",
        "size": len(BYTES),
        "content_type": "image/png",
    }
    (put,) = media.seen
    assert (put.method, put.target) == ("PUT", "/bucket/a%2Fb?sig=x%2By")
    assert put.body == BYTES
    assert put.headers["if-none-match"] == "*"
    assert put.headers["content-type"] == "image/png"
    assert "authorization" not in put.headers
    assert KEY not in repr(put)


def test_a_ticket_cannot_make_us_send_credentials(image):
    _, _, media = upload(image, headers={"Authorization": "Bearer x", "Cookie": "y", "X-Fine": "z"})
    assert "authorization" not in media.seen[0].headers
    assert "cookie" not in media.seen[0].headers
    assert media.seen[0].headers["x-fine"] == "z"


@pytest.mark.parametrize(
    ("put", "kind"),
    [
        (answer(201), Uploaded),
        (answer(204), Uploaded),
        (answer(400), Rejected),
        (answer(413), Rejected),
        (answer(429), Throttled),
        (answer(401), Lost),
        (answer(403), Lost),
        (answer(404), Lost),
        (answer(412), Lost),
        (answer(500), Lost),
        (answer(307, "", Location="https://evil.example/"), Lost),
        (Act(then="reset"), Lost),
        (Act(then="close"), Lost),
    ],
)
def test_the_media_hosts_answer_is_never_about_our_key(image, put, kind):
    outcome, _, media = upload(image, put)
    assert type(outcome) is kind
    assert media.connections == 1


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        (answer(200, BYTES), Uploaded),
        (answer(200, BYTES[:-1]), Lost),
        (answer(200, BYTES + b"x"), Lost),
        (answer(404), Lost),
        (Act(then="reset"), Lost),
    ],
    ids=["same size", "shorter", "longer", "absent", "reset"],
)
def test_a_put_refused_because_the_picture_is_there_counts_as_uploaded_once_it_was_read(image, there, kind):
    async def play() -> tuple[Any, Scripted]:
        async with Scripted([answer(412), there]) as media, Scripted([]) as api:
            hosted = media.url + "/media/a.png"
            body = json.loads(ticket(media.url + "/put"))
            body["data"]["download_url"] = hosted
            api.acts.append(answer(200, json.dumps(body)))
            provider = WaveSpeed(api.url, KEY, SystemClock(), upload_seconds=2.0)
            outcome = await provider.upload(image)
            await provider.aclose()
            return outcome, media

    outcome, media = asyncio.run(play())
    assert type(outcome) is kind
    assert [seen.method for seen in media.seen][:2] == ["PUT", "GET"][: len(media.seen)]
    assert KEY not in repr(media.seen)


@pytest.mark.parametrize(("status", "refused"), [(401, 401), (403, 403), (404, 404), (412, 412), (500, None)])
def test_a_hosts_refusal_is_told_from_its_outage(image, status, refused):
    outcome, _, _ = upload(image, answer(status))
    assert outcome.refused_status == refused


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://evil.example/put"},
        {"url": "https://me:pw@evil.example/put"},
        {"url": "file:///etc/passwd"},
        {"url": None},
        {"method": "DELETE"},
        {"headers": {"X": "a\r\nEvil: 1"}},
        {"headers": {"X\r\n": "a"}},
        {"headers": {"X": 7}},
        {"headers": "x"},
    ],
)
def test_a_ticket_that_asks_for_more_than_a_plain_put_is_not_used(image, fields):
    outcome, _, media = upload(image, **fields)
    assert isinstance(outcome, Lost)
    assert media.seen == []


@pytest.mark.parametrize("data", [None, [], {}, {"upload": {}}, {"download_url": "http://x/"}])
def test_a_ticket_that_is_not_one_is_none(data):
    assert read_ticket(data, loopback_http=False) is None


def test_loopback_is_no_place_to_put_pictures_unless_the_api_is_there_too():
    data = {"download_url": HOSTED, "upload": {"url": "http://127.0.0.1:1/x"}}
    assert read_ticket(data, loopback_http=False) is None
    assert read_ticket(data, loopback_http=True) is not None


def through_api(image: LocalImage, *acts: Act) -> tuple[Any, Scripted]:
    async def play() -> tuple[Any, Scripted]:
        async with Scripted(list(acts)) as api:
            provider = WaveSpeed(api.url, KEY, SystemClock())
            outcome = await provider.upload(image)
            await provider.aclose()
            return outcome, api

    return asyncio.run(play())


@pytest.mark.parametrize("status", [404, 405])
def test_without_tickets_the_multipart_form_is_used(image, status):
    hosted = json.dumps({"code": 200, "data": {"type": "image", "download_url": HOSTED}})
    outcome, api = through_api(image, answer(status, "<html>"), answer(200, hosted))
    assert outcome == Uploaded(HOSTED)
    assert [s.target for s in api.seen] == ["/api/v3/media/uploads", "/api/v3/media/upload/binary"]
    assert BYTES in api.seen[1].body
    assert b'name="file"' in api.seen[1].body
    assert b"Secret Client" not in api.seen[1].body


def test_a_refused_ticket_is_a_named_outcome(image):
    outcome, _ = through_api(image, answer(402, '{"message":"pay"}'))
    assert isinstance(outcome, NoCredit)


def test_a_picture_that_changed_or_vanished_since_planning_is_not_uploaded(image):
    Path(image.path).write_bytes(b"other")
    outcome, api = through_api(image)
    assert isinstance(outcome, Rejected)
    assert "changed" in outcome.message
    Path(image.path).unlink()
    outcome, _ = through_api(image)
    assert isinstance(outcome, Rejected)
    assert "cannot read" in outcome.message
    assert api.seen == []
