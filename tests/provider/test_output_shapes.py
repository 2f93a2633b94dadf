"""Outputs and their flags: what is read in any shape, and what is described instead of guessed at."""

import pytest

from orchestrator.provider.wire import read_prediction

URL = "https://x.example/1.png"


@pytest.mark.parametrize(
    "outputs",
    [
        [URL],
        [[URL]],
        URL,
        {"url": URL},
        [{"image": {"url": URL}}],
        {"images": [URL]},
        {"images": [{"url": URL, "width": 512}], "seed": 7},
        [{"url": URL, "thumbnail_url": "https://x.example/small.png"}],
        {"image_url": URL},
    ],
)
def test_an_output_is_read_in_any_shape_that_leaves_no_choice(outputs):
    found = read_prediction({"id": "a", "status": "completed", "outputs": outputs})
    assert found is not None
    assert (found.outputs, found.oddity) == ((URL,), "")


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([{"hate": False, "sexual": False}], "no URL (hate, sexual)"),
        ([{"a": URL, "b": "https://x.example/2.png"}], "several URLs (a, b)"),
        ([None], "output 0 is null"),
        (["x" * 9000], "a text of 9,000 characters that is no URL"),
        (17, "outputs is a int"),
    ],
)
def test_a_shape_that_leaves_a_choice_is_described_and_not_guessed_at(outputs, words):
    found = read_prediction({"id": "a", "status": "completed", "outputs": outputs})
    assert found is not None
    assert not any(found.outputs)
    assert words in found.oddity


def test_several_outputs_in_one_inner_list_keep_their_order_and_their_flags():
    found = read_prediction({"id": "a", "outputs": [["u", "v"], "w"], "has_nsfw_contents": [0, 1, "no"]})
    assert found is not None
    assert (found.outputs, found.nsfw) == (("u", "v", "w"), (False, True, False))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (None, (None, None)),
        ([], (None, None)),
        ([True], (True, None)),
        ([False, True, True], (False, True)),
        (["true", 1], (True, True)),
        (["False", 0], (False, False)),
        ([{"sexual": True}, {"sexual": False, "hate": None}], (True, False)),
        ([0.93, [False, "yes"]], (True, True)),
        ({"sexual": "true"}, (True, True)),
        (True, (True, True)),
        ({}, (None, None)),
    ],
)
def test_flags_are_padded_with_unknown_and_cut_to_the_outputs(flags, expected):
    found = read_prediction({"id": "a", "outputs": ["u", "v"], "has_nsfw_contents": flags})
    assert found is not None
    assert found.nsfw == expected


@pytest.mark.parametrize(
    ("flags", "unclear"),
    [
        (None, set()),
        ([None, True], set()),
        (["perhaps", True], {0}),
        ([{}, {"sexual": "high"}], {0, 1}),
        ("see report", {0, 1}),
    ],
)
def test_a_flag_that_nobody_can_read_is_unclear_and_not_unsaid(flags, unclear):
    found = read_prediction({"id": "a", "outputs": ["u", "v"], "has_nsfw_contents": flags})
    assert found is not None
    assert found.nsfw_unclear == unclear
