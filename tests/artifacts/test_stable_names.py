"""Stable names on the disk: switched in one step, proved by digests, and nobody else's file is touched."""

import asyncio
import hashlib

import pytest

from orchestrator.artifacts.files import RealFiles
from orchestrator.artifacts.stable import FolderNames
from orchestrator.ports import StableDone, StableSwitch

OLD, NEW = b"the old picture", b"the new picture"


class LightsOut(BaseException):
    """Everything ends here."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def root(tmp_path):
    (tmp_path / "n1").mkdir()
    (tmp_path / "n1/mug.png").write_bytes(OLD)
    (tmp_path / "n2").mkdir()
    (tmp_path / "n2/mug.png").write_bytes(NEW)
    return tmp_path


def to(of: str | None, content: bytes | None, had: bytes | None = None, **more) -> StableSwitch:
    return StableSwitch(
        **{
            "path": "latest/mug.png",
            "of": of,
            "sha256": digest(content) if content else None,
            "place": "latest/mug.png" if had else None,
            "had": digest(had) if had else None,
            **more,
        }
    )


def switch(root, wanted, **how) -> StableDone:
    return asyncio.run(FolderNames(root, **how).switch(wanted))


def test_a_name_is_a_copy_that_a_later_one_replaces(root):
    assert switch(root, to("n1/mug.png", OLD)) == StableDone("latest/mug.png")
    switch(root, to("n2/mug.png", NEW, had=OLD))
    name = root / "latest/mug.png"
    assert name.read_bytes() == NEW
    name.write_bytes(b"retouched")
    assert (root / "n2/mug.png").read_bytes() == NEW


@pytest.mark.parametrize("point", ["stable.copied", "stable.named"])
def test_whatever_ends_it_the_name_holds_a_whole_picture_and_the_next_try_ends_it(root, point):
    switch(root, to("n1/mug.png", OLD))

    def cut(name: str) -> None:
        if name == point:
            raise LightsOut

    wanted = to("n2/mug.png", NEW, had=OLD)
    with pytest.raises(LightsOut):
        switch(root, wanted, crashpoint=cut)
    assert (root / "latest/mug.png").read_bytes() in {OLD, NEW}
    assert switch(root, wanted) == StableDone("latest/mug.png")
    assert (root / "latest/mug.png").read_bytes() == NEW


def test_a_picture_that_is_not_as_it_was_stored_never_gets_the_name(root):
    switch(root, to("n1/mug.png", OLD))
    (root / "n2/mug.png").write_bytes(b"half")
    done = switch(root, to("n2/mug.png", NEW, had=OLD))
    assert "not there as it was stored" in done.trouble
    assert (root / "latest/mug.png").read_bytes() == OLD


def test_a_file_of_somebody_else_under_the_name_stays(root):
    (root / "latest").mkdir()
    (root / "latest/mug.png").write_bytes(b"my own")
    done = switch(root, to("n1/mug.png", OLD))
    assert "stays" in done.trouble
    assert (root / "latest/mug.png").read_bytes() == b"my own"


def test_a_name_without_a_good_picture_goes_and_one_that_was_retouched_stays(root):
    switch(root, to("n1/mug.png", OLD))
    assert switch(root, to(None, None, had=OLD)) == StableDone()
    assert not (root / "latest/mug.png").exists()
    (root / "latest/mug.png").write_bytes(b"retouched")
    switch(root, to(None, None, had=OLD))
    assert (root / "latest/mug.png").exists()


def test_another_type_brings_another_extension_and_the_former_file_goes(root):
    switch(root, to("n1/mug.png", OLD))
    done = switch(root, to("n2/mug.png", NEW, had=OLD, media_type="image/jpeg"))
    assert done == StableDone("latest/mug.jpg")
    assert sorted(path.name for path in (root / "latest").iterdir()) == ["mug.jpg"]


def test_a_full_disk_is_told_and_changes_nothing(root):
    class Full(RealFiles):
        def write(self, temp, content):
            raise OSError(28, "No space left on device")

    switch(root, to("n1/mug.png", OLD))
    done = switch(root, to("n2/mug.png", NEW, had=OLD), files=Full())
    assert done.place == "latest/mug.png"
    assert done.trouble
    assert (root / "latest/mug.png").read_bytes() == OLD


def test_a_list_is_replaced_whole(root):
    names = FolderNames(root)
    for lines in (["a\n", "b\n"], ["c\n"]):
        assert asyncio.run(names.write_index("latest/list.jsonl", lines)) == StableDone("latest/list.jsonl")
    assert (root / "latest/list.jsonl").read_text() == "c\n"


def test_a_name_never_leaves_the_output_folder(root):
    done = switch(root, to("n1/mug.png", OLD, path="../mug.png"))
    assert "is not" in done.trouble or "has the part" in done.trouble
