"""What an output holds: a whole picture of a bearable size under a true name, or nothing is stored."""

import struct
import zlib

import pytest
from output_hosts import picture, serving
from storing import PNG, fault, files, request, store

from orchestrator.ports import FetchFault, StoredArtifact


@pytest.mark.parametrize(
    ("kind", "planned", "stored"),
    [
        ("PNG", "a.png", "a.png"),
        ("PNG", "a.PNG", "a.PNG"),
        ("JPEG", "a.png", "a.jpg"),
        ("JPEG", "a.jpeg", "a.jpeg"),
        ("WEBP", "a.jpeg", "a.webp"),
        ("PNG", "a", "a.png"),
        ("PNG", "a.v1", "a.v1.png"),
        ("PNG", "a.b.jpg", "a.b.png"),
    ],
)
def test_the_extension_tells_the_truth(tmp_path, kind, planned, stored):
    (found,) = store(tmp_path, serving(picture(kind)), request(planned))
    assert isinstance(found, StoredArtifact)
    assert found.path == stored


def bomb() -> bytes:
    """A PNG that says it has 50,000 x 50,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


BAD = {
    "html": lambda: b"<!DOCTYPE html><html>expired</html>",
    "json": lambda: b'{"error":"expired"}',
    "nothing": lambda: b"",
    "gif": lambda: picture("GIF"),
    "tiff": lambda: picture("TIFF"),
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "text": lambda: b"hello there, this is text",
    "truncated_png": lambda: picture(size=(300, 300))[:-300],
    "truncated_jpeg": lambda: picture("JPEG", size=(600, 600))[:2000],
    "truncated_webp": lambda: picture("WEBP", size=(300, 300))[:60],
    "only_magic": lambda: b"\x89PNG\r\n\x1a\n",
    "flipped": lambda: PNG[:50] + bytes([PNG[50] ^ 0xFF]) + PNG[51:],
    "bomb": bomb,
    "too_many_pixels": lambda: picture(size=(8000, 7000)),
}
"""Contents, made by the test that wants them: every process of the suite reads this file."""


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_a_whole_picture_is_not_stored_but_kept_aside_unless_it_is_words(tmp_path, name):
    (found,) = store(tmp_path, serving(BAD[name]()))
    assert fault(found) is FetchFault.BAD_CONTENT
    kept = set() if name in {"html", "json", "nothing", "text"} else {"camp/sku/a.png.unproven"}
    assert files(tmp_path) == kept
    assert found.unproven == (kept.pop() if kept else None)


def test_a_4k_panorama_fits(tmp_path):
    (found,) = store(tmp_path, serving(picture("JPEG", size=(4096, 1755))), request("a.jpg"))
    assert isinstance(found, StoredArtifact)


def test_the_size_is_capped_by_promise_and_by_count(tmp_path):
    promised = serving(PNG, Content_Length="99999999999")
    assert fault(store(tmp_path, promised, max_bytes=1000)[0]) is FetchFault.BAD_CONTENT
    assert fault(store(tmp_path, serving(b"x" * 5000), max_bytes=1000)[0]) is FetchFault.BAD_CONTENT
    assert files(tmp_path) == set()
