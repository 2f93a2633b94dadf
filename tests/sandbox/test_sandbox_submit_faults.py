"""Faults of the submit endpoint, before and after acceptance."""

import httpx
import pytest
from sandbox_api import EDIT

from orchestrator.sandbox.http.submit import AFTER

FREE = {
    "error_500": 500,
    "error_502": 502,
    "error_503": 503,
    "html_504": 504,
    "redirect_301": 301,
    "redirect_302": 302,
    "redirect_307": 307,
    "redirect_308": 308,
    "throttle": 429,
    "throttle_retry_after": 429,
    "throttle_zero": 429,
    "throttle_negative": 429,
    "throttle_huge": 429,
    "throttle_garbage": 429,
    "throttle_past_date": 429,
    "refused_400": 400,
    "refused_401": 401,
    "refused_402": 402,
    "refused_403": 403,
    "refused_409": 409,
    "refused_413": 413,
    "refused_422": 422,
}


def test_faults_before_acceptance_answer_their_status_and_create_nothing(start):
    api = start()
    for manner, status in FREE.items():
        api.use_faults(f"submit.{manner}@1")
        assert api.submit().status_code == status, manner
    api.use_faults("submit.drop_before@1")
    with pytest.raises(httpx.TransportError):
        api.submit()
    bill = api.bill()
    assert (bill.tasks, bill.charges, bill.post_count) == ((), (), len(FREE) + 1)
    assert bill.posts[-1].reply == "submit.drop_before"


def test_retry_after_comes_absent_good_and_absurd(start):
    api = start(retry_after=2)
    seen = {}
    for manner in [name for name in FREE if name.startswith("throttle")]:
        api.use_faults(f"submit.{manner}@1")
        seen[manner] = api.submit().headers.get("Retry-After")
    assert seen == {
        "throttle": None,
        "throttle_retry_after": "2",
        "throttle_zero": "0",
        "throttle_negative": "-1",
        "throttle_huge": "1000000000",
        "throttle_garbage": "soon",
        "throttle_past_date": "Wed, 21 Oct 2015 07:28:00 GMT",
    }


def test_faults_after_acceptance_never_deliver_the_id_though_the_task_is_billed(start):
    api = start()
    hidden = sorted(AFTER - {"submit.slow"})
    for count, fault in enumerate(hidden, start=1):
        api.use_faults(f"{fault}@1")
        try:
            text = api.submit().text
        except httpx.TransportError:
            text = ""
        bill = api.bill()
        assert (len(bill.tasks), len(bill.charges)) == (count, count), fault
        if fault != "submit.truncated_json":
            assert bill.tasks[-1].id not in text, fault
        assert bill.posts[-1] == type(bill.posts[-1])(
            bill.posts[-1].at_ms, EDIT, bill.posts[-1].body_sha256, str(fault), bill.tasks[-1].id
        )


def test_a_slow_submit_is_answered_in_full_after_its_delay(start):
    api = start("submit.slow@1", slow_seconds=40.0)
    before = api.bill().posts
    task_id = api.task()
    clock = api.thread.sandbox.world.clock
    assert before == ()
    assert clock.now_ms() == 1_800_000_000_000 + 40_000
    assert api.result(task_id)["status"] == "completed"


def test_following_a_redirect_with_the_post_creates_a_task(start):
    api = start("submit.redirect_307@1")
    reply = api.post(EDIT, {"prompt": "x", "images": ["https://example.com/a"]}, follow_redirects=True)
    assert (reply.status_code, api.bill().post_count, len(api.bill().tasks)) == (200, 2, 1)
