"""A stored output: the picture and its sidecar, durable and for few eyes, where the policy wants it."""

import json
import os

import pytest
from output_hosts import DyingFiles, serving
from storing import PNG, PNG_SHA, files, request, store

from orchestrator.ports import DiscardedArtifact, StoredArtifact


def test_a_picture_is_stored_with_what_it_is_and_a_sidecar(tmp_path):
    (found,) = store(tmp_path, serving(PNG), request(sidecar={"prompt": "é", "price_usd": "0.028"}))
    assert found == StoredArtifact(
        path="camp/sku/a.png", sha256=PNG_SHA, bytes=len(PNG), media_type="image/png", width=40, height=30
    )
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG
    sidecar = json.loads((tmp_path / "camp/sku/a.png.json").read_text("utf-8"))
    assert sidecar["prompt"] == "é"
    assert sidecar["sha256"] == PNG_SHA
    assert (sidecar["width"], sidecar["nsfw"]) == (40, False)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}


def test_without_sidecars_there_is_only_the_picture(tmp_path):
    store(tmp_path, serving(PNG), sidecar=False)
    assert files(tmp_path) == {"camp/sku/a.png"}


def test_files_and_folders_are_not_for_everybody(tmp_path):
    old = os.umask(0)
    try:
        store(tmp_path / "new" / "root", serving(PNG))
    finally:
        os.umask(old)
    for path in (tmp_path / "new").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o750 if path.is_dir() else 0o640), path


def test_nothing_is_published_before_it_is_durable(tmp_path):
    tracked = DyingFiles()
    store(tmp_path, serving(PNG), files=tracked)
    made = [entry for entry in tracked.log if not entry.startswith("fsync_dir") or entry == "fsync_dir sku"]
    assert made == ["fsync", "fsync", "publish", "replace", "fsync_dir sku"]


def test_the_request_carries_no_credentials_and_asks_for_no_coding(tmp_path):
    host = serving(PNG)

    store(tmp_path, host)
    assert not {"authorization", "cookie"} & set(host.requests[0].headers)
    assert host.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("policy", "nsfw", "path"),
    [
        ("quarantine", True, "quarantine/camp/sku/a.png"),
        ("quarantine", False, "camp/sku/a.png"),
        ("quarantine", None, "camp/sku/a.png"),
        ("keep", True, "camp/sku/a.png"),
        ("discard", False, "camp/sku/a.png"),
    ],
)
def test_a_flagged_output_goes_where_the_policy_says(tmp_path, policy, nsfw, path):
    (found,) = store(tmp_path, serving(PNG), request(nsfw=nsfw), policy=policy)
    assert isinstance(found, StoredArtifact)
    assert found.path == path
    assert (tmp_path / path).read_bytes() == PNG


def test_a_discarded_output_is_verified_and_leaves_nothing(tmp_path):
    (found,) = store(tmp_path, serving(PNG), request(nsfw=True), policy="discard")
    assert found == DiscardedArtifact(
        sha256=PNG_SHA, bytes=len(PNG), media_type="image/png", width=40, height=30
    )
    assert files(tmp_path) == set()
