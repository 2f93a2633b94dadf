"""Small pictures: what is shown of whatever a file may be, and of a flagged one hardly anything."""

import io

import pytest
from PIL import Image

from orchestrator.pictures.thumbnails import (
    BLURRED_SIDE,
    NoThumbnailError,
    ThumbnailKind,
    is_whole,
    make,
    size_of,
)


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return io.BytesIO(buffer.getvalue())


def opened(webp):
    return Image.open(io.BytesIO(webp)).convert("RGB")


def test_two_sizes_are_made_of_one_picture_and_none_is_larger_than_it():
    made = make(encoded(Image.new("RGB", (1600, 800), "red")), flagged=False)
    assert {kind: size_of(webp) for kind, webp in made.items()} == {
        ThumbnailKind.LARGE: (768, 384),
        ThumbnailKind.SMALL: (256, 128),
    }
    tiny = make(encoded(Image.new("RGB", (90, 40))), flagged=False)
    assert {size_of(webp) for webp in tiny.values()} == {(90, 40)}


def test_of_a_flagged_picture_nothing_is_made_that_could_be_sharpened():
    made = make(encoded(Image.effect_noise((900, 600), 80)), flagged=True)
    assert list(made) == [ThumbnailKind.BLURRED]
    assert max(size_of(made[ThumbnailKind.BLURRED])) <= BLURRED_SIDE


def test_a_photo_is_upright_as_its_camera_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    made = make(encoded(Image.new("RGB", (800, 400)), "JPEG", exif=exif), flagged=False)
    assert size_of(made[ThumbnailKind.SMALL]) == (128, 256)


@pytest.mark.parametrize(
    ("mode", "kind", "colour"),
    [
        ("CMYK", "JPEG", (0, 255, 255, 0)),
        ("P", "GIF", None),
        ("RGBA", "PNG", (255, 0, 0, 255)),
        ("LA", "PNG", (76, 255)),
        ("1", "PNG", None),
        ("I;16", "PNG", 0x8000),
        ("RGB", "TIFF", (255, 0, 0)),
        ("RGB", "BMP", (255, 0, 0)),
    ],
)
def test_every_mode_and_format_of_photos_becomes_a_small_picture(mode, kind, colour):
    picture = Image.new(mode, (400, 300), colour) if colour is not None else Image.new(mode, (400, 300))
    made = make(encoded(picture, kind), flagged=False)
    assert size_of(made[ThumbnailKind.SMALL]) == (256, 192)
    if mode in {"CMYK", "RGB", "RGBA"}:
        red, green, blue = opened(made[ThumbnailKind.SMALL]).getpixel((9, 9))
        assert red > 220
        assert green < 40
        assert blue < 40
    if mode == "I;16":
        assert 120 < opened(made[ThumbnailKind.SMALL]).getpixel((9, 9))[0] < 136


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_told_in_words(content):
    with pytest.raises(NoThumbnailError, match="cannot be read as a picture"):
        make(io.BytesIO(content), flagged=False)


def test_a_small_picture_that_was_cut_is_not_whole():
    webp = make(encoded(Image.effect_noise((300, 300), 80)), flagged=False)[ThumbnailKind.SMALL]
    assert is_whole(webp)
    assert not is_whole(webp[:-1])
    assert not is_whole(webp[:12] + bytes(len(webp) - 12))
    assert not is_whole(b"")
