"""Input pictures are what the model takes, before money moves: decoded, measured, every flaw said at once."""

import io
import zlib
from pathlib import Path

import pytest
from manifest_files import BASE, PNG, folder, manifest, picture, problems
from PIL import Image

from orchestrator.catalogue import InputRules
from orchestrator.catalogue.images import sniff
from orchestrator.core.decoding import DECODER_ERRORS
from orchestrator.manifest.inputs.input_images import Pictures
from orchestrator.manifest.inputs.picture_facts import PictureReader

TWO = BASE.replace("scene: [beach, city]", "scene: [beach]")


def noise(size: tuple[int, int], kind: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def found(path: Path, content: bytes, text: str = TWO, **more) -> list[str]:
    """What is said of the first product's photo."""
    folder(path)
    (path / "photos" / "odd.png").write_bytes(content)
    (path / "odd.csv").write_text("sku,photo\nA-1,odd.png\n")
    return [item.message for item in problems(path, text.replace("products.csv", "odd.csv"), **more)]


def turned(size: tuple[int, int] = (400, 300), orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return picture("JPEG", size, exif=exif)


def deep_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("I;16", (400, 300), 700).save(buffer, "PNG")
    return buffer.getvalue()


def deep_rgb_png() -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)

    header = (300).to_bytes(4) * 2 + bytes([16, 2, 0, 0, 0])
    rows = zlib.compress((b"\x00" + b"\x80\x00" * 900) * 300)
    return PNG[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def frames(kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    pictures = [Image.new("RGB", (400, 300), color) for color in ("red", "green", "blue")]
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


REFUSED = {
    "half a JPEG": (lambda: noise((600, 400))[:9_000], "is not a whole picture"),
    "a JPEG without its last byte pair": (lambda: noise((600, 400))[:-200], "is not a whole picture"),
    "the head of a JPEG": (lambda: b"\xff\xd8\xff\xe0", "is not a whole picture: it ends too early"),
    "half a PNG": (lambda: noise((400, 400), "PNG")[:20_000], "is not a whole picture"),
    "half a WebP": (lambda: noise((400, 400), "WEBP")[:2_000], "is not a whole picture"),
    "a GIF": (lambda: picture("GIF"), "is GIF; expected JPEG, PNG"),
    "a TIFF": (lambda: picture("TIFF"), "is TIFF; expected JPEG, PNG"),
    "a WebP": (lambda: picture("WEBP"), "is WebP; expected JPEG, PNG"),
    "a photo of an iPhone": (
        lambda: b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        "is HEIC, an iPhone photo",
    ),
    "a small one": (lambda: picture(size=(299, 300)), "has 299 x 300 pixels; at least 300 a side are needed"),
    "a strip": (
        lambda: picture(size=(300, 751)),
        "is 300 x 751; one side may be at most 2.5 times the other",
    ),
    "a login page": (lambda: b"<html>", "is not a picture we know by its content; expected JPEG, PNG"),
    "nothing": (lambda: b"", "is empty; expected JPEG, PNG"),
    "too many pixels": (lambda: PNG[:16] + (70_000).to_bytes(4) * 2 + PNG[24:], "is not a whole picture"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_picture_that_the_model_does_not_take_is_refused_with_its_row(tmp_path, name):
    made, message = REFUSED[name]
    (said,) = found(tmp_path, made())
    assert message in said
    assert not any(error.__name__ in said for error in (*DECODER_ERRORS, OSError))
    (problem,) = problems(tmp_path, TWO.replace("products.csv", "odd.csv"))
    assert "odd.csv row 2" in problem.notes[0]


def test_everything_that_is_wrong_with_a_picture_is_said_at_once(tmp_path):
    (said,) = found(tmp_path, picture("GIF", (64, 400)))
    assert said == (
        '"photos/odd.png" is GIF; expected JPEG, PNG; it has 64 x 400 pixels; at least 300 a side are '
        "needed; it is 64 x 400; one side may be at most 2.5 times the other (crop it)"
    )


def test_a_picture_at_every_limit_passes(tmp_path):
    assert found(tmp_path, picture(size=(300, 750))) == []
    padded = PNG + bytes(10_000_000 - len(PNG))
    assert found(tmp_path, padded) == []
    assert "has 10.0 MB; at most 10 MB" in found(tmp_path, padded + b"x")[0]


def test_what_a_conversion_mends_names_the_setting_and_what_it_does_not_mend_does_not(tmp_path):
    found(tmp_path, picture("GIF"))
    (mendable,) = problems(tmp_path, TWO.replace("products.csv", "odd.csv"))
    assert "inputs: {normalize: true}" in mendable.hint
    found(tmp_path, picture(size=(300, 800)))
    (other,) = problems(tmp_path, TWO.replace("products.csv", "odd.csv"))
    assert "normalize" not in other.hint


ODD = {
    "turned": (turned, "turned by its EXIF data"),
    "CMYK": (lambda: picture("JPEG", mode="CMYK"), "in CMYK"),
    "16 bits": (deep_png, "in 16 bits"),
    "16 bits of three colours": (deep_rgb_png, "in 16 bits"),
    "frames": (frames, "of several frames"),
    "large": (lambda: picture("PNG", (8_000, 7_000), mode="L"), "more than 50 million pixels"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_about_a_picture_is_a_warning_with_its_count_and_row(tmp_path, name):
    made, words = ODD[name]
    assert found(tmp_path, made()) == []
    read = manifest(tmp_path, TWO.replace("products.csv", "odd.csv"))
    read.check()
    (warning,) = read.warnings
    assert "1 input picture is" in warning
    assert words in warning
    assert "photos/odd.png (odd.csv row 2)" in warning


def test_a_plain_picture_is_worth_no_word(tmp_path):
    read = manifest(tmp_path, TWO)
    read.check()
    assert read.warnings == []


def test_many_odd_pictures_are_one_warning_that_names_the_first(tmp_path):
    folder(tmp_path)
    rows = ["sku,photo"]
    for number in range(8):
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(turned((400, 300 + number)))
        rows.append(f"S-{number},{number}.jpg")
    (tmp_path / "many.csv").write_text("\n".join(rows))
    read = manifest(tmp_path, BASE.replace("products.csv", "many.csv"))
    for _ in range(2):  # each pass counts for itself
        read.check()
        (warning,) = read.warnings
        assert "8 input pictures are turned by its EXIF data: photos/0.jpg (many.csv row 2), " in warning
        assert "photos/4.jpg (many.csv row 6) and 3 more;" in warning


def test_each_content_is_decoded_once_whatever_its_files_are_called(tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(PictureReader, "_known", {})
    monkeypatch.setattr(
        "orchestrator.manifest.inputs.picture_facts.orientation", lambda image: decoded.append(image) or 1
    )
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(PNG)
    for _ in range(3):
        pictures = Pictures(tmp_path, [], InputRules())
        assert {pictures.find(name).bytes for name in ("a.png", "b.png")} == {len(PNG)}
    assert len(decoded) == 1


def test_a_prompt_that_is_too_long_is_refused_with_its_row(tmp_path):
    text = BASE.replace("Place @Image1 on a {{ scene }}", "@Image1 {{ product.words }}").replace(
        "products.csv", "long.csv"
    )
    folder(tmp_path)
    rows = f"A,one.png,{'x' * 2_492}\nB,two.png,{'ä' * 2_493}\n"
    (tmp_path / "long.csv").write_text("sku,photo,words\n" + rows)
    (problem,) = problems(tmp_path, text)
    assert problem.message == "has 2,501 characters; at most 2,500 are taken"
    assert "long.csv row 3" in problem.notes[0]


def test_heic_is_known_by_its_brand():
    assert sniff(b"\x00\x00\x00\x18ftypmif1") == "image/heic"
    assert sniff(b"\x00\x00\x00\x18ftypisom") is None
