"""Results: when a task ends, how, and what looking at it may meet."""

import httpx
import pytest
from sandbox_api import START_MS

from orchestrator.sandbox import NoCredit


def test_a_task_is_created_then_processing_then_completed(start):
    api = start(latency_median=10.0)
    task_id = api.task(num_images=2)
    seen = [api.result(task_id)["status"]]
    for seconds in (1, 10):
        api.thread.advance(seconds)
        seen.append(api.result(task_id)["status"])
    assert seen == ["created", "processing", "completed"]
    done = api.result(task_id)
    assert (len(done["outputs"]), done["has_nsfw_contents"], done["error"]) == (2, [False, False], "")
    assert done["timings"]["inference"] == done["executionTime"] == 9_800


def test_the_bill_says_when_a_result_first_showed_the_end(start):
    api = start(latency_median=10.0, latency_sigma=0.0)
    task_id = api.task()
    api.thread.advance(1)
    api.result(task_id)
    assert api.thread.bill().tasks[0].seen_at_ms is None
    for seconds in (12, 5):
        api.thread.advance(seconds)
        api.result(task_id)
    assert api.thread.bill().tasks[0].seen_at_ms == START_MS + 13_000


def test_both_result_paths_answer_alike(start):
    api = start()
    task_id = api.task()
    assert api.get(f"predictions/{task_id}").json() == api.get(f"predictions/{task_id}/result").json()


def test_an_unknown_prediction_is_404(start):
    assert start().get("predictions/ffff/result").status_code == 404


def test_latency_is_log_normal_and_seeded(start):
    def ends(seed):
        api = start(latency_median=8.0, latency_sigma=0.5, seed=seed)
        for _ in range(40):
            api.task()
        return [task.finished_ms - START_MS for task in api.thread.sandbox.world.tasks]

    first = ends(1)
    assert first == ends(1) != ends(2)
    assert 5_000 < sorted(first)[20] < 12_000
    assert len(set(first)) > 30


FATES = {
    "moderated": ("failed", 1200),
    "failed": ("failed", 1403),
    "internal_error": ("failed", 5000),
    "unavailable": ("failed", 5003),
    "input_unreadable": ("failed", 1402),
    "timeout": ("timeout", 5004),
    "cancelled": ("cancelled", None),
    "deleted": ("deleted", None),
    "risk_control": ("failed", 1403),
    "dimensions": ("failed", 1405),
    "error": ("error", 1403),
}


@pytest.mark.parametrize(("fate", "ending"), FATES.items())
def test_a_failed_task_is_http_200_with_its_code_and_is_refunded_later(start, fate, ending):
    api = start(f"task.{fate}@1", refund_delay=60.0)
    task_id = api.task()
    reply = api.get(f"predictions/{task_id}/result")
    data = reply.json()["data"]
    assert (reply.status_code, reply.json()["code"]) == (200, 200)
    assert (data["status"], data.get("code"), data["outputs"]) == (*ending, [])
    assert data["error"]
    api.thread.advance(59)
    assert (api.bill().refunded_micros, api.bill().refunds_due_micros) == (0, 28_000)
    api.thread.advance(2)
    assert (api.bill().refunded_micros, api.bill().net_micros) == (28_000, 0)


def test_a_moderated_task_may_be_charged_for_good(start):
    api = start("task.moderated@1", refund_moderated=False)
    api.task()
    api.thread.advance(10_000)
    assert api.bill().net_micros == 28_000


def test_completed_tasks_come_in_every_shape(start):
    api = start(latency_median=10.0)
    running, done = {}, {}
    for fate in (
        "nsfw",
        "null_flags",
        "fewer_outputs",
        "more_outputs",
        "no_outputs",
        "object_outputs",
        "odd_status",
        "error_while_running",
        "stuck",
    ):
        api.use_faults(f"task.{fate}@1")
        task_id = api.task(num_images=3)
        api.thread.advance(5)
        running[fate] = api.result(task_id)
        api.thread.advance(50)
        done[fate] = api.result(task_id)
    assert any(done["nsfw"]["has_nsfw_contents"])
    assert done["null_flags"]["has_nsfw_contents"] is None
    assert [len(done[f"{word}_outputs"]["outputs"]) for word in ("fewer", "more", "no")] == [2, 4, 0]
    assert set(done["object_outputs"]["outputs"][0]) == {"url"}
    assert running["odd_status"]["status"] == "warming_up"
    assert (running["error_while_running"]["status"], bool(running["error_while_running"]["error"])) == (
        "processing",
        True,
    )
    assert done["error_while_running"]["error"] == ""
    assert done["stuck"]["status"] == "processing"
    assert {fate for fate, data in done.items() if data["status"] != "completed"} == {"stuck"}
    assert api.bill().charged_micros == 9 * 84_000


def test_completed_tasks_come_in_words_and_shapes_that_nobody_documented(start):
    api = start(latency_median=10.0, latency_sigma=0.0)
    early, done = {}, {}
    for fate in (
        "succeeded",
        "late_outputs",
        "nested_outputs",
        "text_flags",
        "object_flags",
        "unclear_flags",
    ):
        api.use_faults(f"task.{fate}@1")
        task_id = api.task(num_images=2)
        api.thread.advance(11)
        early[fate] = api.result(task_id)
        api.thread.advance(50)
        done[fate] = api.result(task_id)
    assert {fate: data["status"] for fate, data in done.items() if data["status"] != "completed"} == {
        "succeeded": "succeeded"
    }
    assert (early["late_outputs"]["status"], early["late_outputs"]["outputs"]) == ("completed", [])
    assert [len(data["outputs"]) for data in done.values()] == [2] * 6
    assert [type(item) for item in done["nested_outputs"]["outputs"]] == [list, list]
    assert done["text_flags"]["has_nsfw_contents"] == ["true", "true"]
    assert done["object_flags"]["has_nsfw_contents"][0] == {"sexual": True, "hate": False}
    assert done["unclear_flags"]["has_nsfw_contents"] == ["see report", "see report"]


def test_a_task_that_moderation_failed_may_say_so_by_its_status_alone(start):
    api = start("task.word_nsfw@1")
    data = api.result(api.task())
    assert (data["status"], data["error"], data["outputs"]) == ("nsfw", "", [])


def test_a_live_task_may_be_refused_to_a_poll(start):
    api = start("result.refused_400@1")
    task_id = api.task()
    assert [api.get(f"predictions/{task_id}/result").status_code for _ in range(2)] == [400, 200]


def test_words_in_the_prompt_decide_the_fate(start):
    api = start()
    assert api.result(api.task(prompt="a nsfw scene"))["has_nsfw_contents"] == [True]
    assert api.result(api.task(prompt="a sandbox:moderated scene"))["code"] == 1200
    assert api.result(api.task(prompt="NSFW, sandbox:timeout."))["status"] == "timeout"
    assert api.result(api.task(prompt="x sandbox:nonsense sandbox:no_such"))["status"] == "completed"


RESULT_FAULTS = {
    "error_500": 500,
    "error_502": 502,
    "error_503": 503,
    "html_504": 504,
    "html_200": 200,
    "throttle": 429,
    "throttle_retry_after": 429,
    "not_found": 404,
}


def test_a_result_fault_says_nothing_about_the_task(start):
    api = start()
    task_id = api.task()
    for manner, status in RESULT_FAULTS.items():
        api.use_faults(f"result.{manner}@1")
        reply = api.get(f"predictions/{task_id}/result")
        assert (reply.status_code, task_id in reply.text) == (status, False), manner
        assert api.result(task_id)["status"] == "completed"
    api.use_faults("result.drop@1")
    with pytest.raises(httpx.TransportError):
        api.result(task_id)
    api.use_faults("result.truncated_json@1")
    with pytest.raises(ValueError, match="Unterminated|Expecting"):
        api.result(task_id)
    api.use_faults("result.slow@1")
    assert api.result(task_id)["id"] == task_id


def test_a_task_without_credit_is_never_refunded(start):
    api = start(balance_micros=0, no_credit=NoCredit.FAILED_TASK)
    api.task()
    api.thread.advance(86_400)
    assert api.bill().balance_micros == 0
