"""Copies of stored pictures: whole, durable, with a sidecar, and of the picture that was stored or none."""

import asyncio
import json
from dataclasses import replace

from output_hosts import Host, serving
from storing import PNG, PNG_SHA, fault, files, request, store

from orchestrator.artifacts import LocalArtifacts
from orchestrator.ports import CopyRequest, FetchFault, StoredArtifact


def stored(root, **more) -> StoredArtifact:
    (found,) = store(root, serving(PNG), request(**more))
    assert isinstance(found, StoredArtifact)
    return found


def copy(root, of: StoredArtifact, path: str, **options):
    async def play():
        artifacts = LocalArtifacts(root, Host(lambda _request: None), **options)
        try:
            return await artifacts.copy(CopyRequest(of, path))
        finally:
            await artifacts.aclose()

    return asyncio.run(play())


def test_a_copy_has_the_bytes_of_its_picture_and_a_file_of_its_own(tmp_path):
    of = stored(tmp_path, sidecar={"job": 7, "prediction_id": "p"})
    made = copy(tmp_path, of, "new/folder/b.png")
    assert made == replace(of, path="new/folder/b.png")
    assert (tmp_path / made.path).read_bytes() == PNG
    (tmp_path / made.path).write_bytes(b"retouched")
    assert (tmp_path / of.path).read_bytes() == PNG


def test_its_sidecar_says_what_it_is_of_and_which_task_made_it(tmp_path):
    of = stored(tmp_path, sidecar={"job": 7, "prediction_id": "p"})
    copy(tmp_path, of, "b.png")
    said = json.loads((tmp_path / "b.png.json").read_bytes())
    assert (said["path"], said["copy_of"], said["prediction_id"], said["sha256"]) == (
        "b.png", of.path, "p", PNG_SHA,
    )  # fmt: skip
    assert (tmp_path / "b.png").stat().st_mode & 0o007 == 0


def test_making_it_again_changes_nothing(tmp_path):
    of = stored(tmp_path)
    copy(tmp_path, of, "b.png")
    before = {name: (tmp_path / name).stat().st_ino for name in files(tmp_path)}
    assert copy(tmp_path, of, "b.png") == replace(of, path="b.png")
    assert {name: (tmp_path / name).stat().st_ino for name in files(tmp_path)} == before


def test_a_sidecar_that_a_crash_kept_away_is_written_when_it_is_made_again(tmp_path):
    of = stored(tmp_path)
    copy(tmp_path, of, "b.png")
    (tmp_path / "b.png.json").unlink()
    copy(tmp_path, of, "b.png")
    assert (tmp_path / "b.png.json").exists()


def test_without_sidecars_none_is_written(tmp_path):
    of = stored(tmp_path)
    copy(tmp_path, of, "b.png", sidecar=False)
    assert not (tmp_path / "b.png.json").exists()


def test_the_extension_tells_the_truth_and_a_flagged_picture_stays_in_quarantine(tmp_path):
    of = stored(tmp_path, nsfw=True)
    made = copy(tmp_path, of, "b.jpg")
    assert made.path == "quarantine/b.png"


def test_nothing_is_overwritten(tmp_path):
    of = stored(tmp_path)
    (tmp_path / "b.png").write_bytes(b"mine")
    assert fault(copy(tmp_path, of, "b.png")) is FetchFault.COLLISION
    assert (tmp_path / "b.png").read_bytes() == b"mine"


def test_a_picture_that_is_gone_or_was_changed_is_not_copied(tmp_path):
    of = stored(tmp_path)
    (tmp_path / of.path).write_bytes(b"retouched")
    assert fault(copy(tmp_path, of, "b.png")) is FetchFault.GONE
    (tmp_path / of.path).unlink()
    assert fault(copy(tmp_path, of, "b.png")) is FetchFault.GONE
    (tmp_path / of.path).symlink_to("/etc/passwd")
    assert fault(copy(tmp_path, of, "b.png")) is FetchFault.GONE
    assert "b.png" not in files(tmp_path)
    assert not list((tmp_path / ".orchestrator-tmp").iterdir())


def test_a_copy_leaves_the_output_folder_by_no_trick(tmp_path):
    of = stored(tmp_path)
    assert fault(copy(tmp_path, of, "../b.png")) is FetchFault.COLLISION
