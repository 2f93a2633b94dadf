"""What refusals and failures mean for a job."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.taxonomy import MENDED_BY_RETRY, Disposition, PaidReason, Reason
from orchestrator.provider.failure_texts import FAMILIES, OUTAGES, normalized, reason_in
from orchestrator.provider.verdicts import (
    ENDED,
    FAILED_CODES,
    GENERAL_CODES,
    REJECTIONS,
    STATUS_WORDS,
    disposition,
    read_status,
    rejection,
)

FAILED = [
    (1200, False, "moderated"),
    (1301, False, "moderated"),
    (1400, False, "bad_input"),
    (1401, False, "bad_input"),
    (1402, False, "input_unreachable"),
    (1403, True, "provider_error"),
    (1405, True, "provider_error"),
    (1406, True, "provider_error"),
    (1407, True, "no_credit"),
    (5000, True, "provider_error"),
    (5003, True, "provider_error"),
    (5004, True, "provider_timeout"),
    (0, True, "provider_error"),
    (9999, True, "provider_error"),
    (None, True, "provider_error"),
]


@pytest.mark.parametrize(("code", "retry", "reason"), FAILED)
def test_a_failed_task_is_judged_by_its_code(code, retry, reason):
    found = disposition("failed", code, "it broke")
    assert found == Disposition(retry, reason, "it broke", fresh_upload_helps=code == 1402)


def test_every_code_of_the_table_has_a_case_here():
    assert set(FAILED_CODES) <= {code for code, _, _ in FAILED}


@pytest.mark.parametrize(
    ("status", "retry", "reason"),
    [
        ("timeout", True, "provider_timeout"),
        ("cancelled", False, "cancelled_by_provider"),
        ("deleted", False, "deleted_at_provider"),
    ],
)
def test_other_final_statuses_decide_before_any_code(status, retry, reason):
    found = disposition(status, 1200, "")
    assert (found.retry, found.reason) == (retry, reason)
    assert found.message == ENDED[status][2]


@pytest.mark.parametrize(
    "text",
    [
        "Content flagged as potentially sensitive. Please try different prompts or images",
        "content FLAGGED as potentially sensitive. Please try different prompts or images.",
        "The input may contain sensitive information",
        "Failure to pass the risk control system",
        "failure to pass the risk-control system!",
        "NSFW content detected",
        "Your request was rejected by the safety system: content policy violation",
        "rejected: content_policy_violation",
        "upstream error, code: 1301, message: triggered the content security policy",
    ],
)
@pytest.mark.parametrize("code", [None, 0, *sorted(GENERAL_CODES)])
def test_moderation_is_recognized_by_its_text_when_the_code_says_no_more_than_failed(text, code):
    found = disposition("failed", code, text)
    assert (found.retry, found.reason) == (False, Reason.MODERATED)
    assert rejection(400, code if code != 1405 else None, text).reason in {
        Reason.MODERATED,
        Reason.PROVIDER_ERROR,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Image dimensions must be at least 300px", "bad_input"),
        ("image dimensions MUST be between 300 and 4096", "bad_input"),
        ("the aspect ratio of the image must lie between 1:2.5 and 2.5:1", "bad_input"),
        ("Unsupported image format: image/tiff", "bad_input"),
        ("Failed to download image from url", "input_unreachable"),
        ("Failed to download image from URL: connection timeout", "input_unreachable"),
        ("failed to fetch input media: https://x/1.png", "input_unreachable"),
    ],
)
@pytest.mark.parametrize("code", [None, 0, 9999, *sorted(GENERAL_CODES)])
def test_a_refused_input_is_recognized_by_its_text_and_is_never_sent_again(text, reason, code):
    found = disposition("failed", code, text)
    assert (found.reason, found.retried(sends_only_uploads=True)) == (reason, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Task execution failed.",
        "Internal error: upstream returned HTTP 500.",
        "Service unavailable, please retry later.",
        "Something went wrong while generating the image. Please try again.",
        "GPU worker lost its connection",
        "Failed to upload result image",
        "failed to save output",
        "content moderation service unavailable",
        "the safety system timed out",
        "Uncontrolled risk: controller restarted",
        "code 13010",
        "policy engine internal error",
    ],
)
@pytest.mark.parametrize("code", [None, *sorted(GENERAL_CODES)])
def test_a_failure_of_the_provider_itself_is_tried_again_whatever_it_says(text, code):
    assert disposition("failed", code, text).retry


PHRASES = [(family.reason, phrase) for family in FAMILIES for phrase in family.phrases]


@given(
    st.sampled_from(PHRASES),
    st.lists(st.sampled_from(["the", "request", "was", "rejected", "HTTP 400"]), max_size=4),
    st.sampled_from([" ", "_", " - ", "... ", "\n", ' "', "/"]),
    st.booleans(),
)
def test_a_phrase_is_found_whatever_stands_around_it_and_however_it_is_written(chosen, around, gap, loud):
    reason, phrase = chosen
    text = gap.join([*around, *phrase.split(), *around])
    assert reason_in(text.upper() if loud else text) == reason


@given(st.permutations(FAMILIES), st.lists(st.sampled_from(PHRASES), min_size=1, max_size=3))
def test_the_order_of_the_families_decides_nothing(families, chosen):
    text = ", ".join(phrase for _, phrase in chosen)
    assert reason_in(text, tuple(families)) == reason_in(text)


def test_every_phrase_is_written_as_texts_are_read():
    for phrase in (*(phrase for _, phrase in PHRASES), *OUTAGES):
        assert normalized(phrase) == f" {phrase} "


@pytest.mark.parametrize(
    ("word", "retry", "reason"),
    [
        ("nsfw", False, "moderated"),
        ("NSFW", False, "moderated"),
        ("error", True, "provider_error"),
        ("canceled", False, "cancelled_by_provider"),
        ("Cancelled", False, "cancelled_by_provider"),
    ],
)
def test_a_status_word_of_another_house_ends_a_task_with_its_reason(word, retry, reason):
    found = disposition(word, None, "")
    assert (found.retry, found.reason) == (retry, reason)


def test_only_a_known_word_says_whether_a_task_goes_on():
    assert read_status("warming_up") is None
    assert all(read_status(f" {word.upper()} ") is status for word, status in STATUS_WORDS.items())


def test_a_retry_mends_what_the_provider_or_chance_broke_and_never_what_was_asked_for():
    hopeless = {Reason.MODERATED, Reason.BAD_INPUT, Reason.INPUT_UNREACHABLE, Reason.MODEL_UNKNOWN}
    assert not hopeless & MENDED_BY_RETRY
    assert set(PaidReason) < MENDED_BY_RETRY


def test_the_code_outranks_the_text():
    assert disposition("failed", 5000, "sensitive information").retry


def test_an_input_that_cannot_be_fetched_is_worth_another_try_only_when_we_hosted_it():
    found = disposition("failed", 1402, "")
    assert not found.retried(sends_only_uploads=False)
    assert found.retried(sends_only_uploads=True)


@pytest.mark.parametrize(
    ("http_status", "code", "reason"),
    [
        (400, None, "bad_input"),
        (404, None, "model_unknown"),
        (409, None, "bad_input"),
        (413, None, "bad_input"),
        (422, None, "bad_input"),
        (415, None, "bad_input"),
        (400, 1200, "moderated"),
        (400, 400, "bad_input"),
        (400, 1402, "input_unreachable"),
    ],
)
def test_a_refused_submit_is_never_tried_again(http_status, code, reason):
    found = rejection(http_status, code, "")
    assert (found.retry, found.reason) == (False, reason)
    assert found.message


@given(st.text(max_size=30), st.none() | st.integers(), st.text())
def test_every_disposition_has_a_reason_of_the_list_and_one_short_line(status, code, text):
    for found in (disposition(status, code, text), rejection(400, code, text)):
        assert found.reason in set(Reason)
        assert 0 < len(found.message) <= 500
        assert "\n" not in found.message


def test_the_documentation_has_a_row_for_every_code_status_and_reason():
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    rows = "\n".join(line for line in page.splitlines() if line.startswith("|"))
    for word in (*FAILED_CODES, *ENDED, *REJECTIONS, *Reason):
        assert re.search(rf"\b{word}\b", rows), f"docs/errors.md has no row with {word}"
