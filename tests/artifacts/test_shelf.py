"""What lies in a folder of outputs, as sidecars tell it."""

import hashlib
import json

import pytest

from orchestrator.artifacts import shelf as shelves
from orchestrator.artifacts.shelf import FolderShelf
from orchestrator.ports import PictureState


@pytest.fixture
def put(tmp_path):
    """Writes a picture with a sidecar."""

    def put(path: str, content: bytes = b"picture", **said) -> None:
        picture = tmp_path / path
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(content)
        picture.with_name(picture.name + ".json").write_text(json.dumps(said))

    return put


@pytest.mark.parametrize(
    "path",
    [
        "a/x.png",
        "a/x.jpg",
        "a/x~12.png",
        "a/x~0a1b2c3d.png",
        "quarantine/a/x.png",
        "quarantine/a/x~7.jpg",
        "a/X.PNG",
    ],
)
def test_a_picture_is_found_under_every_name_that_its_planned_one_may_have_become(tmp_path, put, path):
    put(path, key="k")
    (kept,) = FolderShelf(tmp_path).near("a/x.png")
    assert (kept.path, kept.said) == (path, {"key": "k"})


@pytest.mark.parametrize("path", ["a/xx.png", "b/x.png", "x.png", "a/y~x.png"])
def test_other_pictures_are_not_near(tmp_path, put, path):
    put(path)
    assert FolderShelf(tmp_path).near("a/x.png") == []


def test_a_folder_is_listed_once_and_forgotten_when_too_many_names_are_remembered(tmp_path, put, monkeypatch):
    monkeypatch.setattr(shelves, "_NAMES_MAX", 4)
    for folder in "abcdef":
        put(f"{folder}/x.png")
    shelf = FolderShelf(tmp_path)
    for _ in range(2):
        for folder in "abcdef":
            assert len(shelf.near(f"{folder}/x.png")) == 1
            assert shelf.near(f"{folder}/y.png") == []
    assert len(shelf._listed) < 6


def test_everything_is_every_picture_with_or_without_a_sidecar(tmp_path, put):
    put("a/x.png")
    put("b/y.jpg")
    put(".orchestrator-tmp/z.png")
    put(".orchestrator/thumbnails/aa/z-256.webp")
    (tmp_path / "a/alone.png").write_bytes(b"")
    (tmp_path / "a/x~changed-1.png").write_bytes(b"a retouch")
    (tmp_path / "notes.json").write_text("{}")
    found = {kept.path: kept.why for kept in FolderShelf(tmp_path).everything()}
    assert found == {"a/alone.png": "it has no sidecar", "a/x.png": "", "b/y.jpg": ""}


def test_a_file_is_compared_by_its_size_and_then_by_its_bytes(tmp_path, put):
    put("x.png", b"12345")
    digest, shelf = hashlib.sha256(b"12345").hexdigest(), FolderShelf(tmp_path)
    assert shelf.state("x.png", sha256=digest, size=5) is PictureState.SAME
    assert shelf.state("x.png", sha256=digest, size=6) is PictureState.CHANGED
    assert shelf.state("x.png", sha256="0" * 64, size=5) is PictureState.CHANGED
    assert shelf.state("x.png", sha256="0" * 64, size=5, quick=True) is PictureState.SAME
    assert shelf.state("no/y.png", sha256=digest, size=5) is PictureState.MISSING
    (tmp_path / "link.png").symlink_to(tmp_path / "x.png")
    assert shelf.state("link.png", sha256=digest, size=5) is PictureState.CHANGED


def test_a_file_that_is_set_aside_replaces_nothing_and_can_be_put_back(tmp_path, put):
    put("x.png", b"new")
    put("x~changed-1.png", b"older")
    shelf = FolderShelf(tmp_path)
    aside = shelf.set_aside("x.png")
    assert (aside, (tmp_path / "x~changed-1.png").read_bytes()) == ("x~changed-2.png", b"older")
    assert not (tmp_path / "x.png").exists()
    shelf.put_back(aside, "x.png")
    assert (tmp_path / "x.png").read_bytes() == b"new"
    put("x~changed-2.png")
    with pytest.raises(FileExistsError):
        shelf.put_back("x~changed-2.png", "x.png")


def test_a_picture_that_has_its_clean_name_no_more_is_near_it(tmp_path):
    folder = tmp_path / "shop" / ".superseded"
    folder.mkdir(parents=True)
    (folder / "mug~12-1.png.json").write_text('{"sha256": "ab"}')
    assert [kept.path for kept in FolderShelf(tmp_path).near("shop/mug.png")] == [
        "shop/.superseded/mug~12-1.png"
    ]
