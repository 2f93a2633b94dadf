"""What each rule says of a picture."""

import pytest
from PIL import Image, ImageDraw, ImageEnhance

from orchestrator.pictures.checks import CheckedPicture, judge

SCENE = Image.radial_gradient("L").resize((320, 180)).convert("RGB")


def other_scene() -> Image.Image:
    picture = Image.new("RGB", (320, 180), "white")
    ImageDraw.Draw(picture).polygon([(10, 170), (160, 10), (310, 170)], fill="navy")
    return picture


def said(picture: Image.Image, name: str, words: dict[str, object], **more: object):
    (found,) = judge(CheckedPicture(picture, **more), {name: words})  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("name", "words", "picture", "passed"),
    [
        ("size", {"min_width": 320, "min_height": 180}, SCENE, True),
        ("size", {"min_width": 321}, SCENE, False),
        ("ratio", {"of": "16:9", "tolerance": 0.0}, SCENE, True),
        ("ratio", {"of": "9:16", "tolerance": 0.5}, SCENE, False),
        ("ratio", {"tolerance": 0.1}, SCENE, None),
        ("blank", {"spread": 3.0}, SCENE, True),
        ("blank", {"spread": 3.0}, Image.new("RGB", (90, 90), "teal"), False),
        ("brightness", {"min": 0.1, "max": 0.95}, SCENE, True),
        ("brightness", {"min": 0.1, "max": 0.95}, ImageEnhance.Brightness(SCENE).enhance(0.05), False),
        ("brightness", {"min": 0.1, "max": 0.95}, Image.new("RGB", (9, 9), "white"), False),
        ("like_source", {"distance": 4}, SCENE, None),
        ("like_sibling", {"distance": 4}, SCENE, True),
    ],
)
def test_a_rule_passes_fails_or_says_that_it_cannot_tell(name, words, picture, passed):
    found = said(picture, name, words)
    assert (found.name, found.passed) == (name, passed)
    assert found.reason


def test_the_ratio_that_the_job_asked_for_counts_where_the_check_names_none():
    assert said(SCENE, "ratio", {"tolerance": 0.01}, asked_ratio="16:9").passed
    assert said(SCENE, "ratio", {"tolerance": 0.01}, asked_ratio="auto").passed is None


def test_the_source_in_another_size_or_a_little_brighter_is_still_the_source():
    source = other_scene()
    again = ImageEnhance.Brightness(source.resize((1280, 720))).enhance(1.05)
    assert said(again, "like_source", {"distance": 4}, sources=[SCENE, source]).passed is False
    assert said(again, "like_source", {"distance": 4}, sources=[SCENE]).passed


def test_a_sibling_that_looks_the_same_is_named():
    found = said(
        SCENE, "like_sibling", {"distance": 4}, siblings=[("job 7", SCENE), ("job 8", other_scene())]
    )
    assert found.passed is False
    assert "job 7" in found.reason
