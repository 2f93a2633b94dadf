"""What the answers of a host tell of a picture, and when two of them are of different ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.core import url_inputs
from orchestrator.core.url_inputs import GONE, SILENT, UNSTEADY, UNTOLD, differs, is_known, validator

NOON = "Sat, 28 Nov 2026 12:00:00 GMT"
LATER = "Sat, 28 Nov 2026 13:00:00 GMT"
AT_NOON = "1795867200"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"a"'}, '"a" - -'),
        ({"etag": 'W/"a"', "content-length": "7"}, '"a" 7 -'),
        ({"last-modified": NOON, "content-length": "7"}, f"- 7 {AT_NOON}"),
        ({"etag": '"a"', "last-modified": NOON, "content-length": "7", "date": LATER}, f'"a" 7 {AT_NOON}'),
        ({"etag": '"a"', "content-range": "bytes 0-0/77", "content-length": "1"}, '"a" 77 -'),
        ({"last-modified": NOON}, UNTOLD),
        ({"content-length": "7"}, UNTOLD),
        ({"last-modified": "yesterday", "content-length": "7"}, UNTOLD),
        ({"last-modified": NOON, "content-length": "-7"}, UNTOLD),
        ({"last-modified": NOON, "content-length": "7", "date": NOON}, UNTOLD),  # made up for the answer
        ({"etag": '""'}, UNTOLD),
        ({"etag": "W/"}, UNTOLD),
        ({"etag": "-"}, UNTOLD),
        ({}, UNTOLD),
    ],
)
def test_headers_tell_an_etag_or_length_and_time_together_or_nothing(headers, expected):
    assert validator(headers) == expected


@pytest.mark.parametrize("tag", ['"with space"', '"' + "a" * 5_000 + '"', '"\x00"', '"é"'])
def test_a_tag_that_is_not_to_be_kept_as_it_is_is_kept_as_a_digest(tag):
    found = validator({"etag": tag})
    assert found.startswith("sha256:")
    assert len(found) < 80
    assert found != validator({"etag": tag + "x"})


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ('"a" - -', '"b" - -', True),
        ('"a" - -', '"a" - -', False),
        ('"a" 7 1', '"b" 8 2', True),
        ('"a" 7 1', '"b" 7 2', True),
        ('"a" 7 1', '"b" 7 1', False),  # two machines of one address, each with its own tags
        ('"a" 7 1', '"a" 8 2', False),  # deployed anew: the tag says that it is the same
        ("- 7 1", "- 7 2", True),
        ("- 7 1", "- 8 1", True),
        ("- 7 1", "- 7 1", False),
        ('"a" 7 1', "- 8 2", True),
        ('"a" - -', "- 8 2", False),  # nothing in common to compare
        *((mark, '"a" - -', False) for mark in (UNTOLD, SILENT, UNSTEADY, GONE)),
        *(('"a" - -', mark, False) for mark in (UNTOLD, SILENT, UNSTEADY, GONE)),
        ("of another release than this", '"a" - -', False),
    ],
)
def test_only_what_both_answers_tell_says_that_it_is_another_picture(before, now, expected):
    assert differs(before, now) is expected


ANSWERS = some.dictionaries(
    some.sampled_from(["etag", "last-modified", "content-length", "content-range", "date"]),
    some.sampled_from([NOON, LATER, "7", "8", '"a"', 'W/"b"', "bytes 0-0/9"])
    | some.text('"W/-ab ', max_size=6),
).map(validator)


@given(ANSWERS, ANSWERS)
def test_an_answer_never_differs_from_itself_nor_more_one_way_than_the_other(first, second):
    assert not differs(first, first)
    assert differs(first, second) is differs(second, first)
    assert len(first.split(" ")) == (3 if is_known(first) else 1)


def test_only_what_is_known_is_kept_for_later_nights():
    seen = {"a": '"a" - -', "b": UNTOLD, "c": GONE, "d": SILENT, "e": UNSTEADY}
    assert url_inputs.recorded(seen) == {"a": '"a" - -'}
    assert url_inputs.other_urls({"a": '"b" - -', "b": '"b" - -'}, seen) == ["a"]
