"""What a recipe makes of a picture."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from orchestrator.pictures.cooking import RecipeError, make, size_of
from orchestrator.pictures.embedded import SourceType, Words
from orchestrator.pictures.recipes import PRESETS, Fit, Format, Recipe, is_copy


def drawn(
    width: int = 400, height: int = 300, *, mode: str = "RGB", kind: str = "PNG", **options: object
) -> bytes:
    """A picture with a gradient, so that nothing about it is uniform."""
    picture = Image.linear_gradient("L").resize((width, height)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


SIDES = st.integers(1, 3000)


@given(st.tuples(SIDES, SIDES), SIDES, SIDES, st.sampled_from(Fit))
def test_a_picture_is_never_enlarged_unasked(source, width, height, fit):
    recipe = Recipe(width=width, height=height, fit=fit)
    try:
        made = size_of(source, recipe)
    except RecipeError:
        assert fit is not Fit.INSIDE
        assert source[0] < width or source[1] < height
        return
    if fit is Fit.INSIDE:
        assert made[0] <= max(1, source[0])
        assert made[1] <= max(1, source[1])
        assert made[0] <= width or made[0] == 1
        assert made[1] <= height or made[1] == 1
    else:
        assert made == (width, height)


@given(
    st.tuples(SIDES, SIDES),
    st.tuples(st.integers(1, 21), st.integers(1, 21)),
    st.sampled_from((Fit.CROP, Fit.PAD)),
)
def test_a_ratio_alone_keeps_one_side_and_never_needs_enlarging(source, ratio, fit):
    made = size_of(source, Recipe(ratio=ratio, fit=fit))
    assert made[0] == source[0] or made[1] == source[1]
    cut = made[0] <= source[0] and made[1] <= source[1]
    assert cut if fit is Fit.CROP else made[0] >= source[0] and made[1] >= source[1]


def test_padding_shows_all_of_the_picture_on_the_background():
    made = make(drawn(1000, 500), Recipe(width=400, height=400, fit=Fit.PAD, background="#ff0000"))
    picture = opened(made.data).convert("RGB")
    assert picture.size == (400, 400)
    assert picture.getpixel((200, 5)) == (255, 0, 0)
    assert picture.getpixel((200, 200)) != (255, 0, 0)


def test_transparency_becomes_the_background_where_it_cannot_be_kept():
    clear = Image.new("RGBA", (50, 50), (0, 0, 0, 0))
    buffer = io.BytesIO()
    clear.save(buffer, "PNG")
    kept = opened(make(buffer.getvalue(), Recipe(width=20)).data)
    assert kept.mode == "RGBA"
    flat = opened(make(buffer.getvalue(), Recipe(format=Format.JPEG, background="#00ff00")).data)
    red, green, blue = flat.convert("RGB").getpixel((10, 10))  # type: ignore[misc]
    assert green > 240
    assert red < 15
    assert blue < 15


def test_the_turn_of_a_camera_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    made = make(drawn(400, 300, kind="JPEG", exif=exif), Recipe(format=Format.PNG))
    assert (made.width, made.height) == (300, 400)
    assert 0x0112 not in opened(made.data).getexif()


def test_a_byte_limit_gets_the_best_quality_that_fits():
    noise = Image.effect_noise((300, 300), 90)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    source = buffer.getvalue()
    full = make(source, Recipe(format=Format.JPEG, quality=95))
    limit = len(full.data) // 2
    made = make(source, Recipe(format=Format.JPEG, quality=95, max_bytes=limit))
    assert limit * 0.9 < len(made.data) <= limit


@pytest.mark.parametrize("kind", [Format.PNG, Format.JPEG])
def test_a_byte_limit_that_cannot_be_met_is_refused(kind):
    with pytest.raises(RecipeError, match="allow more bytes, fewer pixels, or another format"):
        make(drawn(300, 300), Recipe(format=kind, max_bytes=100))


@pytest.mark.parametrize("kind", [Format.JPEG, Format.PNG, Format.WEBP])
def test_words_are_read_back_from_every_format(kind):
    words = Words(
        title='Mug & "saucer" <1>',
        creator="Ä\x00\ud800",
        keywords=("mug", "beach"),
        source_type=SourceType.COMPOSITE,
    )
    found = opened(make(drawn(), Recipe(format=kind, words=words)).data)
    text = found.info["xmp"].decode()
    said = found.getxmp()["xmpmeta"]["RDF"]["Description"] if _has_defusedxml() else {}
    assert 'Mug &amp; "saucer" &lt;1&gt;' in text
    assert "digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in text
    assert "<rdf:li>beach</rdf:li>" in text
    assert not said or said["creator"]["Seq"]["li"] == "Ä"


def _has_defusedxml() -> bool:
    from importlib.util import find_spec  # noqa: PLC0415

    return find_spec("defusedxml") is not None


def test_colours_are_converted_and_the_file_says_srgb():
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    made = make(drawn(kind="PNG", icc_profile=wide), Recipe(format=Format.JPEG))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(opened(made.data).info["icc_profile"]))
    assert "sRGB" in (profile.profile.profile_description or "")


@pytest.mark.parametrize("kind", list(Format))
def test_the_same_picture_gives_the_same_bytes(kind):
    source = drawn(kind="WEBP")
    recipe = Recipe(width=100, format=kind, words=Words(title="x"))
    assert make(source, recipe).data == make(source, recipe).data


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0", b"<html>", drawn(kind="JPEG")[:300]])
def test_what_is_no_whole_picture_is_refused(data):
    with pytest.raises(RecipeError, match="cannot be read as a picture"):
        make(data, Recipe(width=10, height=10))


@pytest.mark.parametrize(
    ("mode", "kind"), [("CMYK", "JPEG"), ("I;16", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("P", "GIF")]
)
def test_every_mode_of_pixels_becomes_a_picture(mode, kind):
    source = Image.new("L", (60, 40), 128)
    buffer = io.BytesIO()
    (source.convert("I").convert(mode) if mode == "I;16" else source.convert(mode)).save(buffer, kind)
    assert opened(make(buffer.getvalue(), PRESETS["web"]).data).size == (60, 40)


def test_a_marketplace_square_of_a_small_picture_is_refused_and_says_what_helps():
    with pytest.raises(
        RecipeError, match="1024 x 1024 is too small for 2000 x 2000: make it at a higher resolution"
    ):
        size_of((1024, 1024), PRESETS["marketplace"])


def test_only_a_recipe_that_changes_nothing_is_a_copy():
    assert is_copy(Recipe())
    assert is_copy(Recipe(file="{{ stem }}.{{ ext }}"))
    assert not is_copy(Recipe(max_bytes=5))
    assert not is_copy(Recipe(words=Words(title="x")))
    assert not is_copy(Recipe(format=Format.PNG))
