"""The table of jobs is made again for reuse, and nothing of it is lost on either way."""

from pathlib import Path

import pytest
from alembic_moves import contents, fill, move, writing
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from orchestrator.store.db import migrate

ROWS = Path(__file__).parent / "rows"


def test_jobs_made_anew_for_reuse_keep_what_refers_to_them_and_every_index(empty_url):
    move(empty_url, "upgrade", "0007")
    fill(empty_url, ROWS / "0007.sql")
    before, indexes = contents(empty_url), indexes_of_jobs(empty_url)
    move(empty_url, "upgrade", "0008")
    assert indexes_of_jobs(empty_url) == indexes | {"ix_jobs_made", "ix_jobs_canary"}
    with writing(empty_url) as conn, pytest.raises(IntegrityError):
        conn.execute(text("DELETE FROM jobs"))
    (held,) = before["attempts"]
    (after,) = contents(empty_url)["attempts"]
    assert {name: after[name] for name in held} == held


def test_a_downgrade_drops_jobs_that_only_point_at_another_and_keeps_the_others(empty_url):
    move(empty_url, "upgrade", "0008")
    fill(empty_url, ROWS / "0008.sql")
    move(empty_url, "downgrade", "0007")
    after = contents(empty_url)
    assert [job["state"] for job in after["jobs"]] == ["running"]
    assert "reused_from" not in after["jobs"][0]
    assert indexes_of_jobs(empty_url) >= {"ix_jobs_ready", "ix_jobs_due", "ix_jobs_redo_of"}
    with writing(empty_url) as conn, pytest.raises(IntegrityError):
        conn.execute(text("UPDATE jobs SET state = 'reused', finished_at = 1"))


def test_a_reused_job_points_at_another_and_costs_nothing(empty_url):
    migrate.upgrade(empty_url)
    fill(empty_url, ROWS / "0008.sql")
    for wrong in ("reused_from = NULL", "cost_micros = 1", "attempts = 1", "finished_at = NULL"):
        with writing(empty_url) as conn, pytest.raises(IntegrityError):
            conn.execute(text(f"UPDATE jobs SET {wrong} WHERE id = 2"))  # noqa: S608 - words of this test


def indexes_of_jobs(url: str) -> set[str]:
    """The names of the indexes of `jobs`, partial ones too."""
    with writing(url) as conn:
        return {str(index["name"]) for index in inspect(conn).get_indexes("jobs")}
