"""Every row of what an answer means."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.ports import (
    Accepted,
    KeyRefused,
    Lost,
    Missing,
    NoCredit,
    NotSent,
    Prediction,
    Rejected,
    Throttled,
)
from orchestrator.provider.classify import (
    STATUS_MEANINGS,
    Meaning,
    Reply,
    classify_error,
    classify_result,
    classify_submit,
    meaning_of,
    parse_retry_after,
)
from orchestrator.provider.wire import UNREADABLE, Body
from orchestrator.runtime.transport_errors import NOTHING_SENT

NOW_MS = 1_700_000_000_000  # Tue, 14 Nov 2023 22:13:20 GMT


def body(message: str = "", code: int | None = None, **data: object) -> Body:
    return Body(readable=True, code=code, message=message, data=data or None)


SUBMITS = [
    # HTTP status, body, outcome type
    (200, body(id="a", status="created"), Accepted),
    (201, body(id="a", status="completed"), Accepted),
    (200, body(id="a", status="failed", error="flagged"), Accepted),
    (
        200,
        body("bad", 400, id="a", status="created"),
        Accepted,
    ),  # an id can be looked up; paying twice cannot be undone
    (200, body("insufficient credits", 1407, id="a"), Accepted),
    (200, body("bad", 400), Rejected),
    (200, body("bad", 1401), Rejected),
    (200, body("moderated", 1200), Rejected),
    (200, body("failed", 1403), Lost),
    (200, body("key", 401), KeyRefused),
    (200, body("slow down", 429), Throttled),
    (200, body("no money", 1407), NoCredit),
    (200, body("oops", 500), Lost),
    (200, body("moved", 302), Lost),
    (200, body("success", 200), Lost),
    (200, body(id="a/../b"), Lost),
    (200, UNREADABLE, Lost),
    (204, UNREADABLE, Lost),
    (301, UNREADABLE, Lost),
    (302, body(id="a"), Lost),
    (307, UNREADABLE, Lost),
    (308, UNREADABLE, Lost),
    (400, body("bad", 400), Rejected),
    (400, UNREADABLE, Rejected),
    (400, body("Insufficient credits. Please top up.", 400), NoCredit),
    (400, body("INSUFFICIENT CREDITS, top up to continue", 400), NoCredit),
    (400, body("x", 1407), NoCredit),
    (400, Body(readable=True, code=400, message="x", data={"code": 1407}), NoCredit),
    (401, body("bad key"), KeyRefused),
    (402, UNREADABLE, NoCredit),
    (402, body("pay", 402, status="failed", id="a"), NoCredit),
    (403, body("role X may not"), KeyRefused),
    (403, UNREADABLE, KeyRefused),
    (404, body("no such model"), Rejected),
    (404, UNREADABLE, Rejected),
    (405, UNREADABLE, Rejected),
    (408, body("timeout"), Lost),
    (409, body("conflict"), Rejected),
    (413, UNREADABLE, Rejected),
    (422, body("bad"), Rejected),
    (425, UNREADABLE, Lost),
    (429, UNREADABLE, Throttled),
    (499, UNREADABLE, Lost),
    (500, body("insufficient credits", 500), Lost),  # a 5xx proves nothing, whatever it says
    (502, UNREADABLE, Lost),
    (503, body("down"), Lost),
    (504, UNREADABLE, Lost),
    (599, UNREADABLE, Lost),
]


@pytest.mark.parametrize(("status", "said", "expected"), SUBMITS)
def test_a_submit_is_classified_by_the_table(status, said, expected):
    assert type(classify_submit(Reply(status, said))) is expected


@given(st.integers(100, 999))
def test_only_statuses_of_the_table_prove_that_nothing_was_created(status):
    outcome = classify_submit(Reply(status, UNREADABLE))
    if status not in STATUS_MEANINGS:
        assert isinstance(outcome, Lost)


def test_every_listed_status_is_a_refusal_in_the_4xx_range():
    assert all(400 <= status < 500 for status in STATUS_MEANINGS)
    assert {Meaning.DONE, Meaning.LOST}.isdisjoint(STATUS_MEANINGS.values())
    assert meaning_of(200) is Meaning.DONE


RESULTS = [
    (200, body(id="p1", status="processing"), Prediction),
    (200, body(status="completed"), Prediction),
    (200, body("bad", 500, id="p1", status="failed"), Prediction),
    (200, body(id="p2", status="completed"), Lost),  # somebody else's
    (200, body("not found", 404), Missing),
    (200, UNREADABLE, Lost),
    (400, body("bad"), Rejected),
    (401, body("key"), KeyRefused),
    (402, body("pay"), Lost),
    (404, body("not found"), Missing),
    (404, UNREADABLE, Lost),
    (429, body("slow"), Throttled),
    (307, UNREADABLE, Lost),
    (500, body("x"), Lost),
    (504, UNREADABLE, Lost),
]


@pytest.mark.parametrize(("status", "said", "expected"), RESULTS)
def test_a_result_is_classified_by_the_table(status, said, expected):
    assert type(classify_result(Reply(status, said), "p1")) is expected


def test_a_rejection_carries_the_application_code_and_what_was_said():
    assert classify_submit(Reply(400, body("prompt is required", 1400))) == Rejected(
        "HTTP 400: prompt is required", 400, 1400
    )


@pytest.mark.parametrize("kind", NOTHING_SENT)
def test_a_connect_phase_error_sent_nothing(kind):
    assert isinstance(classify_error(kind("refused")), NotSent)


def all_transport_errors() -> list[type[httpx.TransportError]]:
    found: list[type[httpx.TransportError]] = []
    queue = [httpx.TransportError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", [k for k in all_transport_errors() if not issubclass(k, NOTHING_SENT)])
def test_every_other_transport_error_is_lost(kind):
    assert isinstance(classify_error(kind("x")), Lost)


def test_running_out_of_time_is_lost():
    assert isinstance(classify_error(TimeoutError()), Lost)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-1", None),
        ("1000000000", 3600.0),
        ("9" * 400, None),
        ("soon", None),
        ("١٢", None),
        ("nan", None),
        ("inf", None),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("Tue, 14 Nov 2033 22:00:00 GMT", 3600.0),
        ("Tue, 99 Nov 2023 22:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_an_hour(text, seconds):
    assert parse_retry_after(text, NOW_MS) == seconds


@given(st.text(max_size=60))
def test_retry_after_never_raises_and_stays_in_range(text):
    seconds = parse_retry_after(text, NOW_MS)
    assert seconds is None or 0 <= seconds <= 3600
