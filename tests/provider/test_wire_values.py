"""Times, texts, numbers and money as the provider writes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.provider.wire import (
    UnreadableError,
    integer,
    loads,
    read_time_ms,
    text_of,
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01T00:00:00.0019Z", 1),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T19:00:00-0500", 0),
        ("1970-01-01 00:00:00", 0),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200_000),
        ("2025-02-30T00:00:00Z", None),
        ("yesterday", None),
        (17, None),
        (None, None),
        ("", None),
    ],
)
def test_times_are_rfc_3339_with_any_fraction(text, milliseconds):
    assert read_time_ms(text) == milliseconds


@given(st.text(alphabet="0123456789-:TZ+. ٣", max_size=30))
def test_reading_a_time_never_raises(text):
    assert read_time_ms(text) is None or isinstance(read_time_ms(text), int)


def test_text_is_one_printable_line():
    assert text_of("a\x1b[31m\r\n\ud800b\u202e") == "a [31m b"
    assert text_of("x" * 10_000) == "x" * 500
    assert text_of({"unknown": 1}) == ""


def test_integers_are_never_bools_or_fractions():
    assert [integer(v) for v in (5, "5", True, 5.0, "x", None, 10**12)] == [
        5,
        5,
        None,
        None,
        None,
        None,
        None,
    ]


def test_money_is_read_exactly_and_an_absurd_exponent_does_not_raise():
    assert loads(b'{"a":0.1}', exact=True) == {"a": Decimal("0.1")}
    with pytest.raises(UnreadableError):
        loads(b'{"a":1e99999999999999999999}', exact=True)
