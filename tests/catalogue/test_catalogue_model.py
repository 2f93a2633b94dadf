"""The catalogue knows what may be sent, what it costs, and what is wrong with the rest."""

import pytest

from orchestrator.catalogue import Severity, all_models, get, is_url, revisions, url_problem
from orchestrator.catalogue.images import sniff
from orchestrator.core.errors import NotFoundError, UsageError

KLING = get("kwaivgi/kling-image-o3/edit")
GOOD = {"prompt": "Place @Image1 on a beach", "images": ["a.png"]}


def test_the_model_is_found_and_a_misspelt_one_suggests_it():
    assert KLING in all_models()
    with pytest.raises(NotFoundError, match='did you mean "kwaivgi/kling-image-o3/edit"'):
        get("kwaivgi/kling-image-03/edit")


def test_each_model_counts_its_revisions_from_1():
    assert all(revisions()[model.id] == model.revision >= 1 for model in all_models())


@pytest.mark.parametrize(
    ("params", "micros", "images"),
    [
        ({}, 28_000, 1),
        ({"resolution": "2k"}, 28_000, 1),
        ({"resolution": "4k"}, 56_000, 1),
        ({"num_images": 9}, 252_000, 9),
        ({"resolution": "4k", "num_images": 3}, 168_000, 3),
    ],
)
def test_the_price_is_by_resolution_times_the_number_of_pictures(params, micros, images):
    assert KLING.price_micros(GOOD | params) == micros
    assert KLING.images(GOOD | params) == images


def test_an_unknown_price_is_an_error():
    with pytest.raises(UsageError, match="no price is known"):
        KLING.price_micros(GOOD | {"resolution": "8k"})


@pytest.mark.parametrize(
    ("word", "media_type"), [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")]
)
def test_media_type_and_extension_follow_the_output_format(word, media_type):
    assert KLING.media_type(GOOD | {"output_format": word}) == media_type
    assert KLING.extension(GOOD | {"output_format": word}) == word


def test_defaults_are_filled_in_and_nothing_else_changes():
    assert KLING.with_defaults(GOOD) == GOOD | {
        "aspect_ratio": "auto", "resolution": "1k", "num_images": 1, "output_format": "png",
    }  # fmt: skip
    assert KLING.with_defaults(GOOD | {"num_images": 4})["num_images"] == 4


def test_good_parameters_have_no_issues():
    every = {"aspect_ratio": "21:9", "resolution": "4k", "num_images": 9, "output_format": "webp"}
    assert KLING.validate(GOOD | every) == []
    assert KLING.validate(GOOD | {"images": ["https://x.example/a.png"] * 10}) == []


@pytest.mark.parametrize(
    ("change", "name", "fragment", "hint"),
    [
        ({"aspect_ratoi": "1:1"}, "aspect_ratoi", "unknown parameter", 'did you mean "aspect_ratio"?'),
        ({"seed": 1}, "seed", "unknown parameter", ""),
        ({"prompt": ""}, "prompt", "is empty", ""),
        ({"prompt": 7}, "prompt", "expected text", "put it in quotes"),
        ({"prompt": "\ud800"}, "prompt", "half of a character", ""),
        ({"prompt": "a\x00"}, "prompt", "NUL", ""),
        ({"images": [], "prompt": "x"}, "images", "1 to 10", ""),
        ({"images": ["a.png"] * 11}, "images", "got 11", ""),
        ({"images": "a.png"}, "images", "a list", "brackets"),
        ({"images": [""]}, "images", "is empty", ""),
        ({"images": [3]}, "images", "expected a local file", ""),
        ({"images": ["http://x.example/a.png"]}, "images", "use https", ""),
        ({"images": ["ftp://x.example/a.png"]}, "images", "not accepted", ""),
        ({"images": ["https://me:pw@x.example/a.png"]}, "images", "user name", ""),
        ({"images": ["data:image/png;base64,AA"]}, "images", "data:", ""),
        ({"num_images": 0}, "num_images", "from 1 to 9, got 0", ""),
        ({"num_images": 10}, "num_images", "got 10", ""),
        ({"num_images": True}, "num_images", "got true", ""),
        ({"num_images": "2"}, "num_images", "whole number", "without quotes"),
        ({"num_images": 1.0}, "num_images", "whole number", ""),
        ({"resolution": "2K"}, "resolution", "one of 1k, 2k, 4k", 'did you mean "2k"?'),
        ({"resolution": 2}, "resolution", "not allowed", ""),
        ({"aspect_ratio": 969}, "aspect_ratio", "not allowed", ""),
        ({"output_format": "jpg"}, "output_format", "not allowed", 'did you mean "jpeg"?'),
        ({"output_format": None}, "output_format", "nothing (null)", ""),
        ({"prompt": "use @Image2"}, "prompt", "there is only 1 image", "use @Image1, or add the picture"),
        ({"prompt": "use @Image0"}, "prompt", "@Image0", ""),
        ({"prompt": "use @image9"}, "prompt", "@image9", ""),
    ],
)
def test_each_mistake_is_one_error_that_says_what_is_allowed(change, name, fragment, hint):
    (issue,) = KLING.validate(GOOD | change)
    assert issue.name == name
    assert issue.severity is Severity.ERROR
    assert fragment in issue.message
    assert hint in issue.hint


@pytest.mark.parametrize("prompt", ["like picture 3", "the second of image 2", "use @image1 here"])
def test_a_doubtful_reference_is_a_warning(prompt):
    (issue,) = KLING.validate(GOOD | {"prompt": prompt})
    assert issue.severity is Severity.WARNING


def test_missing_parameters_are_all_reported():
    assert {issue.name for issue in KLING.validate({})} == {"prompt", "images"}


def test_digits_of_a_template_become_an_integer_where_one_is_needed():
    assert KLING.coerce("num_images", " 3 ") == 3
    assert KLING.coerce("num_images", "many") == "many"
    assert KLING.coerce("prompt", "3") == "3"


@pytest.mark.parametrize(
    "url", ["https://x.example/a.png", "http://127.0.0.1:8000/a.png", "http://localhost/a", "http://[::1]/a"]
)
def test_https_and_loopback_urls_pass(url):
    assert is_url(url)
    assert url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://x.example:port/",
        "https://[::1",
        "https://x .example/",
        "file:///etc/passwd",
        "http://x.example/a.png",
        "http://127.0.0.2/a.png",
    ],
)
def test_other_urls_do_not(url):
    assert url_problem(url) is not None


def test_pictures_are_told_by_their_first_bytes():
    assert sniff(b"\x89PNG\r\n\x1a\n....") == "image/png"
    assert sniff(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert sniff(b"RIFF\x00\x00\x00\x00WAVE") is None
    assert sniff(b"") is None


def test_the_schema_of_the_parameters_accepts_good_ones_and_refuses_unknown_ones():
    import jsonschema

    validator = jsonschema.Draft7Validator(KLING.params_schema())
    assert validator.is_valid(GOOD | {"num_images": "{{ n }}", "aspect_ratio": "16:9"})
    assert not validator.is_valid(GOOD | {"seed": 1})
    assert not validator.is_valid(GOOD | {"aspect_ratio": "5:4"})
