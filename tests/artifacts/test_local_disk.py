"""Our own disk in trouble: a storage fault that says why, and a repeat that heals."""

import errno
import os

import pytest
from output_hosts import FailingFiles, serving
from storing import PNG, fault, files, store

from orchestrator.artifacts import LocalArtifacts
from orchestrator.ports import FetchFault, StoredArtifact

OPERATIONS = [
    ("make_folder", 1),
    ("make_folder", 2),
    ("open_temp", 1),
    ("open_temp", 2),
    ("write", 1),
    ("write", 2),
    ("write", 3),
    ("fsync", 1),
    ("fsync", 2),
    ("publish", 1),
    ("replace", 1),
    ("fsync_dir", 1),
    ("fsync_dir", 4),
]


@pytest.mark.parametrize(("operation", "number"), OPERATIONS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_anywhere_is_a_storage_fault_and_a_repeat_heals(tmp_path, operation, number, code):
    (found,) = store(tmp_path, serving(PNG), files=FailingFiles(operation, number, code))
    assert fault(found) is FetchFault.STORAGE
    assert os.strerror(code) in found.message
    assert not list((tmp_path / ".orchestrator-tmp").glob("*"))
    (again,) = store(tmp_path, serving(PNG))
    assert isinstance(again, StoredArtifact)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}


def test_too_many_open_files_pass_and_do_not_stop_everything(tmp_path):
    (found,) = store(tmp_path, serving(PNG), files=FailingFiles("open_temp", 1, errno.EMFILE))
    assert fault(found) is FetchFault.TRANSIENT


def test_a_writable_root_is_probed_and_left_as_it_was(tmp_path):
    artifacts = LocalArtifacts(tmp_path / "out", serving(PNG))
    assert artifacts.check_writable() is None
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("operation", "code"), [("write", errno.ENOSPC), ("fsync", errno.EIO), ("open_temp", errno.EROFS)]
)
def test_a_root_that_takes_no_file_says_why(tmp_path, operation, code):
    artifacts = LocalArtifacts(tmp_path, serving(PNG), files=FailingFiles(operation, 1, code))
    message = artifacts.check_writable()
    assert message is not None
    assert os.strerror(code) in message
    assert str(tmp_path) in message
    assert files(tmp_path) == set()


def test_a_root_that_is_a_file_says_why(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    artifacts = LocalArtifacts(tmp_path / "out", serving(PNG))
    assert "out" in (artifacts.check_writable() or "")
