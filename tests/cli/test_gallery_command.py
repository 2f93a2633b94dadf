"""Where a page is written: nothing but a plain page of ours is ever replaced, and others cannot read it."""

import os
import stat

import pytest

from orchestrator.core.errors import ExitCode


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_umask():
    old = os.umask(0)
    yield
    os.umask(old)


def test_a_page_replaces_an_earlier_page(shell):
    shell("apply", shell.manifest())
    assert shell("gallery") == ExitCode.DONE
    first = (shell.folder / "gallery.html").stat().st_ino
    assert shell("gallery") == ExitCode.DONE
    assert (shell.folder / "gallery.html").stat().st_ino != first


@pytest.mark.parametrize(
    "content", ["sku,photo\nA,a.png\n", "<!doctype html><title>Mine</title>", "\x00\xff"]
)
def test_a_file_that_is_no_page_of_ours_is_left_alone(shell, content):
    shell("apply", shell.manifest())
    keep = shell.folder / "keep.csv"
    keep.write_text(content)
    assert shell("gallery", "-o", "keep.csv") == ExitCode.UNEXPECTED
    assert "keep.csv is there already and is no page" in shell.said
    assert keep.read_text() == content


def test_what_is_no_plain_file_is_left_alone(shell):
    shell("apply", shell.manifest())
    os.mkfifo(shell.folder / "pipe")
    page = shell.folder / "page.html"
    shell("gallery", "-o", "page.html")
    (shell.folder / "link").symlink_to(page)
    (shell.folder / "nowhere").symlink_to(shell.folder / "absent")
    for name, what in [("pipe", "no plain file"), ("link", "a link"), ("nowhere", "a link")]:
        before = (shell.folder / name).lstat()
        assert shell("gallery", "-o", name) == ExitCode.UNEXPECTED
        assert f"{name} is {what}" in shell.said
        assert (shell.folder / name).lstat().st_ino == before.st_ino
    assert not (shell.folder / "absent").exists()


def test_an_empty_file_may_be_filled(shell):
    shell("apply", shell.manifest())
    (shell.folder / "made.html").touch()
    assert shell("gallery", "-o", "made.html") == ExitCode.DONE


@pytest.mark.usefixtures("open_umask")
def test_no_file_and_no_folder_that_commands_make_is_for_everybody(shell, provider):
    before = set(shell.folder.rglob("*"))
    shell("init")
    shell("run", shell.manifest(), "--yes")
    shell("gallery")
    made = set(shell.folder.rglob("*")) - before - {shell.folder / "hero.yaml"}
    assert {path.name for path in made} >= {"gallery.html", "orchestrator.db", "outputs"}
    assert {str(path): mode(path) for path in made if mode(path) & 0o027} == {}
