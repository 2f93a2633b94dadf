"""Small pictures are begun when a picture is stored and answered for, and nothing about them reaches it."""

from output_hosts import serving
from storing import PNG, PNG_SHA, files, request, store

from orchestrator.artifacts.places import NsfwPolicy
from orchestrator.pictures.background import Thumbnailer
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.ports import StoredArtifact


class NotedThumbnailer(Thumbnailer):
    """Makes nothing, and notes what it was offered."""

    def __init__(self, root):
        super().__init__(ThumbnailShelf(root))
        self.offered = []

    def offer(self, sha256, source, *, flagged):
        assert source.is_file()
        self.offered.append((sha256, source.name, flagged))


class BrokenShelf(ThumbnailShelf):
    """Fails in every way that nobody has foreseen."""

    def add(self, sha256, source, *, flagged):
        raise RuntimeError("the encoder is broken")


def test_what_is_stored_is_offered_with_its_flag_and_what_is_discarded_is_not(tmp_path):
    noted = NotedThumbnailer(tmp_path)
    wanted = [request("a.png"), request("b.png", nsfw=True)]
    store(tmp_path, serving(PNG), *wanted, thumbnailer=noted)
    assert noted.offered == [(PNG_SHA, "a.png", False), (PNG_SHA, "b.png", True)]
    noted.offered.clear()
    options = {"policy": NsfwPolicy.DISCARD, "thumbnailer": noted}
    store(tmp_path, serving(PNG), request("c.png", nsfw=True), **options)
    assert noted.offered == []


def test_a_small_picture_that_cannot_be_made_harms_no_picture(tmp_path):
    broken = Thumbnailer(BrokenShelf(tmp_path))
    first, second = store(tmp_path, serving(PNG), request("a.png"), request("b.png"), thumbnailer=broken)
    assert isinstance(first, StoredArtifact)
    assert isinstance(second, StoredArtifact)
    assert files(tmp_path) == {"a.png", "a.png.json", "b.png", "b.png.json"}
