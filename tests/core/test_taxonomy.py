"""What refusals and failures mean for a job."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.taxonomy import (
    FAILED_CODES,
    REJECTIONS,
    STATUSES,
    Disposition,
    Reason,
    disposition,
    rejection,
)

FAILED = [
    (1200, False, "moderated"),
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
    assert found == Disposition(retry, reason, "it broke")


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
    assert found.message == STATUSES[status][2]


@pytest.mark.parametrize(
    "text",
    [
        "Content flagged as potentially sensitive. Please try different prompts or images",
        "content FLAGGED as potentially sensitive. Please try different prompts or images.",
        "The input may contain sensitive information",
    ],
)
def test_moderation_is_recognized_by_its_text_when_the_code_is_missing(text):
    found = disposition("failed", None, text)
    assert (found.retry, found.reason) == (False, Reason.MODERATED)


def test_the_code_outranks_the_text():
    assert disposition("failed", 5000, "sensitive information").retry


def test_an_input_that_cannot_be_fetched_is_worth_another_try_only_when_we_hosted_it():
    assert not disposition("failed", 1402, "").retry
    assert disposition("failed", 1402, "", input_was_our_upload=True).retry


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
    for word in (*FAILED_CODES, *STATUSES, *REJECTIONS, *Reason):
        assert re.search(rf"\b{word}\b", rows), f"docs/errors.md has no row with {word}"
