"""The sheet: self-contained, escaped, and nothing flagged can be sharpened out of it."""

import base64
import hashlib
import io
import re
from html import unescape
from pathlib import Path

from PIL import Image

from orchestrator.gallery.sheet import render
from orchestrator.gallery.thumbnails import BLURRED_SIDE, LONG_SIDE, Thumbnail, thumbnail
from orchestrator.gallery.tiles import Failure, GalleryPicture
from orchestrator.store.views.job_outputs import OutputRow
from orchestrator.store.views.jobs import JobRow


def job(prompt="a mug", **changes):
    values = {
        "id": 1, "campaign": "sale", "name": "hero", "run": "main", "key": "k", "ordinal": 0, "variation": 2,
        "state": "succeeded", "queue": None, "due_at": None, "reason": None, "message": None,
        "params": {"prompt": prompt, "resolution": "1k"}, "tags": {"sku": "A-1"}, "images": 1,
        "price_micros": 28_000,
        "cost_micros": 28_000, "attempts": 1, "tries_left": 2, "created_at": 0, "finished_at": 1,
        "prediction_id": "p",
        "inference_ms": 5, "trouble": None, "attention": None, "outputs": [],
    }  # fmt: skip
    return JobRow(**{**values, **changes})


def picture(prompt="a mug", *, nsfw=False):
    output = OutputRow(
        index=0,
        kept_from=None,
        state="stored",
        planned_path="a b.png",
        path="a b.png",
        sha256="00",
        bytes=9,
        media_type="image/png",
        width=640,
        height=480,
        nsfw=nsfw,
    )
    return GalleryPicture(job=job(prompt), output=output, file=Path("/x/a b.png"), href="outputs/a%20b.png")


def opened(small: Thumbnail) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(small.uri.partition(",")[2])))


def test_everything_in_the_page_is_inside_the_page_or_a_relative_link():
    html = unescape(
        render([(picture(), Thumbnail("data:image/webp;base64,AA", 9, 9))], [], title="T", total=1)
    )
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", html)
    assert "default-src 'none'" in html
    assert 'href="outputs/a%20b.png"' in html


def test_the_policy_admits_exactly_the_script_and_style_of_the_page():
    html = unescape(render([], [], title="T", total=0))
    for tag in ("script", "style"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html
    assert " onclick=" not in html
    assert " style=" not in html


def test_a_prompt_cannot_write_into_the_page():
    html = render(
        [(picture('"><script>alert(1)</script>'), Thumbnail("data:,", 9, 9))], [], title="<b>", total=1
    )
    assert "<script>alert" not in html
    assert "<title>&lt;b&gt;</title>" in html


def test_a_flagged_thumbnail_holds_too_few_pixels_to_be_sharpened(tmp_path):
    path = tmp_path / "a.png"
    Image.effect_noise((900, 600), 80).save(path)
    assert max(opened(thumbnail(path, blurred=False)).size) == LONG_SIDE
    assert max(opened(thumbnail(path, blurred=True)).size) <= BLURRED_SIDE
    html = render([(picture(nsfw=True), thumbnail(path, blurred=True))], [], title="T", total=1)
    assert "click to reveal" in html


def test_a_picture_that_is_gone_or_broken_says_so_in_its_tile(tmp_path):
    broken = tmp_path / "b.png"
    broken.write_bytes(b"not a picture")
    gone = thumbnail(tmp_path / "gone.png", blurred=False)
    assert gone.trouble == "The file is not there any more."
    assert "cannot be read as a picture" in thumbnail(broken, blurred=False).trouble
    assert gone.trouble in render([(picture(), gone)], [], title="T", total=1)


def test_a_failed_job_is_a_tile_that_explains_itself():
    failed = job(state="failed", reason="moderated", message="the content check refused it")
    html = render([], [Failure(failed)], title="T", total=0)
    assert "the content check refused it" in html
    assert "orchestrator jobs retry 1" in html


def test_the_same_data_gives_the_same_page():
    tiles = [(picture(), Thumbnail("data:,", 9, 9))]
    assert render(tiles, [], title="T", total=3) == render(tiles, [], title="T", total=3)
    assert "1 pictures of 3" in render(tiles, [], title="T", total=3)
