"""Notices reach real receivers over HTTP and through apprise, and the receivers' faults stay theirs."""

import asyncio
import base64
import json
import socket
import sys
from contextlib import aclosing

import pytest
from standardwebhooks import Webhook as StandardWebhook
from support.letters import LETTER, deliver, receiver
from support.times import FakeClock

from orchestrator.notifiers import make_dispatcher
from orchestrator.runtime.clock import SystemClock
from orchestrator.runtime.network import DIRECT
from orchestrator.settings.model import NotifyTarget

__all__ = ["receiver"]
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty four b").decode()


def test_a_webhook_is_signed_so_that_the_standard_library_for_it_believes_it(receiver):
    target = NotifyTarget(via="webhook", url=receiver.url, secret_env="SIGN")
    assert deliver(target, {"SIGN": SECRET}) is None
    ((headers, body),) = receiver.got
    document = StandardWebhook(SECRET).verify(body, headers)
    assert document == {"id": "notice-7", **LETTER.document}
    assert headers["webhook-id"] == "notice-7"


def test_a_webhook_of_another_time_is_signed_for_that_time(receiver):
    deliver(
        NotifyTarget(via="webhook", url=receiver.url, secret_env="SIGN"),
        {"SIGN": SECRET},
        clock=FakeClock(1_000_000_000_000),
    )
    assert receiver.got[0][0]["webhook-timestamp"] == "1000000000"


def test_slack_gets_one_text_with_its_own_signs_escaped(receiver):
    assert deliver(NotifyTarget(via="slack", url_env="SLACK"), {"SLACK": receiver.url}) is None
    ((_, body),) = receiver.got
    assert json.loads(body) == {
        "text": "*spring/hero/main has finished: 2 pictures, $0.056*\n"
        "2 jobs succeeded\n1 &lt;failed&gt; &amp; flagged"
    }


@pytest.mark.parametrize("status", [302, 400, 410, 500, 503])
def test_every_answer_but_success_is_a_failed_delivery_and_no_redirect_is_followed(receiver, status):
    receiver.status = status
    assert deliver(NotifyTarget(via="webhook", url=receiver.url)) == f"HTTP {status}"
    assert len(receiver.got) == 1


def test_a_receiver_that_hangs_is_given_up_within_the_bound(receiver):
    receiver.hangs = True

    async def main():
        made = make_dispatcher(
            {"ops": NotifyTarget(via="webhook", url=receiver.url)}, {}, network=DIRECT, clock=SystemClock()
        )
        made._seconds = 0.2
        async with aclosing(made):
            return await made.deliver("ops", LETTER)

    assert asyncio.run(main()) == "no answer in time"


def test_nobody_there_is_a_failed_delivery_without_the_secret_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hook/T0PS3CRET"
    trouble = deliver(NotifyTarget(via="slack", url_env="SLACK"), {"SLACK": url})
    assert trouble is not None
    assert trouble.startswith("not reached: no connection to 127.0.0.1")
    assert "T0PS3CRET" not in trouble


@pytest.mark.parametrize(
    ("target", "env", "words"),
    [
        (
            NotifyTarget(via="slack", url_env="SLACK"),
            {},
            "the environment variable SLACK, which holds its URL",
        ),
        (NotifyTarget(via="slack", url_env="SLACK"), {"SLACK": "hello"}, "its URL is none"),
        (
            NotifyTarget(via="webhook", url="http://127.0.0.1:9/x", secret_env="S"),
            {"S": "hello world"},
            "The signing secret is none",
        ),
        (NotifyTarget(via="apprise", url_env="A"), {"A": "nothing://x"}, "apprise knows no service"),
        (NotifyTarget(via="webhook", url_file="/nowhere/file"), {}, "cannot be read"),
    ],
)
def test_a_target_that_cannot_be_used_says_why_at_each_delivery_and_shows_no_secret(target, env, words):
    trouble = deliver(target, env)
    assert trouble is not None
    assert words in trouble
    assert not any(value in trouble for value in env.values())


def test_apprise_delivers_what_it_knows_how_to(receiver):
    url = receiver.url.replace("http://", "json://")
    assert deliver(NotifyTarget(via="apprise", url_env="A"), {"A": url}) is None
    assert json.loads(receiver.got[0][1])["title"] == LETTER.title


def test_apprise_says_that_a_service_did_not_take_it(receiver):
    receiver.status = 500
    url = receiver.url.replace("http://", "json://")
    trouble = deliver(NotifyTarget(via="apprise", url_env="A"), {"A": url})
    assert trouble == "the service did not take it"


def test_without_apprise_installed_the_target_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    trouble = deliver(NotifyTarget(via="apprise", url_env="A"), {"A": "json://127.0.0.1"})
    assert trouble is not None
    assert "orchestrator[notify]" in trouble


def test_one_target_that_raises_does_not_keep_another_from_being_told(receiver):
    async def main():
        targets = {
            "broken": NotifyTarget(
                via="email",
                smtp="127.0.0.1:1",
                sender="a@example.org",
                to=("b@example.org",),
                security="none",
            ),
            "ops": NotifyTarget(via="webhook", url=receiver.url),
        }
        async with aclosing(make_dispatcher(targets, {}, network=DIRECT, clock=SystemClock())) as made:
            return [await made.deliver(name, LETTER) for name in ("broken", "ops", "stranger")]

    broken, ops, stranger = asyncio.run(main())
    assert broken is not None
    assert "refused" in broken
    assert ops is None
    assert stranger == "there is no target stranger in this configuration"
