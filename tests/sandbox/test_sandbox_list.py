"""The list of predictions: newest first, filtered, lagging, at fault; and what ends a prediction."""

import httpx
import pytest
from sandbox_api import EDIT, START_MS

from orchestrator.sandbox.tasks import iso


def listed(api, **body):
    return api.post("predictions", {"page": 1, "page_size": 100, **body}).json()["data"]


def test_the_list_is_newest_first_and_paged(start):
    api = start()
    ids = []
    for _ in range(5):
        ids.append(api.task())
        api.thread.advance(1)
    pages = [[item["id"] for item in listed(api, page=page, page_size=2)["items"]] for page in (1, 2, 3, 4)]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]], []]


def test_the_list_filters_by_model_status_and_time(start):
    api = start("task.failed@2")
    ids = []
    for _ in range(3):
        ids.append(api.task())
        api.thread.advance(10)

    def found(**body):
        return [item["id"] for item in listed(api, **body)["items"]]

    assert found(model="google/nano-banana/edit") == []
    assert found(model=EDIT, status="failed") == [ids[1]]
    assert found(created_after=iso(START_MS + 10_000)) == [ids[2], ids[1]]
    assert found(created_before=iso(START_MS + 10_000)) == [ids[1], ids[0]]


@pytest.mark.parametrize(
    "body",
    [
        {"page": 0},
        {"page_size": 101},
        {"page_size": None},
        {"status": "finished"},
        {"created_after": "yesterday"},
    ],
)
def test_a_list_request_that_does_not_fit_is_400(start, body):
    assert start().post("predictions", {"page": 1, "page_size": 10, **body}).status_code == 400


def test_the_list_shows_inputs_and_totals_only_where_a_switch_says_so(start):
    api = start()
    api.task()
    plain = listed(api, include_inputs=True)
    assert "total" not in plain
    assert "inputs" not in plain["items"][0]
    api.thread.change(list_inputs=True, list_total=True)
    rich = listed(api, include_inputs=True)
    assert (rich["total"], rich["items"][0]["inputs"]["prompt"]) == (1, "a hat")
    assert "inputs" not in listed(api)["items"][0]


def test_the_list_lags_behind_by_its_switch_though_the_result_does_not(start):
    api = start(list_lag=30.0)
    task_id = api.task()
    assert (listed(api)["items"], api.result(task_id)["id"]) == ([], task_id)
    api.thread.advance(30)
    assert [item["id"] for item in listed(api)["items"]] == [task_id]


def test_each_list_fault_happens(start):
    api = start()
    for manner, status in {"error_500": 500, "html_504": 504, "throttle": 429, "truncated_json": 200}.items():
        api.use_faults(f"list.{manner}@1")
        assert api.post("predictions", {"page": 1, "page_size": 1}).status_code == status
    api.use_faults("list.drop@1")
    with pytest.raises(httpx.TransportError):
        listed(api)
    api.use_faults("list.slow@1")
    assert listed(api)["items"] == []


def test_deleting_forgets_finished_tasks_and_ends_running_ones(start):
    api = start(latency_median=10.0)
    finished = api.task()
    api.thread.advance(20)
    running = api.task()
    reply = api.post("predictions/delete", {"ids": [finished, running, "unknown", running]})
    assert reply.json()["data"] == {"deleted_count": 2}
    assert api.get(f"predictions/{finished}/result").status_code == 404
    assert api.result(running)["status"] == "deleted"
    assert api.bill().net_micros == 56_000
    assert api.post("predictions/delete", {"ids": "x"}).status_code == 400


def test_predictions_and_outputs_end_with_their_retention(start):
    api = start()
    task_id = api.task()
    url = api.result(task_id)["outputs"][0]
    api.thread.advance(7 * 86_400 - 1)
    assert (api.http.get(url).status_code, len(listed(api)["items"])) == (200, 1)
    api.thread.advance(2)
    assert (api.http.get(url).status_code, listed(api)["items"]) == (404, [])
    assert api.get(f"predictions/{task_id}/result").status_code == 404
    assert len(api.bill().tasks) == 1
