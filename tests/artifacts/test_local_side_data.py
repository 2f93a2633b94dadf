"""What lies beside the pixels loses no picture: text and profiles of any size, checksums that are wrong."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from output_hosts import picture, serving
from PIL import Image
from storing import PNG, PNG_SHA, fault, files, request, store

from orchestrator.artifacts.side_data import without_side_data
from orchestrator.ports import FetchFault, StoredArtifact

AFTER_HEADER = 33  # bytes of a PNG's signature and IHDR
BAD_SUM = b"\x00\x00\x00\x00"


def chunk(name: bytes, content: bytes, checksum: bytes | None = None) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content)) if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + checksum


def png_with(*chunks: bytes, of: bytes = PNG) -> bytes:
    return of[:AFTER_HEADER] + b"".join(chunks) + of[AFTER_HEADER:]


def jpeg_with(segment: bytes) -> bytes:
    plain = picture("JPEG")
    return plain[:2] + segment + plain[2:]


def webp_with(name: bytes, content: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", (40, 30), (255, 0, 0, 90)).save(buffer, "WEBP", exif=b"Exif\x00\x00MM\x00*", quality=80)
    body = buffer.getvalue()[8:] + name + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


LONG = zlib.compress(bytes(3_000_000))
BESIDE = {
    "compressed text over 1 MB": png_with(chunk(b"zTXt", b"Comment\x00\x00" + LONG)),
    "international text over 1 MB": png_with(chunk(b"iTXt", b"Comment\x00\x01\x00\x00\x00" + LONG)),
    "a colour profile over 1 MB": png_with(chunk(b"iCCP", b"icc\x00\x00" + LONG)),
    "many texts": png_with(*[chunk(b"zTXt", b"c\x00\x00" + zlib.compress(bytes(900_000)))] * 80),
    "text with a bad checksum": png_with(chunk(b"tEXt", b"Comment\x00word", BAD_SUM)),
    "a time with a bad checksum": png_with(chunk(b"tIME", bytes(7), BAD_SUM)),
    "a size in print that is cut": png_with(chunk(b"pHYs", b"\x00")),
    "text that is not compressed as it says": png_with(chunk(b"zTXt", b"Comment\x00\x00notzlib")),
    "an application segment of rubbish": jpeg_with(b"\xff\xe1\x00\x0cExif\x00\x00\xff\xff\xff\xff"),
    "a chunk of rubbish in a WebP": webp_with(b"XMP ", b"\xff\xfe\xfd\xfc"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_picture_whose_pixels_decode_is_kept_byte_for_byte(tmp_path, name):
    (found,) = store(tmp_path, serving(BESIDE[name]), request("a.png"))
    assert isinstance(found, StoredArtifact), found
    assert (tmp_path / found.path).read_bytes() == BESIDE[name]
    assert (found.width, found.height) == (40, 30)


@pytest.mark.parametrize("name", [name for name in BESIDE if "WebP" not in name and "segment" not in name])
def test_nothing_beside_the_pixels_of_a_png_is_left_without_its_side_data(name):
    assert without_side_data(BESIDE[name], "image/png") == PNG


@pytest.mark.parametrize(
    ("kind", "cut"), [("PNG", 40), ("JPEG", 30), ("WEBP", 20)], ids=["PNG", "JPEG", "WebP"]
)
def test_pixels_that_are_cut_are_refused_whatever_lies_beside_them(tmp_path, kind, cut):
    whole = picture(kind, size=(300, 300))
    if kind == "PNG":
        whole = png_with(chunk(b"tEXt", b"c\x00w", BAD_SUM), of=whole)
    (found,) = store(tmp_path, serving(whole[:-cut]))
    assert fault(found) is FetchFault.BAD_CONTENT


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE"])
def test_a_bad_checksum_of_what_the_pixels_need_is_refused(tmp_path, name):
    buffer = io.BytesIO()
    Image.new("P", (40, 30), 1).save(buffer, "PNG")
    content = bytearray(buffer.getvalue())
    at = content.index(name)
    (length,) = struct.unpack_from(">I", content, at - 4)
    content[at + 4 + length] ^= 0xFF
    (found,) = store(tmp_path, serving(bytes(content)))
    assert fault(found) is FetchFault.BAD_CONTENT


def aside(root, content: bytes, **more) -> str | None:
    (found,) = store(root, serving(content), request(**more))
    assert fault(found) is FetchFault.BAD_CONTENT
    return found.unproven


CUT = PNG[:-30]
CUT_MORE = PNG[:-34]


def test_what_an_earlier_try_kept_aside_is_replaced_and_what_another_attempt_kept_is_not(tmp_path):
    first = aside(tmp_path, CUT, attempt_id=1)
    assert first == "camp/sku/a.png.unproven"
    assert aside(tmp_path, CUT_MORE, attempt_id=1, unproven=first) == first
    assert aside(tmp_path, CUT, attempt_id=2) == "camp/sku/a~2.png.unproven"
    assert aside(tmp_path, CUT_MORE, attempt_id=2) == first  # the same bytes once
    assert (tmp_path / first).read_bytes() == CUT_MORE
    assert (tmp_path / "camp/sku/a~2.png.unproven").read_bytes() == CUT


def test_a_page_in_words_leaves_what_was_kept_aside_before(tmp_path):
    first = aside(tmp_path, CUT, attempt_id=1)
    assert aside(tmp_path, b"<html>soon</html>", attempt_id=1, unproven=first) == first
    assert (tmp_path / first).read_bytes() == CUT


def test_what_was_kept_aside_goes_when_the_picture_has_come(tmp_path):
    first = aside(tmp_path, CUT, attempt_id=1)
    (found,) = store(tmp_path, serving(PNG), request(attempt_id=1, unproven=first))
    assert isinstance(found, StoredArtifact)
    assert found.sha256 == PNG_SHA
    assert {name for name in files(tmp_path) if "unproven" in name} == set()


def test_a_flagged_picture_is_kept_aside_in_quarantine_or_not_at_all(tmp_path):
    assert aside(tmp_path, CUT, nsfw=True) == "quarantine/camp/sku/a.png.unproven"
    (found,) = store(tmp_path, serving(CUT), replace(request("b.png"), nsfw=True), policy="discard")
    assert (fault(found), found.unproven) == (FetchFault.BAD_CONTENT, None)
    assert files(tmp_path) == {"quarantine/camp/sku/a.png.unproven"}


WORDS: dict[str, Callable[[], bytes]] = {
    "a page": lambda: b"\n <!DOCTYPE html><p>" + "Bitte warten …".encode() * 200,
    "JSON": lambda: b'{"code": 404}',
    "a sentence that is cut in a letter": ("x" * 1023 + "é").encode,
    "white space": lambda: b" \n" * 40,
}


@pytest.mark.parametrize("name", WORDS)
def test_words_are_not_kept_aside(tmp_path, name):
    assert aside(tmp_path, WORDS[name]()) is None
    assert files(tmp_path) == set()
