"""The provider's bytes: the shapes that are read, and the ones that are refused without raising."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.taxonomy import Disposition
from orchestrator.ports import Prediction, Status
from orchestrator.provider.wire import (
    BODY_BYTES_MAX,
    UNREADABLE,
    Body,
    decoded,
    read_body,
    read_prediction,
    usable_id,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "status", "outputs", "has_nsfw_contents", "error", "code", "timings", "inference"]
            )
            | st.text(max_size=8),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"code":200,"message":"success","data":{"x":1}}',
         Body(readable=True, code=200, message="success", data={"x": 1})),
        ('{"error":"webhook callback does not support base64"}',
         Body(True, None, "webhook callback does not support base64")),
        ('{"message":"role","error_code":40301}', Body(True, 40301, "role")),
        ('{"detail":"nope"}', Body(True, None, "nope")),
        ('{"detail":[{"msg":"a"},{"msg":"b"}]}', Body(True, None, "a; b")),
        ('{"errors":["a",{"message":"b"}]}', Body(True, None, "a; b")),
        ('{"error":{"message":"deep"}}', Body(True, None, "deep")),
        ('{"id":"p","status":"created"}',
         Body(readable=True, code=None, message="", data={"id": "p", "status": "created"})),
        ("", UNREADABLE),
        ("<html>", UNREADABLE),
        ("[]", UNREADABLE),
        ('"text"', UNREADABLE),
        ('{"data":NaN}', UNREADABLE),
        ('{"data":Infinity}', UNREADABLE),
        ('{"data":1,"data":2}', UNREADABLE),
        ('{"data":{"id":"a","id":"b"}}', UNREADABLE),
        ('{"data":', UNREADABLE),
        ("[" * 100_000, UNREADABLE),
        ('{"a":' * 100_000, UNREADABLE),
        ('{"data":' + "9" * 5000 + "}", UNREADABLE),
        ('{"code":' + "9" * 400 + "}", Body(True)),
        ('{"code":true,"message":17}', Body(True, None, "17")),
    ],
)  # fmt: skip
def test_a_body_is_read_in_any_of_its_shapes_or_not_at_all(raw, expected):
    assert read_body(raw.encode()) == expected


def test_a_body_beyond_the_limit_or_not_utf8_is_unreadable():
    assert read_body(b'{"a":"' + b"x" * BODY_BYTES_MAX + b'"}') is UNREADABLE
    assert read_body(b'{"a":"\xff"}') is UNREADABLE


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_reading_never_raises(raw):
    found = read_body(raw)
    prediction = read_prediction(found.data, fallback_id="p")
    assert prediction is None or usable_id(prediction.id)
    assert found == read_body(raw) or found.readable


@given(JSON)
def test_a_prediction_from_any_value_has_one_flag_an_output_and_printable_text(value):
    names = ("status", "outputs", "has_nsfw_contents", "error", "timings")
    prediction = read_prediction({"id": "p"} | dict.fromkeys(names, value))
    assert prediction is not None
    assert len(prediction.nsfw) == len(prediction.outputs)
    assert prediction.error.isprintable()
    assert len(prediction.error) <= 500


def test_a_whole_prediction_is_read():
    found = read_prediction(
        {
            "id": "pred_1-A",
            "model": "kwaivgi/kling-image-o3/edit",
            "status": "completed",
            "outputs": ["https://x/1.png", {"url": "https://x/2.png"}],
            "has_nsfw_contents": [False, True],
            "error": "",
            "created_at": "2025-09-24T10:11:12.345678901Z",
            "timings": {"inference": 5123.6},
            "input": {"prompt": "p"},
            "code": 0,
        }
    )
    assert found == Prediction(
        id="pred_1-A",
        status=Status.COMPLETED,
        status_text="completed",
        outputs=("https://x/1.png", "https://x/2.png"),
        nsfw=(False, True),
        code=0,
        inference_ms=5124,
        created_at_ms=1_758_708_672_345,
        model="kwaivgi/kling-image-o3/edit",
        inputs={"prompt": "p"},
    )


@pytest.mark.parametrize("bad", [None, 7, "", "../x", "a/b", "a b", "a" * 129, "ä", "a\n", ["a"], {"id": 1}])
def test_an_id_that_could_not_stand_in_a_path_is_no_id(bad):
    assert usable_id(bad) is None
    assert read_prediction({"id": bad, "status": "created"}) is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("created", Status.RUNNING),
        ("processing", Status.RUNNING),
        ("pending", Status.RUNNING),
        ("quantum", Status.RUNNING),
        ("", Status.RUNNING),
        ("succeeded", Status.COMPLETED),
        ("SUCCESS", Status.COMPLETED),
        ("error", Status.FAILED),
        ("nsfw", Status.FAILED),
        (None, Status.RUNNING),
        (7, Status.RUNNING),
        ("completed", Status.COMPLETED),
        ("Completed ", Status.COMPLETED),
        ("failed", Status.FAILED),
        ("cancelled", Status.CANCELLED),
        ("canceled", Status.CANCELLED),
        ("timeout", Status.TIMEOUT),
        ("deleted", Status.DELETED),
    ],
)
def test_a_word_that_is_not_known_to_be_final_keeps_polling(word, status):
    found = read_prediction({"id": "a", "status": word})
    assert found is not None
    assert found.status is status


@pytest.mark.parametrize(("word", "told"), [("quantum", '"quantum"'), ("", "no status"), (None, "no status")])
def test_a_status_that_is_no_known_word_is_said_to_be_odd(word, told):
    found = read_prediction({"id": "a", "status": word})
    assert found is not None
    assert told in found.oddity
    assert found.failure is None


def test_a_failed_task_comes_with_what_it_means_in_our_words():
    found = read_prediction({"id": "a", "status": "nsfw", "error": "NSFW content detected"})
    assert found is not None
    assert found.failure == Disposition(retry=False, reason="moderated", message="NSFW content detected")


def test_an_error_text_does_not_make_a_running_task_fail():
    found = read_prediction({"id": "a", "status": "processing", "code": 5004, "error": "Sync mode timed out"})
    assert found is not None
    assert (found.status, found.code, found.error) == (Status.RUNNING, 5004, "Sync mode timed out")


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (None, ()),
        ([], ()),
        ("https://x", ("https://x",)),
        ([{"url": "a"}, {"nothing": 1}, 7, None, " b "], ("a", "", "", "", "b")),
        (["x" * 9000], ("",)),
    ],
)
def test_an_output_without_a_url_keeps_its_place(outputs, expected):
    found = read_prediction({"id": "a", "outputs": outputs})
    assert found is not None
    assert found.outputs == expected


@pytest.mark.parametrize(
    ("data", "milliseconds"),
    [
        ({"timings": {"inference": 12}}, 12),
        ({"executionTime": 7.5}, 8),
        ({"execution_time": 9}, 9),
        ({"timings": {"inference": None}, "executionTime": 3}, 3),
        ({"timings": {"inference": -1}}, None),
        ({"timings": {"inference": 1e300}}, None),
        ({"timings": {"inference": 10**400}}, None),
        ({"timings": {"inference": float("inf")}}, None),
        ({"timings": {"inference": True}}, None),
        ({"timings": "x"}, None),
    ],
)
def test_inference_time_is_taken_from_either_field(data, milliseconds):
    found = read_prediction({"id": "a", **data})
    assert found is not None
    assert found.inference_ms == milliseconds


def test_an_unknown_or_broken_coding_is_not_guessed():
    assert decoded(b"x", " Identity ") == b"x"
    assert decoded(b"x", "br") is None
    assert decoded(b"x", "gzip, gzip") is None
    assert decoded(b"x", "gzip") is None
