"""The migrations and `orchestrator/store/db/schema.py` describe one and the same database, whichever way
it was reached."""

from pathlib import Path

import pytest
from alembic_moves import (
    contents,
    create_from_metadata,
    drift,
    fill,
    head,
    move,
    objects,
    revisions,
    writing,
)
from sqlalchemy import text

from orchestrator.core.errors import SchemaVersionError
from orchestrator.core.paths import name_of_later_job, name_of_retry, path_key
from orchestrator.store.db import migrate, schema_version
from orchestrator.store.db.schema import metadata

ROWS = Path(__file__).parent / "rows"


def test_an_upgrade_from_nothing_creates_exactly_the_schema_of_the_code(empty_urls):
    migrated, created = empty_urls
    migrate.upgrade(migrated)
    create_from_metadata(created)
    assert objects(migrated) == objects(created)
    assert len(objects(migrated)) > len(metadata.tables)


def test_alembic_sees_nothing_left_to_migrate(empty_url):
    migrate.upgrade(empty_url)
    assert drift(empty_url) == []


def test_drift_is_noticed(empty_url):
    migrate.upgrade(empty_url)
    with writing(empty_url) as conn:
        conn.execute(text("DROP INDEX ix_jobs_due"))
        conn.execute(text("ALTER TABLE runs ADD COLUMN surplus TEXT"))
    assert {change[0] for change in drift(empty_url)} == {"add_index", "remove_column"}


def test_up_down_up_ends_where_up_does(empty_url):
    migrate.upgrade(empty_url)
    first = objects(empty_url)
    move(empty_url, "downgrade", "base")
    assert objects(empty_url) == {}
    migrate.upgrade(empty_url)
    assert objects(empty_url) == first


def test_the_head_that_the_code_names_is_the_newest_script():
    assert head() == schema_version.HEAD


def test_the_file_names_of_the_scripts_are_their_revisions():
    assert migrate.known_revisions() == set(revisions())


def test_an_upgrade_says_where_it_came_from_and_where_it_got(empty_url):
    assert migrate.current(empty_url) == migrate.Revision(None, schema_version.HEAD)
    assert migrate.upgrade(empty_url) == migrate.Revision(None, schema_version.HEAD)
    assert migrate.upgrade(empty_url) == migrate.Revision(schema_version.HEAD, schema_version.HEAD)
    migrate.check(empty_url)


def test_a_database_without_tables_is_refused_with_the_command_that_creates_them(empty_url):
    with pytest.raises(SchemaVersionError, match="orchestrator db upgrade"):
        migrate.check(empty_url)


def test_a_newer_database_is_refused_and_left_alone(empty_url):
    migrate.upgrade(empty_url)
    with writing(empty_url) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = objects(empty_url)
    with pytest.raises(SchemaVersionError, match="newer"):
        migrate.check(empty_url)
    with pytest.raises(SchemaVersionError, match="newer"):
        migrate.upgrade(empty_url)
    assert migrate.current(empty_url).current == "9999"
    assert objects(empty_url) == before


@pytest.mark.parametrize("revision", revisions())
def test_an_upgrade_keeps_every_row_of_every_table(empty_url, revision):
    """`rows/REVISION.sql` fills every table as it was at that revision; a new revision brings its own
    file."""
    move(empty_url, "upgrade", revision)
    fill(empty_url, ROWS / f"{revision}.sql")
    before = contents(empty_url)
    assert [name for name, rows in before.items() if not rows] == []
    migrate.upgrade(empty_url)
    after = contents(empty_url)
    for name, rows in before.items():
        kept = rows[0].keys() & after[name][0].keys()
        assert [{column: row[column] for column in kept} for row in after[name]] == [
            {column: row[column] for column in kept} for row in rows
        ]


@pytest.mark.parametrize(
    ("reservation", "cost", "expected"),
    [
        ("released", 28_000, ("settled", 28_000)),  # a refund that never came
        ("released", 8_000, ("settled", 8_000)),  # a refund in part
        ("settled", 0, ("released", None)),  # paid back after it was settled
        ("released", 0, ("released", None)),
        ("released", None, ("released", None)),
        ("settled", 28_000, ("settled", 28_000)),
        ("refund_due", None, ("refund_due", None)),
    ],
)
def test_an_upgrade_makes_old_reservations_say_what_their_costs_say(empty_url, reservation, cost, expected):
    move(empty_url, "upgrade", "0004")
    fill(empty_url, ROWS / "0004.sql")
    with writing(empty_url) as conn:
        conn.execute(
            text(
                "UPDATE attempts SET state = 'failed', finished_at = 3000, "
                "reservation = :held, cost_micros = :cost"
            ),
            {"held": reservation, "cost": cost},
        )
    before = contents(empty_url)
    migrate.upgrade(empty_url)
    after = contents(empty_url)
    (attempt,) = after["attempts"]
    assert (attempt["reservation"], attempt["cost_micros"]) == expected
    assert (after["ledger"], after["balances"]) == (before["ledger"], before["balances"])


def test_a_database_gets_an_id_when_it_is_made_or_upgraded(empty_urls):
    ids = set()
    for url, start in zip(empty_urls, (None, "0005"), strict=True):
        if start is not None:
            move(url, "upgrade", start)
        migrate.upgrade(url)
        migrate.upgrade(url)
        with writing(url) as conn:
            (found,) = conn.execute(text("SELECT value FROM meta WHERE key = 'database_id'")).scalars()
        ids.add(found)
    assert len(ids) == 2


def test_a_downgrade_makes_lanes_of_one_price_one_again_and_loses_no_job(empty_url):
    move(empty_url, "upgrade", "0006")
    fill(empty_url, ROWS / "0006.sql")
    with writing(empty_url) as conn:
        conn.execute(
            text(
                "INSERT INTO lanes (id, run_id, price_digest, list_micros, planned_micros, price_micros, "
                "priority, idle) VALUES (2, 1, 'd2', 28000, 28000, 14000, 0, true)"
            )
        )
        conn.execute(
            text(
                "INSERT INTO jobs (id, run_id, lane_id, key, ordinal, variation, state, queue, images, "
                "price_micros, tries_left, created_at) "
                "VALUES (2, 1, 2, 'k2', 1, 1, 'pending', 'ready', 1, 28000, 3, 1000)"
            )
        )
    move(empty_url, "downgrade", "0005")
    after = contents(empty_url)
    assert [(lane["id"], lane["price_micros"], lane["idle"]) for lane in after["lanes"]] == [
        (1, 14000, False)
    ]
    assert [(job["id"], job["lane_id"]) for job in after["jobs"]] == [(1, 1), (2, 1)]


def test_pictures_with_a_suffix_become_tries_of_the_name_that_they_had_been_planned_for(empty_url):
    move(empty_url, "upgrade", "0006")
    fill(empty_url, ROWS / "0006.sql")
    later = name_of_later_job("summer/1.png", run_key="main", job_key="k1")
    retried = name_of_retry(later, job_id=1, attempt=2)
    strangers = ("summer/2~deadbeef.png", "summer/nobody~retry-1-1.png")
    insert = (
        "INSERT INTO outputs (job_id, idx, path, path_key, state) VALUES (1, :idx, :path, :key, 'planned')"
    )
    with writing(empty_url) as conn:
        for number, path in enumerate(("summer/1.png", later, retried, *strangers), 10):
            conn.execute(text(insert), {"idx": number, "path": path, "key": path_key(path)})
    move(empty_url, "upgrade", "0007")
    rows = [row for row in contents(empty_url)["outputs"] if row["idx"] >= 10]
    assert [row["clean_path"] for row in sorted(rows, key=lambda row: row["idx"])] == [
        None,
        "summer/1.png",
        "summer/1.png",
        None,
        None,
    ]
    assert {bytes(row["clean_key"]) for row in rows if row["clean_key"]} == {path_key("summer/1.png")}
