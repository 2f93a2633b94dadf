"""Uploads, and what becomes of input pictures."""

import httpx
import pytest
from sandbox_api import KEY, NO_TLS, png

from orchestrator.sandbox import ForeignImages


def put(ticket, data, **headers):
    return httpx.put(
        ticket["upload"]["url"],
        content=data,
        headers={**ticket["upload"]["headers"], **headers},
        trust_env=False,
        verify=NO_TLS,
    )


def ticket_for(api, data, **more):
    body = {"filename": "a b.png", "size": len(data), "content_type": "image/png", **more}
    return api.post("media/uploads", body).json()["data"]


def test_an_upload_by_ticket_is_hosted_for_anybody(start):
    api = start()
    data = png()
    url = api.upload(data, name="my photo.png")
    found = httpx.get(url, trust_env=False, verify=NO_TLS)
    assert (found.content, found.headers["Content-Type"]) == (data, "image/png")
    assert url.endswith("/my%20photo.png")
    assert api.bill().authorization_leaks == ()


def test_a_put_with_a_key_is_refused_and_written_down(start):
    api = start()
    ticket = ticket_for(api, png())
    assert put(ticket, png(), **KEY).status_code == 400
    (leak,) = api.bill().authorization_leaks
    assert leak.startswith("PUT /uploads/")


def test_a_put_must_fit_its_ticket(start):
    api = start()
    data = png()
    ticket = ticket_for(api, data)
    assert put(ticket, data, **{"Content-Type": "image/jpeg"}).status_code == 403
    assert put(ticket, data, **{"If-None-Match": ""}).status_code == 403
    assert put(ticket, data + b"x").status_code == 400
    assert put(ticket, data).status_code == 200
    assert put(ticket, data).status_code == 412
    late = ticket_for(api, data)
    api.thread.advance(3_600)
    assert put(late, data).status_code == 403


@pytest.mark.parametrize("body", [{"size": 3}, {"filename": "a"}, {"filename": "a", "size": -1}])
def test_a_ticket_needs_a_name_and_a_size(start, body):
    assert start().post("media/uploads", body).status_code == 400


def test_the_older_multipart_form_works_too(start):
    api = start()
    reply = api.http.post(
        "/api/v3/media/upload/binary",
        files={"other": b"x", "file": ("p.png", png(), "image/png")},
        headers=KEY,
    )
    data = reply.json()["data"]
    assert (data["type"], data["filename"], data["size"]) == ("image", "p.png", len(png()))
    assert api.http.get(data["download_url"]).content == png()
    assert api.post("media/upload/binary", {}).status_code == 400
    assert (
        api.http.post("/api/v3/media/upload/binary", files={"wrong": ("p", b"x")}, headers=KEY).status_code
        == 400
    )


def test_an_upload_beyond_the_limit_is_413(start):
    api = start(upload_bytes_max=10)
    assert api.post("media/uploads", {"filename": "a", "size": 11}).status_code == 413
    reply = api.http.post("/api/v3/media/upload/binary", files={"file": ("p", b"x" * 11)}, headers=KEY)
    assert reply.status_code == 413


def test_each_upload_fault_happens(start):
    api = start()
    body = {"filename": "a.png", "size": 3}
    wanted = {"error_500": 500, "html_504": 504, "throttle": 429, "too_large": 413, "truncated_json": 200}
    for manner, status in wanted.items():
        api.use_faults(f"upload.{manner}@1")
        assert api.post("media/uploads", body).status_code == status
    api.use_faults("upload.drop@1", "put.drop@1", "put.error_500@2", "put.expired@3")
    with pytest.raises(httpx.TransportError):
        api.post("media/uploads", body)
    ticket = ticket_for(api, b"abc")
    with pytest.raises(httpx.TransportError):
        put(ticket, b"abc")
    assert [put(ticket, b"abc").status_code for _ in range(3)] == [500, 403, 200]


def ending(api, *images):
    data = api.result(api.task(images=list(images)))
    return data["status"], data.get("code")


def test_hosted_pictures_are_read_and_aged_out_ones_fail_the_task(start):
    api = start(input_ttl=100.0)
    url = api.upload(png())
    assert ending(api, url, api.upload(png(), kind="application/octet-stream")) == ("completed", None)
    api.thread.advance(101)
    assert ending(api, url) == ("failed", 1402)
    api.thread.advance(60)
    assert api.bill().net_micros == 28_000


def test_inputs_that_cannot_be_had_fail_the_task_with_1402(start):
    api = start()
    good = api.upload(png())
    for bad in (
        f"{api.url}/media/{'0' * 32}/x.png",
        f"{api.url}/nothing.png",
        "http://127.0.0.1:9/x.png",
        "https://nowhere.invalid/x.png",
        "file:///etc/passwd",
        "data:text/plain,hello",
        "data:image/png;base64,@@@",
        "data:nothing",
        "photos/a.png",
        api.upload(b"text", name="a.png", kind="image/png"),
    ):
        assert ending(api, good, bad) == ("failed", 1402), bad


def test_data_urls_and_other_loopback_servers_are_read(start):
    api, other = start(), start()
    import base64

    inline = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert ending(api, inline) == ("completed", None)
    hosted = other.output().replace("127.0.0.1", "localhost")
    assert ending(api, hosted) == ("completed", None)
    assert ending(api, other.upload(png())) == ("completed", None)
    assert (other.bill().requests["download"], other.bill().requests["media"]) == (1, 1)


def test_public_hosts_are_never_contacted_but_stand_for_a_picture_unless_switched_off(start):
    api = start()
    assert ending(api, "https://example.com/a.png") == ("completed", None)
    api.thread.change(foreign_images=str(ForeignImages.FAIL))
    assert ending(api, "https://example.com/a.png") == ("failed", 1402)
