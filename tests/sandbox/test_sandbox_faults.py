"""Faults as data: reading them, choosing them, and that each is implemented."""

import httpx
import pytest
from sandbox_api import NO_TLS

from orchestrator.core.errors import UsageError
from orchestrator.sandbox import Fault, Faults, Scripted, parse_faults
from orchestrator.sandbox.faults.dice import Dice, FaultDice


def test_fault_words_are_rates_and_scripts():
    faults = parse_faults(
        ["submit.drop_after=0.05", "submit.error_500@2-4", "result.drop@3", "download.corrupt%5"]
    )
    assert faults == Faults(
        {Fault.SUBMIT_DROP_AFTER: 0.05},
        (
            Scripted("submit", 2, Fault.SUBMIT_ERROR_500, last=4),
            Scripted("result", 3, Fault.RESULT_DROP),
            Scripted("download", 5, Fault.DOWNLOAD_CORRUPT, every=True),
        ),
    )


def test_common_is_a_rate_for_every_kind_and_single_rates_win():
    faults = parse_faults(["common=0.1", "result.drop=0.3"])
    assert {fault.operation for fault in faults.rates} == {fault.operation for fault in Fault} - {"refund"}
    assert faults.rates[Fault.RESULT_DROP] == 0.3
    assert set(faults.rates.values()) == {0.1, 0.3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("submit.drop_after", "NAME=RATE"),
        ("submit.drop_after=x", "NAME=RATE"),
        ("submit.dorp=0.1", "submit.drop_before"),
        ("common@3", "submit.drop_before"),
        ("nothing=0.1", "submit.drop_before"),
        ("submit.drop_after=1.5", "from 0 to 1"),
        ("submit.drop_after@0", "from 1"),
        ("submit.drop_after@5-2", "from 1"),
        ("submit.drop_after%0", "from 1"),
    ],
)
def test_a_word_that_is_no_fault_is_explained(text, words):
    with pytest.raises(UsageError, match="fault|rate|request") as caught:
        parse_faults([text])
    assert words in str(caught.value)


def test_rates_of_one_operation_add_up_to_1_at_most():
    with pytest.raises(UsageError, match="add up to 1.2"):
        Faults({Fault.SUBMIT_DROP_AFTER: 0.6, Fault.SUBMIT_ERROR_500: 0.6})
    Faults({Fault.SUBMIT_DROP_AFTER: 0.6, Fault.RESULT_DROP: 0.6})


def test_a_scripted_fault_belongs_to_its_operation():
    with pytest.raises(UsageError, match="happens to submit"):
        Scripted("result", 1, Fault.SUBMIT_DROP_AFTER)


def chosen(faults, operation, count):
    dice = FaultDice(Dice(7), faults)
    return [dice.pick(operation) for _ in range(count)]


def test_scripts_choose_exact_requests():
    faults = parse_faults(["submit.drop_after@2-3", "submit.error_500%4"])
    seen = chosen(faults, "submit", 8)
    assert [index for index, fault in enumerate(seen, 1) if fault] == [2, 3, 4, 8]


def test_rates_are_met_and_seeded():
    faults = Faults({Fault.RESULT_DROP: 0.2, Fault.RESULT_ERROR_500: 0.1})
    seen = chosen(faults, "result", 5_000)
    assert 900 < seen.count(Fault.RESULT_DROP) < 1_100
    assert 420 < seen.count(Fault.RESULT_ERROR_500) < 580
    assert seen == chosen(faults, "result", 5_000)
    assert set(chosen(faults, "submit", 100)) == {None}


def test_a_certain_fault_always_happens():
    assert set(chosen(Faults({Fault.PUT_DROP: 1.0}), "put", 200)) == {Fault.PUT_DROP}


def request_under(api, fault, task_id, url):
    """The reply of one request of the fault's operation, or None when the connection broke."""
    requests = {
        "submit": api.submit,
        "task": api.submit,
        "result": lambda: api.get(f"predictions/{task_id}/result"),
        "list": lambda: api.post("predictions", {"page": 1, "page_size": 1}),
        "download": lambda: httpx.get(url, trust_env=False, verify=NO_TLS),
        "upload": lambda: api.post("media/uploads", {"filename": "a", "size": 0}),
        "put": lambda: httpx.put(f"{api.url}/uploads/x", trust_env=False, verify=NO_TLS),
        "webhook": lambda: api.submit_with_webhook("http://127.0.0.1:1/nobody"),
        "account": lambda: api.get("balance"),
        "refund": lambda: api.submit(prompt="sandbox:failed"),
        "bill": lambda: api.post("billings/search", {"page": 1, "page_size": 1}),
    }
    api.use_faults(f"{fault}@1")
    try:
        return requests[fault.operation]()
    except httpx.TransportError:
        return None


def test_every_fault_is_implemented(start):
    """A fault nobody implemented would end in the sandbox's own 500, or in the framework's."""
    api = start(endless_bytes_max=1024 * 1024)
    for fault in Fault:
        task_id = api.task()
        url = api.result(task_id)["outputs"][0]
        reply = request_under(api=api, fault=fault, task_id=task_id, url=url)
        assert api.bill().faults[fault] == 1, fault
        if reply is not None and "500" not in fault:
            assert reply.status_code != 500, fault
