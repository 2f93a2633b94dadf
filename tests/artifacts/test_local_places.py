"""Where an output may go: inside the root, under a name, through no link."""

import pytest
from output_hosts import serving
from storing import PNG, PNG_SHA, fault, files, request, store

from orchestrator.ports import FetchFault


@pytest.mark.parametrize(
    "path",
    [
        "../a.png",
        "/etc/a.png",
        "a/../../b.png",
        "a//b.png",
        "./a.png",
        "a/./b.png",
        "",
        ".",
        "a/",
        "a\\b.png",
        "a\x00.png",
        "a\n.png",
        "x" * 300 + ".png",
        "ä" * 130 + ".png",
        ".orchestrator-tmp/a.png",
        ".orchestrator/thumbnails/aa/a.png",
    ],
)
def test_a_path_that_leaves_the_root_or_is_no_name_is_refused_before_any_request(tmp_path, path):
    host = serving(PNG)
    assert fault(store(tmp_path / "root", host, request(path))[0]) is FetchFault.COLLISION
    assert host.requests == []
    assert files(tmp_path) == set()


def test_a_linked_folder_that_leads_out_is_refused(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "camp").symlink_to(outside)
    assert fault(store(root, serving(PNG))[0]) is FetchFault.COLLISION
    assert files(outside) == set()


def test_a_link_or_a_folder_in_the_place_of_the_file_is_a_collision(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside.png"
    (root / "camp/sku").mkdir(parents=True)
    (root / "camp/sku/a.png").symlink_to(outside)
    (root / "camp/sku/b.png").mkdir()
    first, second = store(root, serving(PNG), request(), request("camp/sku/b.png"))
    assert fault(first) is FetchFault.COLLISION
    assert fault(second) is FetchFault.COLLISION
    assert not outside.exists()


def test_a_link_to_a_file_with_the_same_bytes_is_still_not_our_file(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside.png"
    (root / "camp/sku").mkdir(parents=True)
    outside.write_bytes(PNG)
    (root / "camp/sku/a.png").symlink_to(outside)
    assert fault(store(root, serving(PNG), request(known_sha256=PNG_SHA))[0]) is FetchFault.COLLISION


def test_a_file_in_the_place_of_a_folder_is_a_collision(tmp_path):
    (tmp_path / "camp").write_bytes(b"")
    assert fault(store(tmp_path, serving(PNG))[0]) is FetchFault.COLLISION
