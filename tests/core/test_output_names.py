"""The names of outputs whose planned name is taken, and the indices of outputs kept from earlier attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.paths import (
    EARLIER_INDEX,
    PART_BYTES_MAX,
    index_and_attempt,
    kept_index,
    name_of_extra_output,
    name_of_later_job,
    name_of_retry,
    places_of_download,
)
from orchestrator.manifest.expanding.outputs import path_problem

STEMS = st.text("ab\u00e9\u6f22-~.", min_size=1, max_size=230).filter(lambda stem: stem[0] != ".")
FOLDERS = st.lists(st.text("xy\u00e9-", min_size=1, max_size=120), max_size=3)
PATHS = st.builds(
    lambda folders, stem, extension: "/".join([*folders, stem + extension]),
    FOLDERS,
    STEMS,
    st.sampled_from([".png", ".jpg", ".webp"]),
).filter(lambda path: path_problem(path) is None)
IDS = st.integers(1, 10**12)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (name_of_later_job("a/b.png", run_key="main", job_key="00" * 16), "a/b~4e1a2019.png"),
        (name_of_retry("a/b.png", job_id=7, attempt=2), "a/b~retry-7-2.png"),
        (name_of_extra_output("a/b.png", job_id=7, index=3), "a/b~extra-7-3.png"),
        (name_of_extra_output("a/.superseded/b~7.png", job_id=7, index=3), "a/b~7~extra-7-3.png"),
        (places_of_download("a/b.png", job_id=7), ("a/b.png", "a/b~7.png", "a~b~7.png")),
        (places_of_download("b.png", job_id=7), ("b.png", "b~7.png", "b~7.png")),
    ],
)
def test_a_taken_name_gets_a_tag_before_its_extension(named, expected):
    assert named == expected


def names(path, job_id):
    return [
        name_of_later_job(path, run_key="main", job_key=f"{job_id:032x}"),
        name_of_retry(path, job_id=job_id, attempt=3),
        name_of_extra_output(path, job_id=job_id, index=5),
        *places_of_download(path, job_id=job_id)[1:],
    ]


@given(PATHS, IDS)
def test_a_given_name_is_one_that_a_manifest_might_have_asked_for_and_keeps_the_extension(path, job_id):
    for named in names(path, job_id):
        assert named != path
        assert named.rpartition(".")[2] == path.rpartition(".")[2]
        assert max(len(part.encode()) for part in named.split("/")) <= PART_BYTES_MAX


@given(PATHS, IDS, IDS)
def test_two_jobs_never_get_one_name(path, first, second):
    if first != second:
        assert not set(names(path, first)) & set(names(path, second))


@given(PATHS, PATHS, IDS)
def test_two_outputs_of_one_job_never_get_one_name_beside_their_own(first, second, job_id):
    if first != second:
        assert not set(names(first, job_id)[:4]) & set(names(second, job_id)[:4])


def test_outputs_whose_long_names_differ_at_the_end_alone_still_differ_when_they_are_shortened():
    first, second = (f"{'n' * 234}-{index}.png" for index in (1, 2))
    for one, other in zip(names(first, 123_456_789), names(second, 123_456_789), strict=True):
        assert one != other


@given(st.integers(0, EARLIER_INDEX - 1), st.integers(1, 10_000))
def test_an_index_kept_from_an_earlier_attempt_says_both_numbers_and_is_nobody_elses(index, attempt):
    kept = kept_index(index, attempt=attempt)
    assert kept >= EARLIER_INDEX
    assert index_and_attempt(kept) == (index, attempt)
    assert index_and_attempt(index) == (index, None)
