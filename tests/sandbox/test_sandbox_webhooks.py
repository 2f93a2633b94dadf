"""The sandbox reports as the provider does: signed, repeated until it is heard, to this machine alone."""

import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from orchestrator.core.webhooks import refusal

SECRET = "whsec_for-this-test"


class Heard:
    """What was delivered; answers what the test has queued, else 200."""

    def __init__(self):
        self.requests = []
        self.answers = []
        self.changed = threading.Condition()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, 20), self.requests
        return self.requests


@pytest.fixture
def heard():
    """A listener on loopback."""
    made = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(made.answers.pop(0) if made.answers else 200)
            self.end_headers()
            with made.changed:
                made.requests.append((self.path, list(self.headers.items()), body))
                made.changed.notify_all()

        def log_message(self, *words):
            pass

    with listening(Handler) as made.url:
        yield made


@contextmanager
def listening(handler):
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?token=t1"
    server.shutdown()
    server.server_close()
    thread.join()


def begin(start, *faults, **switches):
    return start(*faults, webhook_secret=SECRET, webhook_retry=0.0, webhook_late=60.0, **switches)


def believed(api, request):
    _, headers, body = request
    return refusal(headers, body, [SECRET], now_seconds=api.thread.sandbox.world.now_ms() / 1000) is None


@pytest.mark.parametrize(("prompt", "status"), [("a hat", "completed"), ("sandbox:failed", "failed")])
def test_a_finished_task_is_reported_signed_and_bare_with_its_input(start, heard, prompt, status):
    api = begin(start)
    task = api.submit_with_webhook(heard.url, prompt=prompt).json()["data"]["id"]
    (request,) = heard.wait(1)
    told = json.loads(request[2])
    assert request[0] == "/hook?token=t1"
    assert (told["id"], told["status"], told["input"]["prompt"]) == (task, status, prompt)
    assert "data" not in told
    assert believed(api, request)
    headers = {name.lower(): value for name, value in request[1]}
    message = f"{task}.{headers['webhook-timestamp']}.".encode() + request[2]
    digest = hmac.new(b"for-this-test", message, hashlib.sha256).hexdigest()
    assert headers["webhook-signature"] == f"v3,{digest}"


def test_the_secret_is_told_to_the_key_alone(start):
    api = begin(start)
    assert api.get("webhook/secret").json()["data"] == {"secret": SECRET}
    assert api.http.get("/api/v3/webhook/secret").status_code == 401


def test_without_a_webhook_nothing_is_reported(start):
    api = begin(start)
    api.task()
    assert api.bill().webhooks == ()


def test_a_delivery_is_repeated_three_times_at_most_until_it_is_answered_2xx(start, heard):
    api = begin(start)
    heard.answers = [500, 401, 204]
    api.submit_with_webhook(heard.url)
    heard.wait(3)
    heard.answers = [503] * 9
    api.submit_with_webhook(heard.url)
    heard.wait(7)
    api.submit_with_webhook(heard.url.replace("t1", "last"))
    assert {path for path, _, _ in heard.wait(8)[3:7]} == {"/hook?token=t1"}


def test_only_this_machine_is_called(start):
    api = begin(start)
    for url in (
        "https://hooks.example.com/x?token=t",
        "ftp://127.0.0.1/x",
        "http://10.0.0.1/x",
        "nonsense",
        "//[",
    ):
        assert api.submit_with_webhook(url).status_code == 200
    assert [(d.answer, d.remark) for d in api.bill().webhooks] == [(None, "not a loopback address")] * 5


def test_a_lost_webhook_is_never_sent(start, heard):
    api = begin(start, "webhook.lost@1")
    lost = api.submit_with_webhook(heard.url).json()["data"]["id"]
    api.submit_with_webhook(heard.url)
    (request,) = heard.wait(1)
    assert json.loads(request[2])["id"] != lost


def test_a_duplicate_is_the_same_delivery_twice(start, heard):
    api = begin(start, "webhook.duplicate@1")
    api.submit_with_webhook(heard.url)
    one, other = heard.wait(2)
    assert one[2] == other[2]
    assert believed(api, one)
    assert believed(api, other)


def test_a_tampered_delivery_is_refused_and_repeated_as_it_should_be(start, heard):
    api = begin(start, "webhook.tampered@1")
    heard.answers = [401]
    api.submit_with_webhook(heard.url)
    bad, good = heard.wait(2)
    assert not believed(api, bad)
    assert believed(api, good)


def test_a_late_webhook_comes_after_the_task_has_long_ended(start, heard):
    api = begin(start, "webhook.late@1")
    before = api.thread.sandbox.world.now_ms()
    api.submit_with_webhook(heard.url)
    heard.wait(1)
    assert api.thread.sandbox.world.now_ms() - before >= 60_000
