"""The submit endpoint: who may, what is created, what it costs."""

import pytest
from sandbox_api import EDIT, KEY

from orchestrator.sandbox import KeyState, Level, NoCredit, Overload, RateUnit


def test_an_accepted_submit_says_created_and_has_an_id(start):
    reply = start().submit()
    data = reply.json()["data"]
    assert reply.json()["code"] == 200
    assert (data["status"], data["outputs"], data["error"], len(data["id"])) == ("created", [], "", 32)
    assert data["urls"]["get"].endswith(f"/api/v3/predictions/{data['id']}/result")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "sandbox-key"}])
def test_a_wrong_key_is_401_everywhere_and_creates_nothing(start, headers):
    api = start()
    for method, path in (
        ("POST", EDIT),
        ("GET", "balance"),
        ("POST", "predictions"),
        ("GET", "predictions/x"),
    ):
        reply = api.http.request(method, f"/api/v3/{path}", headers=headers, json={})
        assert (reply.status_code, reply.json()["code"]) == (401, 401)
    bill = api.bill()
    assert (bill.post_count, bill.tasks, bill.posts[0].reply) == (1, (), "401")


def test_a_suspended_account_and_a_denied_role_are_403_in_their_own_shapes(start):
    api = start(key_state=KeyState.SUSPENDED)
    assert api.submit().json()["code"] == 403
    api.thread.change(key_state="role_denied")
    reply = api.submit()
    assert (reply.status_code, set(reply.json())) == (403, {"message", "error_code"})


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"prompt": 7}, "must be a string"),
        ({"prompt": " "}, "must not be empty"),
        ({"images": []}, "1 to 10"),
        ({"images": ["https://example.com/a.png"] * 11}, "1 to 10"),
        ({"images": "https://example.com/a.png"}, "array"),
        ({"num_images": 10}, "from 1 to 9"),
        ({"num_images": True}, "integer"),
        ({"resolution": "8k"}, "1k, 2k, 4k"),
        ({"aspect_ratio": "5:4"}, "auto"),
        ({"output_format": "gif"}, "webp"),
    ],
)
def test_an_invalid_parameter_is_400_and_free(start, inputs, words):
    api = start()
    reply = api.submit(**inputs)
    assert reply.status_code == 400
    assert words in reply.json()["message"]
    assert api.bill().charges == ()


def test_missing_parameters_bad_json_and_unknown_models_are_refused(start):
    api = start()
    assert "missing" in api.post(EDIT, {"prompt": "x"}).json()["message"]
    assert api.http.post(f"/api/v3/{EDIT}", content=b"{", headers=KEY).status_code == 400
    assert api.http.post(f"/api/v3/{EDIT}", content=b"[]", headers=KEY).status_code == 400
    assert api.submit("nobody/nothing").status_code == 404
    assert api.bill().tasks == ()


def test_unknown_keys_are_dropped_in_silence_and_billed(start):
    api = start()
    api.task(seed=5)
    (task,) = api.bill().tasks
    assert task.dropped == ("seed",)
    assert "seed" not in task.inputs
    assert api.bill().charged_micros == 28_000


def test_the_strict_switch_refuses_unknown_keys(start):
    assert "seed" in start(strict_inputs=True).submit(seed=5).json()["message"]


@pytest.mark.parametrize(
    ("inputs", "micros"),
    [
        ({}, 28_000),
        ({"resolution": "2k", "num_images": 3}, 84_000),
        ({"resolution": "4k", "num_images": 2}, 112_000),
    ],
)
def test_a_task_costs_its_images_twice_as_much_at_4k(start, inputs, micros):
    api = start()
    api.task(**inputs)
    bill = api.bill()
    assert bill.charged_micros == micros == bill.starting_micros - bill.balance_micros


def test_no_credit_has_four_forms(start):
    api = start(balance_micros=27_999)
    plain = api.submit()
    assert (plain.status_code, plain.json()) == (
        400,
        {"code": 400, "message": "Insufficient credits. Please top up."},
    )
    api.thread.change(no_credit="http_402")
    assert (api.submit().status_code, api.submit().json()["data"]["status"]) == (402, "failed")
    api.thread.change(no_credit="code_1407")
    coded = api.submit()
    assert (coded.status_code, coded.json()["code"]) == (400, 1407)
    assert "insufficient" not in coded.text.lower()
    api.thread.change(no_credit=str(NoCredit.FAILED_TASK))
    failed = api.result(api.task())
    assert (failed["status"], failed["code"]) == ("failed", 1407)
    assert api.bill().charged_micros == 0


def test_the_rate_limit_counts_accepted_submits_of_the_last_60_seconds(start):
    api = start(level=Level.BRONZE, concurrency=100)
    assert [api.submit().status_code for _ in range(3)] == [200, 200, 429]
    api.thread.advance(59.9)
    assert api.submit().status_code == 429
    api.thread.advance(0.2)
    assert api.submit().status_code == 200
    bill = api.bill()
    assert (bill.max_accepted_per_minute, bill.max_posts_per_minute, bill.post_count) == (2, 4, 5)


def test_the_rate_limit_can_count_images_and_name_a_delay(start):
    api = start(submits_per_minute=5, rate_unit=RateUnit.IMAGES, limit_retry_after=7)
    assert api.submit(num_images=4).status_code == 200
    refused = api.submit(num_images=2)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert api.submit(num_images=1).status_code == 200


def test_beyond_the_concurrency_limit_tasks_wait_in_line(start):
    api = start(concurrency=2, latency_median=10.0)
    ids = [api.task() for _ in range(3)]
    api.thread.advance(9)
    assert [api.result(each)["status"] for each in ids] == ["processing", "processing", "created"]
    api.thread.advance(2)
    assert [api.result(each)["status"] for each in ids] == ["completed", "completed", "processing"]
    api.thread.advance(10)
    assert api.result(ids[2])["status"] == "completed"
    assert api.bill().max_concurrency == 3


def test_beyond_the_concurrency_limit_tasks_may_be_refused(start):
    api = start(concurrency=2, latency_median=10.0, overload=Overload.REFUSE)
    assert [api.submit().status_code for _ in range(3)] == [200, 200, 429]
    api.thread.advance(10)
    assert api.submit().status_code == 200
    assert api.bill().max_concurrency == 2


def test_sync_mode_waits_for_the_end_or_says_it_timed_out(start):
    api = start(latency_median=20.0)
    done = api.submit("google/nano-banana/edit", enable_sync_mode=True).json()["data"]
    assert (done["status"], len(done["outputs"])) == ("completed", 1)
    api.thread.change(sync_timeout=5)
    late = api.submit("google/nano-banana/edit", enable_sync_mode=True).json()["data"]
    assert (late["status"], late["code"], late["outputs"]) == ("processing", 5004, [])
    assert "Sync mode timed out after 5 seconds" in late["error"]


def test_the_edit_model_does_not_know_sync_mode(start):
    api = start(latency_median=20.0)
    assert api.submit(enable_sync_mode=True).json()["data"]["status"] == "created"
