"""A delivery is believed when it was signed just now with a secret in force, and in no other case."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.webhooks import Refusal, WebhookReport, callback_url, read_report, refusal, signature
from orchestrator.settings.urls import webhook_url_problem

SECRET = "whsec_abc123"
BODY = b'{"hello":"world"}'
NOW = 1_700_000_000
VECTOR = "v3,760912b8cb4baa4a7348a1850ef5d61b7bbe186b5de12a5493b02cac50b1c0ac"
OTHER = "v3," + "0" * 64


def headers(**changed):
    given = {"webhook-id": "evt_1", "webhook-timestamp": str(NOW), "webhook-signature": VECTOR}
    return list((given | {name.replace("_", "-"): value for name, value in changed.items()}).items())


def judged(pairs=None, body=BODY, secrets=(SECRET,), now=NOW):
    return refusal(headers() if pairs is None else pairs, body, secrets, now_seconds=now)


def without(name):
    return [pair for pair in headers() if pair[0] != name]


def test_the_signature_is_the_known_vector():
    assert signature(secret=SECRET, webhook_id="evt_1", timestamp=str(NOW), body=BODY) == VECTOR


def test_a_valid_delivery_is_believed():
    assert judged() is None


def test_one_valid_signature_among_several_is_enough():
    assert judged(headers(webhook_signature=f"v1,c2lnbmF0dXJl {OTHER} {VECTOR}")) is None


def test_header_names_are_read_in_any_case():
    assert judged([(name.title(), value) for name, value in headers()]) is None


def test_a_secret_is_taken_with_or_without_its_prefix_and_never_decoded():
    assert judged(secrets=("abc123",)) is None
    assert judged(secrets=("whsec_YWJjMTIz",)) is Refusal.SIGNATURE


def test_two_secrets_are_in_force_while_one_replaces_the_other():
    assert judged(secrets=("whsec_new", SECRET)) is None
    assert judged(secrets=(SECRET, "whsec_new")) is None
    assert judged(secrets=("whsec_new",)) is Refusal.SIGNATURE


def test_without_a_secret_nothing_is_believed():
    assert judged(secrets=()) is Refusal.SIGNATURE


@pytest.mark.parametrize("body", [b'{"hello":"World"}', BODY + b"\n", b'{"hello": "world"}', b""])
def test_a_body_that_was_changed_by_one_byte_is_refused(body):
    assert judged(body=body) is Refusal.SIGNATURE


def test_a_trailing_newline_that_was_signed_is_part_of_the_body():
    signed = signature(secret=SECRET, webhook_id="evt_1", timestamp=str(NOW), body=BODY + b"\n")
    assert judged(headers(webhook_signature=signed), BODY + b"\n") is None


@pytest.mark.parametrize("changed", [{"webhook_id": "evt_2"}, {"webhook_timestamp": str(NOW + 1)}])
def test_id_and_time_are_signed_too(changed):
    assert judged(headers(**changed)) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    ("away", "expected"), [(300, None), (-300, None), (301, Refusal.TIME), (-301, Refusal.TIME)]
)
def test_a_delivery_that_is_too_old_or_from_the_future_is_refused(away, expected):
    assert judged(now=NOW + away) is expected


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_or_repeated_header_is_refused(name):
    assert judged(without(name)) is Refusal.HEADERS
    assert judged([*headers(), next(pair for pair in headers() if pair[0] == name)]) is Refusal.HEADERS


@pytest.mark.parametrize("value", ["", "-1", "1e9", "٠", " 1700000000", "9" * 13, "now"])
def test_a_time_that_is_no_number_is_refused(value):
    assert judged(headers(webhook_timestamp=value)) is Refusal.HEADERS


@pytest.mark.parametrize("value", ["", "a b", "é", "x" * 257])
def test_an_id_that_is_no_word_is_refused(value):
    assert judged(headers(webhook_id=value)) is Refusal.HEADERS


@pytest.mark.parametrize(
    "value",
    [
        VECTOR.removeprefix("v3,"),
        VECTOR.replace("v3", "v1"),
        VECTOR.replace("v3", "V3"),
        "v3," + VECTOR[3:].upper(),
        VECTOR + "0",
        VECTOR[:-1],
        VECTOR.replace(",", "="),
        "v3,",
        "",
    ],
)
def test_no_other_scheme_or_spelling_is_accepted(value):
    assert judged(headers(webhook_signature=value)) is Refusal.SIGNATURE


def test_a_report_is_the_id_and_the_status():
    assert read_report(b'{"id":"a1","status":"completed","outputs":["https://x"]}') == WebhookReport(
        "a1", "completed"
    )
    assert read_report(b'{"id":"a1","status":"<b>"}') == WebhookReport("a1", "unknown")
    assert read_report(b'{"id":"a1"}') == WebhookReport("a1", "unknown")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'{"data":{"id":"a1"}}',
        b'{"id":1}',
        b'{"id":""}',
        b'{"id":"../x"}',
        b'{"id":"a b"}',
        b'{"id":"' + b"a" * 129 + b'"}',
        b'{"id":"a","n":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
)
def test_what_is_no_prediction_is_no_report(body):
    assert read_report(body) is None


def test_without_a_url_there_is_no_webhook():
    assert callback_url(None, "t") is None


HOSTS = st.sampled_from(["hooks.example.com", "a.b:8443", "[2001:db8::1]"])
PATHS = st.text("abcXYZ019/._~-", min_size=1, max_size=30)


@given(host=HOSTS, path=PATHS, token=st.text(min_size=1, max_size=60))
def test_the_url_leads_to_the_configured_place_and_carries_the_token_and_nothing_else(host, path, token):
    url = f"https://{host}/{path}"
    assert webhook_url_problem(url) is None
    made = callback_url(url, token)
    parts, base = urlsplit(made), urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", host, base.path, "")
    assert parse_qs(parts.query, strict_parsing=True) == {"token": [token]}
    assert made.isascii()


@given(one=st.text(max_size=20), other=st.text(max_size=20))
def test_different_tokens_make_different_urls(one, other):
    url = "https://hooks.example.com/x"
    assert (callback_url(url, one) == callback_url(url, other)) == (one == other)
