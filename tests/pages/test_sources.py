"""A picture that another job has made is the source of what follows, wherever a page is written or served."""

from pathlib import Path

from PIL import Image

from orchestrator.pages.sources import SourcePicture
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.web.review.links import ServedLinks


def test_a_source_that_a_job_has_made_is_found_under_the_output_root(tmp_path):
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "taken.png")
    links = ServedLinks(tmp_path, ThumbnailShelf(tmp_path))
    taken = SourcePicture("taken.png", job_id=7, sha256="a" * 64, path=Path("taken.png"))
    gone = SourcePicture("gone.png", job_id=7, sha256="b" * 64, path=Path("gone.png"))
    assert links.source(taken) == f"/sources/7/{'a' * 64}-256.webp"
    assert links.source(gone) == ""
