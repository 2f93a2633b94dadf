"""Bodies that the output host compressed: unpacked piece by piece, within bounds, and proven like others."""

import gzip
import zlib

import pytest
from output_hosts import picture, serving
from storing import PNG, PNG_SHA, fault, files, store

from orchestrator.ports import FetchFault, StoredArtifact


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


PACKED = {
    "gzip": (gzip.compress(PNG), "gzip"),
    "x-gzip": (gzip.compress(PNG), "x-gzip"),
    "in capitals": (gzip.compress(PNG), "GZIP"),
    "gzip and no word of it": (gzip.compress(PNG), ""),
    "gzip in two members": (gzip.compress(PNG[:40]) + gzip.compress(PNG[40:]), "gzip"),
    "gzip with padding": (gzip.compress(PNG) + bytes(512), "gzip"),
    "deflate": (zlib.compress(PNG), "deflate"),
    "deflate without its head": (raw_deflate(PNG), "deflate"),
    "named and not compressed": (PNG, "gzip"),
    "identity": (PNG, "identity"),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_compressed_body_is_stored_as_the_picture_in_it(tmp_path, name):
    body, encoding = PACKED[name]
    host = serving(body, Content_Encoding=encoding, Content_Length=str(len(body)))
    (found,) = store(tmp_path, host)
    assert isinstance(found, StoredArtifact), found
    assert (found.sha256, found.bytes) == (PNG_SHA, len(PNG))


def test_a_large_picture_is_unpacked_in_pieces(tmp_path):
    whole = picture("PNG", size=(2000, 2000)) + bytes(3_000_000)
    (found,) = store(tmp_path, serving(gzip.compress(whole), Content_Encoding="gzip"))
    assert isinstance(found, StoredArtifact)
    assert found.bytes == len(whole)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(PNG)[:-6], "gzip"),
        (gzip.compress(PNG)[:11], "gzip"),
        (gzip.compress(PNG)[:40] + b"??" + gzip.compress(PNG)[42:], "gzip"),
        (b"<html>this is no gzip</html>", "gzip"),
        (gzip.compress(gzip.compress(PNG)), "gzip, gzip"),
        (PNG, "zstd"),
    ],
    ids=[
        "its end is missing",
        "its body is missing",
        "its middle is wrong",
        "a page",
        "packed twice",
        "zstd",
    ],
)
def test_a_body_that_cannot_be_unpacked_is_asked_for_again(tmp_path, body, encoding):
    (found,) = store(tmp_path, serving(body, Content_Encoding=encoding))
    assert fault(found) is FetchFault.TRANSIENT
    assert files(tmp_path) == set()


def test_a_body_that_unpacks_to_more_than_is_accepted_is_left_at_the_limit(tmp_path):
    bomb = gzip.compress(bytes(50_000_000))
    (found,) = store(tmp_path, serving(bomb, Content_Encoding="gzip"), max_bytes=1_000_000)
    assert fault(found) is FetchFault.BAD_CONTENT
    assert "larger than 1000000 bytes" in found.message
    assert files(tmp_path) == set()


def test_the_promised_length_is_that_of_the_compressed_body(tmp_path):
    body = gzip.compress(PNG)
    (found,) = store(tmp_path, serving(body, Content_Encoding="gzip", Content_Length=str(len(PNG))))
    assert fault(found) is FetchFault.TRANSIENT
