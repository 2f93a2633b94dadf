"""The disk forgets what it may forget, and nothing else."""

import random
from pathlib import Path

import pytest

from powerloss.disk import Disk, applied
from powerloss.trace import calls

A, B = "out/a", "out/b"


def hexed(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def played(folder: Path, *lines: str) -> Disk:
    """A disk after the lines of a trace of one thread, or of threads where a line says so; `{word}` is
    made a text."""
    (folder / "out").mkdir()
    disk = Disk(folder, ["out"])
    log = folder / "trace"
    log.write_text("".join(f"{line if line[0].isdigit() else '7 ' + line}\n" for line in lines))
    for call in calls(log):
        disk.play(call)
    return disk


OPEN = f"openat(AT_FDCWD, {hexed(A)}, O_RDWR|O_CREAT|O_CLOEXEC, 0640) = 5"
FOLDER = f"openat(AT_FDCWD, {hexed('out')}, O_RDONLY|O_CLOEXEC|O_DIRECTORY) = 6"
WRITE = f"write(5, {hexed('hello')}, 5) = 5"


def test_what_was_not_synced_is_gone(tmp_path):
    assert played(tmp_path, OPEN, WRITE).dropped() == {}


def test_a_synced_file_without_a_synced_name_is_gone(tmp_path):
    assert played(tmp_path, OPEN, WRITE, "fsync(5) = 0").dropped() == {}


def test_a_synced_name_without_synced_content_is_empty(tmp_path):
    assert played(tmp_path, OPEN, WRITE, FOLDER, "fsync(6) = 0").dropped() == {tmp_path / A: b""}


def test_content_and_name_that_were_synced_are_there(tmp_path):
    disk = played(tmp_path, OPEN, WRITE, "fsync(5) = 0", FOLDER, "fsync(6) = 0", WRITE)
    assert disk.dropped() == {tmp_path / A: b"hello"}


def test_a_write_that_ends_while_a_sync_runs_is_not_covered_by_it(tmp_path):
    disk = played(
        tmp_path,
        OPEN,
        FOLDER,
        "fsync(6) = 0",
        "8 fsync(5 <unfinished ...>",
        WRITE,
        "8 <... fsync resumed>) = 0",
    )
    assert disk.dropped() == {tmp_path / A: b""}


def test_a_link_is_a_name_of_its_own(tmp_path):
    link = f"linkat(AT_FDCWD, {hexed(A)}, AT_FDCWD, {hexed(B)}, 0) = 0"
    lines = (OPEN, WRITE, "fsync(5) = 0", link, FOLDER, "fsync(6) = 0", f"unlink({hexed(A)}) = 0")
    assert played(tmp_path, *lines).dropped() == dict.fromkeys((tmp_path / A, tmp_path / B), b"hello")


def test_what_failed_has_not_happened(tmp_path):
    lines = (OPEN, "fsync(5) = -1 EIO (Input/output error)", FOLDER, WRITE, "fsync(6) = 0")
    assert played(tmp_path, *lines).dropped() == {tmp_path / A: b""}


def test_a_torn_image_holds_whole_sectors_of_the_old_and_the_new(tmp_path):
    written = f"pwrite64(5, {hexed(b'x' * 8192)}, 8192, 0) = 8192"
    disk = played(tmp_path, OPEN, FOLDER, "fsync(6) = 0", written)
    seen = {disk.torn(random.Random(seed))[tmp_path / A] for seed in range(50)}
    sectors = {content[start : start + 512] for content in seen for start in range(0, len(content), 512)}
    assert len(seen) > 20
    assert sectors == {b"x" * 512, b"\0" * 512}


def test_a_call_that_is_not_modelled_is_an_error(tmp_path):
    with pytest.raises(AssertionError, match="not understood"):
        played(tmp_path, OPEN, f"pwritev(5, [{{iov_base={hexed('hello')}, iov_len=5}}], 1, 0) = 5")


def test_writes_are_applied_in_order():
    assert applied(b"abcdef", [(2, b"XY"), (3, None), (5, b"z")]) == b"abX\0\0z"
