"""The quicker proof accepts nothing that the decoder refuses."""

import io
import zlib
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from orchestrator.artifacts.png import has_every_row

MODES = ("L", "LA", "RGB", "RGBA")


def chunk(name: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + name + content + pack(">I", zlib.crc32(name + content))


def png(header: bytes, rows: bytes, *extra: bytes, after: bytes = b"") -> bytes:
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            *extra,
            chunk(b"IDAT", rows),
            after,
            chunk(b"IEND", b""),
        ]
    )


def written(mode: str = "RGB", size: tuple[int, int] = (13, 9), **how: object) -> bytes:
    image, buffer = Image.effect_noise(size, 60).convert(mode), io.BytesIO()
    image.save(buffer, "PNG", **how)
    return buffer.getvalue()


def decodes(content: bytes) -> bool:
    try:
        with PngImageFile(io.BytesIO(content)) as image:
            image.load()
    except Exception:  # noqa: BLE001 - whatever it says, it refuses
        return False
    return True


def proven(content: bytes) -> bool:
    """As `pictures.decode` uses it: a decoder reads what comes before the rows."""
    try:
        with PngImageFile(io.BytesIO(content)):
            return has_every_row(io.BytesIO(content))
    except Exception:  # noqa: BLE001 - whatever it says, it refuses
        return False


RGB_2X2 = pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
ROWS = b"\x00abcdef" * 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("level", [0, 9])
def test_pictures_as_programs_write_them_are_proven(mode, level):
    text = PngInfo()
    text.add_text("prompt", "a beach")
    assert proven(written(mode, compress_level=level, pnginfo=text))


def test_a_comment_after_the_rows_is_no_hindrance():
    assert proven(png(RGB_2X2, zlib.compress(ROWS), after=chunk(b"tEXt", b"late\x00word")))


def test_a_picture_of_several_pieces_is_proven():
    content = written("RGB", (400, 300))
    assert content.count(b"IDAT") > 1
    assert proven(content)


@pytest.mark.parametrize(
    "content",
    [
        png(RGB_2X2, zlib.compress(ROWS[:-1])),
        png(RGB_2X2, zlib.compress(ROWS + b"x")),
        png(RGB_2X2, zlib.compress(ROWS + b"x" * 1_000_000)),
        png(RGB_2X2, zlib.compress(ROWS) + b"more"),
        png(RGB_2X2, zlib.compress(ROWS)[:-1]),
        png(RGB_2X2, zlib.compress(b"\x00abcdef\x05abcdef")),
        png(RGB_2X2, zlib.compress(ROWS), chunk(b"acTL", pack(">II", 2, 0))),
        png(RGB_2X2, zlib.compress(ROWS), after=chunk(b"eXIf", b"late")),
        png(RGB_2X2, zlib.compress(ROWS), after=chunk(b"tEXt", b"long\x00" + b"x" * (1 << 20))),
        png(RGB_2X2, zlib.compress(ROWS), after=chunk(b"IDAT", b"")),
        png(
            RGB_2X2,
            zlib.compress(ROWS)[:5],
            after=chunk(b"tEXt", b"k\x00v") + chunk(b"IDAT", zlib.compress(ROWS)[5:]),
        ),
        png(RGB_2X2, zlib.compress(ROWS), chunk(b"zTXt", b"packed\x00\x00" + zlib.compress(b"word"))),
        png(RGB_2X2[:-1] + b"\x01", zlib.compress(ROWS)),
        png(pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0), zlib.compress(ROWS)),
        png(pack(">IIBBBBB", 0, 2, 8, 2, 0, 0, 0), zlib.compress(b"\x00\x00")),
        png(RGB_2X2, zlib.compress(ROWS)) + b"more",
        png(RGB_2X2, zlib.compress(ROWS))[:-12],
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_decoder(content):
    assert proven(png(RGB_2X2, zlib.compress(ROWS)))
    assert not proven(content)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", png(RGB_2X2, b"")[20:]])
def test_what_is_no_png_proves_nothing(content):
    assert not has_every_row(io.BytesIO(content))


@given(
    mode=st.sampled_from(MODES),
    level=st.sampled_from([0, 1, 9]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 4)), max_size=3),
    cut=st.none() | st.integers(0, 10_000),
)
def test_nothing_is_proven_that_the_decoder_refuses_after_bytes_were_changed(mode, level, changes, cut):
    content = bytearray(written(mode, compress_level=level))
    for place, put, taken in changes:
        at = place % len(content)
        content[at : at + taken] = put
    if cut is not None:
        del content[cut % (len(content) + 1) :]
    assert decodes(bytes(content)) or not proven(bytes(content))


@given(
    width=st.integers(0, 4),
    height=st.integers(0, 4),
    bits=st.sampled_from([1, 8, 16]),
    colours=st.integers(0, 7),
    methods=st.tuples(*[st.integers(0, 1)] * 3),
    rows=st.binary(max_size=70).map(lambda rows: bytes(b % 6 for b in rows)),
    exact=st.booleans(),
    extra=st.sampled_from([b"", b"tRNS", b"PLTE", b"acTL", b"fcTL", b"tEXt", b"iCCP", b"eXIf", b"xxxx"]),
    filled=st.binary(max_size=8),
    late=st.booleans(),
)
def test_nothing_is_proven_that_the_decoder_refuses_whatever_a_whole_file_says(  # noqa: PLR0913
    width, height, bits, colours, methods, rows, exact, extra, filled, late
):
    if exact:
        stride = 1 + width * {0: 1, 2: 3, 4: 2, 6: 4}.get(colours, 1)
        rows = (rows * (stride * height))[: stride * height] if rows else bytes(stride * height)
    header = pack(">IIBBBBB", width, height, bits, colours, *methods)
    more = chunk(extra, filled) if extra else b""
    content = png(header, zlib.compress(rows), b"" if late else more, after=more if late else b"")
    assert decodes(content) or not proven(content)
