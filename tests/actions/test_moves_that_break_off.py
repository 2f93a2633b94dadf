"""A move may end at any point, and fail at any step: whoever comes next finishes it, and nothing is lost."""

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.databases import SqliteFiles
from support.studio import Studio, digest
from support.times import FakeClock, FakeEntropy
from support.world import World

from orchestrator.artifacts.files import NoLinkError, RealFiles
from orchestrator.artifacts.moving import FolderMover
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import events, outputs

MUG = "shop/mug.png"
POINTS = (
    "move.decided",
    "move.secured",
    "move.named",
    "move.replaced",
    "move.moved",
    "move.recorded",
    "db.before_commit",
)


class PowerCut(BaseException):
    """The process ends here."""


class CutAt:
    """Ends the process at the n-th passing of a point; remembers which were passed."""

    def __init__(self, point: str, times: int = 1) -> None:
        self.point, self.left = point, times
        self.passed: set[str] = set()

    def __call__(self, point: str) -> None:
        self.passed.add(point)
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                raise PowerCut


class FailingFiles(RealFiles):
    """Files of which one operation fails, the n-th time that any of its kind is asked for."""

    def __init__(self, operation: str, times: int = 1, code: int = errno.ENOSPC) -> None:
        super().__init__()
        self._left = {operation: times}
        self._code = code
        for name in ("link", "replace", "fsync_dir", "fsync", "open_temp", "make_folder", "remove", "write"):
            setattr(self, name, self._counting(name, getattr(super(), name)))

    def _counting(self, name, genuine):
        def call(*arguments):
            self._left[name] = self._left.get(name, 0) - 1
            if self._left[name] == 0:
                raise OSError(self._code, os.strerror(self._code), "a file")
            return genuine(*arguments)

        return call


class QuickFiles(RealFiles):
    """Files that are durable soon enough for a test."""

    def fsync(self, temp):
        """Nothing."""

    def fsync_dir(self, folder):
        """Nothing."""


class LinklessFiles(RealFiles):
    """A file system without hard links."""

    def link(self, source, final):
        raise NoLinkError(errno.EPERM, "no links here")


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
    with pytest.raises(PowerCut):
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
    with pytest.raises(PowerCut):
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
    moving.files = FailingFiles(operation, times)
    done = moving.move()
    assert {b"old", b"new"} <= set(moving.disk().values())
    assert moving.disk()[MUG] in (b"old", b"new")
    if done.troubles:
        assert "No space left on device" in done.troubles[0]
        assert {row.moving_trouble for row in moving.world.rows(outputs)} == {done.troubles[0]}
        told = [row.message for row in moving.world.rows(events) if row.kind == "not_moved"]
        moving.files = FailingFiles(operation, times)
        moving.move()  # the same again is no news
        assert told == [row.message for row in moving.world.rows(events) if row.kind == "not_moved"]
    moving.files = RealFiles()
    moving.move()
    assert (moving.disk()[MUG], moving.waits()) == (b"new", [])
    moving.agrees()


def test_a_copy_over_devices_is_as_good_as_a_rename(moving):
    moving.files = FailingFiles("replace", 2, errno.EXDEV)  # the first gives a sidecar its name
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


STEPS = st.one_of(
    st.just(("edit", 0)),
    st.just(("move", 0)),
    st.tuples(st.just("accept"), st.integers(0, 5)),
    st.tuples(st.just("reject"), st.integers(0, 5)),
    st.tuples(st.just("clear"), st.integers(0, 5)),
    st.tuples(st.sampled_from(POINTS[:-1]), st.integers(1, 2)),
    st.just(("retouch", 0)),
    st.just(("fail", 0)),
)


@pytest.fixture(scope="module")
def sqlite_files(tmp_path_factory):
    return SqliteFiles(tmp_path_factory.mktemp("moves"))


@settings(max_examples=15)
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_whatever_happens_every_picture_is_where_the_database_says_and_the_choice_has_the_name(
    sqlite_files, tmp_path_factory, steps
):
    """Edits, runs, verdicts, crashes, full disks and changes by hand, in any order."""
    with sqlite_files.fresh_url() as url:
        clock = FakeClock()
        database = Database.open(url, clock)
        try:
            play(Studio(World(database, clock, FakeEntropy()), tmp_path_factory.mktemp("outputs")), steps)
        finally:
            database.close()


def play(studio: Studio, steps) -> None:
    studio.files = QuickFiles()
    tries: list[int] = []
    accepted: list[int] = []
    rejected: set[int] = set()
    by_hand: set[bytes] = set()
    lost: set[str] = set()  # pictures that somebody saved over
    for number, (step, argument) in enumerate([("edit", 0), *steps]):
        job_id = tries[argument % len(tries)] if tries else 0
        match step:
            case "edit":
                tries.append(studio.edited(f"wording {number}", b"picture %d" % number))
            case "accept" | "reject" | "clear":
                accepted = [each for each in accepted if each != job_id]
                rejected.discard(job_id)
                if step == "accept":
                    accepted.append(job_id)
                if step == "reject":
                    rejected.add(job_id)
                studio.judge(job_id, {"accept": "accepted", "reject": "rejected"}.get(step))
            case "move":
                studio.move()
            case "retouch":
                over = (studio.root / MUG).read_bytes()
                by_hand.discard(over)
                lost.add(digest(over))
                by_hand.add(retouch(studio, b"by hand %d" % number))
            case "fail":
                studio.files = FailingFiles("link")
                studio.move()
                studio.files = QuickFiles()
            case point:
                cut_at(studio, point, argument)
        assert (studio.root / MUG).exists(), "the clean name is missing"
    studio.move()
    left = [each for each in tries if each not in rejected] or tries
    judge(studio, choice=accepted[-1] if accepted else left[-1], by_hand=by_hand, lost=lost)


def retouch(studio: Studio, content: bytes) -> bytes:
    """Somebody saves another picture under the clean name, as editors do."""
    (studio.root / "by-hand").write_bytes(content)
    (studio.root / "by-hand").replace(studio.root / MUG)
    return content


def cut_at(studio: Studio, point: str, times: int) -> None:
    studio.crashpoint = CutAt(point, times)
    try:
        studio.move()
    except PowerCut:
        pass
    finally:
        studio.crashpoint = CutAt("never")


def judge(studio: Studio, *, choice: int, by_hand: set[bytes], lost: set[str]) -> None:
    rows = {row.job_id: row for row in studio.world.rows(outputs)}
    gone = rows[choice].sha256 in lost  # then it waits until `outputs check --fetch` has it again
    assert studio.waits() in ([], [MUG] if gone else [])
    assert gone or rows[choice].path == MUG
    on_disk = [digest(content) for content in studio.disk().values()]
    for row in rows.values():
        if row.sha256 in lost:
            continue
        assert on_disk.count(row.sha256) == 1
        assert digest((studio.root / row.stored_path).read_bytes()) == row.sha256
    assert by_hand <= set(studio.disk().values())
    if not gone:
        assert digest((studio.root / MUG).read_bytes()) == rows[choice].sha256
