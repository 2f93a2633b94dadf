"""Edits, verdicts, crashes, full disks and changes by hand, in any order: no picture is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.breaking import POINTS, CutAt, DiesInMove, FilesThatFail, QuickFiles
from support.databases import SqliteFiles
from support.studio import Studio, digest
from support.times import FakeClock, FakeEntropy
from support.world import World

from orchestrator.artifacts import moving
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import outputs

MUG = "shop/mug.png"
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
                studio.files = FilesThatFail("link")
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
    except DiesInMove:
        pass
    finally:
        studio.crashpoint = CutAt("never")


def judge(studio: Studio, *, choice: int, by_hand: set[bytes], lost: set[str]) -> None:
    rows = {row.job_id: row for row in studio.world.rows(outputs)}
    gone = rows[choice].sha256 in lost  # then it waits until `outputs check --fetch` has it again
    waits = [row.job_id for row in rows.values() if row.moving_to and row.sha256 not in lost]
    assert gone or (rows[choice].path, waits) == (MUG, [])
    on_disk = [digest(content) for content in studio.disk().values()]
    for row in rows.values():
        if row.sha256 in lost:
            continue
        assert on_disk.count(row.sha256) == 1
        assert digest((studio.root / row.stored_path).read_bytes()) == row.sha256
    assert by_hand <= set(studio.disk().values())
    if not gone:
        assert digest((studio.root / MUG).read_bytes()) == rows[choice].sha256


BUGS = {
    "the former picture is not kept": ("_secure", lambda self, each: None),
    "old names stay": ("_forget_old_names", lambda self, each, keep: None),
    "a changed file is overwritten": ("_make_room", lambda self, coming, leaving: True),
}
HISTORY = [
    ("edit", 0),
    ("move", 0),
    ("retouch", 0),
    ("accept", 0),
    ("edit", 0),
    ("move", 0),
    ("clear", 0),
    ("move", 0),
]


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(sqlite_world, tmp_path, monkeypatch, bug):
    monkeypatch.setattr(moving._CellWork, *BUGS[bug])
    with pytest.raises((AssertionError, FileNotFoundError)):
        play(Studio(sqlite_world, tmp_path / "outputs"), HISTORY)


def test_without_a_bug_nothing_is_noticed(sqlite_world, tmp_path):
    play(Studio(sqlite_world, tmp_path / "outputs"), HISTORY)
