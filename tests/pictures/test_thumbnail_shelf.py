"""Small pictures are kept by content, made again where they are missing, and never harm the picture."""

import hashlib
import threading

import pytest
from PIL import Image

from orchestrator.pictures.background import WAITING_MAX, Thumbnailer
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.pictures.thumbnails import NoThumbnailError, ThumbnailKind


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "outputs").mkdir()  # where pictures are stored there is one
    return ThumbnailShelf(tmp_path / "outputs")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.effect_noise((500, 400), 60).save(path)
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_small_picture_is_made_when_it_is_looked_for_and_found_after_that(shelf, photo):
    sha256 = digest(photo)
    assert shelf.find(sha256, ThumbnailKind.SMALL) is None
    first = shelf.get(sha256, photo, ThumbnailKind.SMALL)
    photo.unlink()
    assert shelf.get(sha256, photo, ThumbnailKind.SMALL) == first
    assert (first.width, first.height) == (256, 205)
    assert shelf.path(sha256, ThumbnailKind.SMALL).parent.name == sha256[:2]


def test_one_that_was_cut_is_made_again(shelf, photo):
    sha256 = digest(photo)
    whole = shelf.get(sha256, photo, ThumbnailKind.SMALL).webp
    shelf.path(sha256, ThumbnailKind.SMALL).write_bytes(whole[:100])
    assert shelf.get(sha256, photo, ThumbnailKind.SMALL).webp == whole
    assert shelf.find(sha256, ThumbnailKind.SMALL) == whole


def test_another_content_is_never_shown_under_a_digest(shelf, photo):
    sha256 = digest(photo)
    Image.new("RGB", (30, 30)).save(photo)
    assert (
        shelf.get(sha256, photo, ThumbnailKind.SMALL).trouble == "The file has changed since it was stored."
    )
    assert shelf.find(sha256, ThumbnailKind.SMALL) is None


def test_a_file_that_is_gone_or_broken_is_told_in_words(shelf, tmp_path):
    gone = shelf.get("ab" * 32, tmp_path / "gone.png", ThumbnailKind.LARGE)
    assert gone.trouble == "The file is not there any more."
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    assert "cannot be read as a picture" in shelf.get(digest(broken), broken, ThumbnailKind.LARGE).trouble


def test_of_a_flagged_picture_only_the_blurred_one_is_kept(shelf, photo):
    sha256 = digest(photo)
    assert shelf.get(sha256, photo, ThumbnailKind.BLURRED).width == 20
    assert shelf.find(sha256, ThumbnailKind.SMALL) is None
    assert shelf.find(sha256, ThumbnailKind.LARGE) is None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_shows_the_picture(tmp_path, photo):
    (tmp_path / "file").write_text("no folder")
    shelf = ThumbnailShelf(tmp_path / "file")
    assert shelf.get(digest(photo), photo, ThumbnailKind.SMALL).width == 256


def test_pictures_of_a_run_are_made_in_the_background(shelf, photo):
    thumbnailer = Thumbnailer(shelf)
    thumbnailer.offer(digest(photo), photo, flagged=False)
    thumbnailer.offer("ab" * 32, photo.with_name("gone.png"), flagged=False)
    while shelf.find(digest(photo), ThumbnailKind.SMALL) is None:
        threading.Event().wait(0.005)
    thumbnailer.close()
    thumbnailer.offer(digest(photo), photo, flagged=False)  # closed: nothing, and no error


class BusyShelf(ThumbnailShelf):
    """Makes nothing until it is let go."""

    def __init__(self, root):
        super().__init__(root)
        self.go, self.made = threading.Event(), []

    def add(self, sha256, source, *, flagged):
        self.go.wait(10)
        self.made.append(sha256)
        raise NoThumbnailError("never")


def test_what_the_background_cannot_keep_up_with_is_left_out(tmp_path):
    shelf = BusyShelf(tmp_path)
    thumbnailer = Thumbnailer(shelf)
    for number in range(WAITING_MAX + 50):
        thumbnailer.offer(str(number), tmp_path, flagged=False)
    shelf.go.set()
    thumbnailer._pool.shutdown(wait=True)
    assert shelf.made == [str(number) for number in range(WAITING_MAX)]
