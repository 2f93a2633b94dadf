"""Conversion of input pictures: to what the model takes, always the same, and keyed by the original."""

import io
from pathlib import Path

import pytest
from manifest_files import BASE, PNG, folder, manifest, picture, problems
from PIL import Image, ImageCms
from test_manifest_input_pictures import deep_png, deep_rgb_png, frames, noise, turned

from orchestrator.catalogue import InputRules
from orchestrator.core.specs import LocalImage
from orchestrator.manifest.inputs import normalizing
from orchestrator.manifest.inputs.input_images import Pictures
from orchestrator.manifest.inputs.normalizing import CannotConvertError, convert, converted_copy
from orchestrator.manifest.inputs.picture_rules import SCHEME

RULES = InputRules(("image/jpeg", "image/png"), bytes_max=2_000_000, side_min=300, ratio_max=2.5)
RECIPE = f"{SCHEME}:300:2000000"


def taken(path: Path, content: bytes) -> LocalImage:
    (path / "odd").write_bytes(content)
    return Pictures(path, [], RULES, normalize=True).find("odd")


def sent(path: Path, content: bytes) -> tuple[Image.Image, bytes]:
    """The picture as it is sent, and its bytes."""
    image = taken(path, content)
    assert image.recipe == RECIPE
    found = convert(Path(image.path), image.media_type, image.recipe)
    assert (path / "odd").read_bytes() == content  # the original is never touched
    decoded = Image.open(io.BytesIO(found.content))
    decoded.load()
    assert found.media_type == f"image/{decoded.format.lower()}"
    return decoded, found.content


def quarters(**options) -> bytes:
    """Red at the left, blue at the right, as a JPEG of 400 x 320."""
    buffer = io.BytesIO()
    image = Image.new("RGB", (400, 320), "red")
    image.paste("blue", (200, 0, 400, 320))
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_a_turned_photo_is_sent_upright_and_says_nothing_of_turning_any_more(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image, content = sent(tmp_path, quarters(exif=exif))
    assert image.size == (320, 400)
    assert (image.getpixel((160, 20))[0] > 200, image.getpixel((160, 380))[2] > 200) == (True, True)
    assert image.getexif().get(0x0112) is None
    assert b"Exif" not in content


def test_inks_become_light(tmp_path):
    buffer = io.BytesIO()
    Image.new("CMYK", (400, 300), (0, 255, 255, 0)).save(buffer, "JPEG", quality=95)
    image, _ = sent(tmp_path, buffer.getvalue())
    assert (image.mode, image.format) == ("RGB", "JPEG")
    assert image.getpixel((10, 10))[0] > 200
    assert max(image.getpixel((10, 10))[1:]) < 60


def test_a_broken_profile_of_inks_is_passed_over(tmp_path):
    image, _ = sent(tmp_path, picture("JPEG", mode="CMYK", icc_profile=b"no profile"))
    assert (image.mode, image.info.get("icc_profile")) == ("RGB", None)


def test_a_profile_of_colours_is_kept(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image, _ = sent(tmp_path, picture("TIFF", icc_profile=profile))
    assert image.info["icc_profile"] == profile


def test_sixteen_bits_become_eight_without_being_cut_off(tmp_path):
    grey, _ = sent(tmp_path, deep_png())
    assert (grey.mode, grey.getpixel((0, 0))) == ("L", 700 // 256)
    colour, _ = sent(tmp_path, deep_rgb_png())
    assert (colour.mode, colour.getpixel((0, 0))) == ("RGB", (128, 128, 128))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "BMP"])
def test_every_other_format_becomes_one_that_is_taken(tmp_path, kind):
    image, _ = sent(tmp_path, picture(kind))
    assert (image.format, image.size) == ("JPEG" if kind == "WEBP" else "PNG", (400, 300))


def test_a_photo_of_an_iphone_becomes_a_jpeg_where_its_library_is_installed(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (400, 320), "red")).save(buffer)
    image, _ = sent(tmp_path, buffer.getvalue())
    assert (image.format, image.size) == ("JPEG", (400, 320))
    assert image.getpixel((10, 10))[0] > 200


def test_of_several_frames_the_first_is_sent(tmp_path):
    image, _ = sent(tmp_path, frames("GIF"))
    assert getattr(image, "n_frames", 1) == 1
    assert image.convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_transparency_survives_where_it_can(tmp_path):
    image, _ = sent(tmp_path, picture("WEBP", mode="RGBA"))
    assert (image.format, image.mode) == ("PNG", "RGBA")


@pytest.mark.parametrize(
    ("size", "larger"), [((64, 64), (300, 300)), ((120, 300), (300, 750)), ((299, 400), (300, 401))]
)
def test_a_small_picture_is_enlarged_to_the_smallest_side_that_is_taken(tmp_path, size, larger):
    image, _ = sent(tmp_path, picture(size=size))
    assert image.size == larger


def test_a_heavy_picture_is_made_light_enough(tmp_path):
    image, content = sent(tmp_path, noise((1_600, 1_600), "PNG"))
    assert len(content) <= RULES.bytes_max
    assert image.format == "JPEG"


def test_a_strip_stays_an_error(tmp_path):
    assert "one side may be at most" in problems_of(tmp_path, picture(size=(100, 400)))[0]


def problems_of(path: Path, content: bytes) -> list[str]:
    folder(path)
    (path / "photos" / "odd.png").write_bytes(content)
    return [item.message for item in problems(path, of_photos(path, "odd.png"), normalize=True)]


def of_photos(path: Path, *photos: str) -> str:
    """A manifest with a product for each photo."""
    (path / "odd.csv").write_text("sku,photo\n" + "".join(f"S-{photo},{photo}\n" for photo in photos))
    return BASE.replace("products.csv", "odd.csv")


@pytest.mark.parametrize("content", [turned(), picture("JPEG", mode="CMYK"), picture("TIFF"), deep_png()])
def test_the_same_bytes_give_the_same_bytes(tmp_path, content):
    assert sent(tmp_path, content)[1] == sent(tmp_path, content)[1]


def test_a_picture_that_is_fine_is_sent_as_it_is(tmp_path):
    assert taken(tmp_path, PNG).recipe == ""


def test_the_copy_is_for_nobody_else_and_gone_after_its_upload(tmp_path):
    image = taken(tmp_path, turned())
    file, copy = converted_copy(image)
    path = Path(copy.path)
    assert path.stat().st_mode & 0o077 == 0
    assert (path.stat().st_size, copy.recipe, copy.media_type) == (copy.bytes, "", "image/jpeg")
    file.close()
    assert not path.exists()


def test_a_recipe_of_another_scheme_is_not_guessed_at(tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)
    with pytest.raises(CannotConvertError, match="scheme 99"):
        convert(tmp_path / "a.png", "image/png", "99:300:1000")


def keys(path: Path, text: str, **more) -> list[str]:
    return [spec.key for spec in manifest(path, text, **more).jobs()]


def test_the_key_is_over_the_original_and_the_scheme_not_over_what_a_library_makes_of_it(
    tmp_path, monkeypatch
):
    folder(tmp_path)
    plain, same = keys(tmp_path, BASE), keys(tmp_path, BASE, normalize=True)
    assert plain == same  # nothing to convert
    (tmp_path / "photos" / "odd.jpg").write_bytes(turned())
    text = of_photos(tmp_path, "odd.jpg")
    as_it_is, converted = keys(tmp_path, text), keys(tmp_path, text, normalize=True)
    assert set(as_it_is) & set(converted) == set()
    monkeypatch.setattr(normalizing, "_QUALITIES", (50,))
    assert keys(tmp_path, text, normalize=True) == converted


def test_a_plan_says_in_one_line_what_is_converted(tmp_path):
    folder(tmp_path)
    (tmp_path / "photos" / "odd.jpg").write_bytes(turned((200, 150)))
    (tmp_path / "photos" / "odd.gif").write_bytes(picture("GIF"))
    read = manifest(tmp_path, of_photos(tmp_path, "odd.jpg", "odd.gif"), normalize=True)
    read.check()
    (line,) = read.warnings
    assert line.endswith(
        ": 2 input pictures are converted before the upload, in a copy: 1 turned upright, 1 enlarged to 300 "
        "pixels a side, 1 to JPEG, PNG"
    )
