"""Drawing: sizes, formats, and that everything that should differ does."""

import io
from dataclasses import replace

import pytest
from PIL import Image
from sandbox_api import png

from orchestrator.sandbox.media.drawing import PictureSpec, picture_size, render
from orchestrator.sandbox.media.stamps import small_picture

SPEC = PictureSpec(
    prompt="a red hat on @Image1",
    references=(png(), None),
    aspect_ratio="1:1",
    resolution="1k",
    image_format="png",
    label="picture 1.1 abc",
)


@pytest.mark.parametrize(
    ("ratio", "resolution", "first", "size"),
    [
        ("16:9", "1k", None, (1024, 576)),
        ("9:16", "2k", None, (1152, 2048)),
        ("21:9", "4k", None, (4096, 1755)),
        ("1:1", "4k", None, (4096, 4096)),
        ("auto", "1k", (4000, 3000), (1024, 768)),
        ("auto", "1k", None, (1024, 1024)),
        ("auto", "1k", (9000, 10), (1024, 64)),
    ],
)
def test_the_long_side_is_the_resolution_and_the_short_one_the_ratio(ratio, resolution, first, size):
    assert picture_size(ratio, resolution, first) == size


def test_equal_specs_give_equal_bytes_and_each_part_changes_them():
    assert render(SPEC) == render(SPEC)
    others = [
        replace(SPEC, prompt="a blue hat"),
        replace(SPEC, label="picture 1.2 abc"),
        replace(SPEC, references=(png(color="red"), None)),
    ]
    assert len({render(spec) for spec in [SPEC, *others]}) == 4


def test_the_references_are_really_in_the_picture():
    colors = {
        color: Image.open(io.BytesIO(render(replace(SPEC, references=(png(400, 300, color),)))))
        for color in ("red", "lime")
    }
    center = [image.getpixel((512, 430)) for image in colors.values()]
    assert center[0][0] > center[0][1]
    assert center[1][1] > center[1][0]


@pytest.mark.parametrize("references", [(), (b"not a picture",), (png(),) * 10, (png(1, 3000),)])
def test_any_references_can_be_drawn(references):
    image = Image.open(io.BytesIO(render(replace(SPEC, references=references, prompt="word " * 300))))
    image.load()
    assert image.size == (1024, 1024)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_a_stamp_changes_the_bytes_and_not_the_pixels(image_format):
    first, second = (small_picture(image_format, "16:9", text) for text in ("one/0", "two!/1"))
    pixels = [Image.open(io.BytesIO(data)).convert("RGB").tobytes() for data in (first, second)]
    assert first != second
    assert pixels[0] == pixels[1]
