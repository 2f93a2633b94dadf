"""A move may end at any point, and fail at any step: whoever comes next finishes it, and nothing is lost."""

import errno

import pytest
from support.breaking import POINTS, CutAt, DiesInMove, FilesThatFail, LinklessFiles
from support.studio import Studio

from orchestrator.artifacts.files import RealFiles
from orchestrator.artifacts.moving import FolderMover
from orchestrator.store.db.schema import events, outputs

MUG = "shop/mug.png"


@pytest.fixture
def studio(sqlite_world, tmp_path):
    return Studio(sqlite_world, tmp_path / "outputs")


@pytest.fixture
def moving(studio):
    """A cell whose new picture is about to take the name."""
    studio.edited("old", b"old")
    studio.edited("new", b"new")
    return studio


def test_every_point_is_passed_by_a_move(moving):
    cut = CutAt("never")
    moving.crashpoint = cut
    moving.move()
    assert cut.passed == set(POINTS) - {"db.before_commit"}


@pytest.mark.parametrize("point", POINTS[:-1])
def test_a_move_that_ends_at_a_point_is_finished_by_the_next_who_comes(moving, point):
    moving.crashpoint = CutAt(point)
    with pytest.raises(DiesInMove):
        moving.move()
    assert moving.disk()[MUG] in (b"old", b"new")  # never missing, never half
    assert {b"old", b"new"} <= set(moving.disk().values())
    moving.crashpoint = CutAt("never")
    moving.move()
    assert (moving.disk()[MUG], moving.waits()) == (b"new", [])
    moving.agrees()


@pytest.mark.parametrize("point", POINTS[:-1])
def test_a_verdict_after_a_move_that_broke_off_counts(moving, point):
    moving.crashpoint = CutAt(point)
    with pytest.raises(DiesInMove):
        moving.move()
    moving.crashpoint = CutAt("never")
    moving.judge(1, "accepted")
    moving.move()
    assert (moving.disk()[MUG], moving.waits()) == (b"old", [])
    moving.agrees()


@pytest.mark.parametrize("files", [LinklessFiles(), RealFiles()], ids=["without links", "with links"])
def test_it_works_on_file_systems_with_and_without_links(moving, files):
    moving.files = files
    moving.move()
    moving.judge(1, "accepted")
    moving.move()
    assert moving.disk()[MUG] == b"old"
    moving.agrees()


@pytest.mark.parametrize(
    "operation", ["link", "replace", "fsync_dir", "fsync", "open_temp", "make_folder", "write"]
)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_full_disk_loses_nothing_is_told_and_tried_again(moving, operation, times):
    moving.files = FilesThatFail(operation, times)
    done = moving.move()
    assert {b"old", b"new"} <= set(moving.disk().values())
    assert moving.disk()[MUG] in (b"old", b"new")
    if done.troubles:
        assert "No space left on device" in done.troubles[0]
        assert {row.moving_trouble for row in moving.world.rows(outputs)} == {done.troubles[0]}
        told = [row.message for row in moving.world.rows(events) if row.kind == "not_moved"]
        moving.files = FilesThatFail(operation, times)
        moving.move()  # the same again is no news
        assert told == [row.message for row in moving.world.rows(events) if row.kind == "not_moved"]
    moving.files = RealFiles()
    moving.move()
    assert (moving.disk()[MUG], moving.waits()) == (b"new", [])
    moving.agrees()


def test_a_copy_over_devices_is_as_good_as_a_rename(moving):
    moving.files = FilesThatFail("replace", 2, errno.EXDEV)  # the first gives a sidecar its name
    moving.move()
    assert moving.disk()[MUG] == b"new"
    moving.agrees()


def test_two_movers_do_not_meet(moving):
    mover = FolderMover(moving.root)
    with mover.alone() as mine:
        assert mine
        assert moving.move().waiting == 1
    assert moving.disk()[MUG] == b"old"
    assert moving.move().waiting == 0
