"""The database: is it there, of this program's schema, sound, and on a local disk? What in it is at risk?"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.actions.operator.fleet_words import FileWords
from orchestrator.actions.setup import schedules_check
from orchestrator.actions.setup.check import Check, CheckResult, Patient
from orchestrator.actions.setup.mounts import network_file_system
from orchestrator.core.errors import OrchestratorError
from orchestrator.core.money import format_usd
from orchestrator.settings import Settings
from orchestrator.store.db import migrate
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import parse_url, sqlite_path
from orchestrator.store.stops.expiring import expiring
from orchestrator.store.views.trouble import at_risk

SQLITE_FIXED: Final = (3, 51, 3)
"""The first SQLite without the bug that can lose a commit when two processes reset one WAL at the same
moment."""


def examine(patient: Patient) -> Iterator[Check]:
    """Whether the database can be worked with, and what in it is at risk."""
    url = patient.settings.database_url
    try:
        path = sqlite_path(parse_url(url))
        revision = migrate.current(url)
        if path is not None and not path.exists():
            yield Check(
                "database", CheckResult.OK, f"{path} does not exist yet; the first apply or run makes it"
            )
            return
        if revision.current != revision.head:
            migrate.check(url)
        yield Check("database", CheckResult.OK, f"schema {revision.head}, which is what this program needs")
        database = Database.open(url, patient.clock)
    except OrchestratorError as error:
        yield Check(
            name="database",
            verdict=CheckResult.FAIL,
            message=str(error),
            fix="Nothing can run until this is mended.",
        )
        return
    try:
        database.try_to_write()
        if path is not None:
            yield from _sqlite(database, path)
        yield from _fleet(database, patient.settings)
        yield from _at_risk(database)
        yield from schedules_check.examine(database)
    except OrchestratorError as error:
        yield Check(
            name="database",
            verdict=CheckResult.FAIL,
            message=str(error),
            fix="Keep a copy of the file before you change it."
            if path is not None
            else "Looking works all the same; whoever applies, runs or works needs this mended.",
        )
    finally:
        database.close()


def _sqlite(database: Database, path: Path) -> Iterator[Check]:
    with database.read() as tx:
        found = [str(row[0]) for row in tx.conn.exec_driver_sql("PRAGMA quick_check(5)")]
    if found == ["ok"]:
        yield Check("integrity", CheckResult.OK, f"{path} is sound")
    else:
        fix = f"Stop all workers, copy the file, then restore a backup or try: sqlite3 {path} .recover"
        yield Check(
            name="integrity",
            verdict=CheckResult.FAIL,
            message=f"{path} is damaged: {'; '.join(found)}",
            fix=fix,
        )
    yield _sqlite_version(sqlite3.sqlite_version_info)
    if kind := network_file_system(path):
        fix = "Move it to a local disk, or use Postgres: file locks over a network lose data."
        yield Check(
            name="disk type",
            verdict=CheckResult.FAIL,
            message=f"{path} is on a network file system ({kind})",
            fix=fix,
        )


def _sqlite_version(version: tuple[int, ...]) -> Check:
    text = ".".join(str(part) for part in version)
    if version >= SQLITE_FIXED:
        return Check("sqlite", CheckResult.OK, f"version {text}")
    fixed = ".".join(str(part) for part in SQLITE_FIXED)
    fix = (
        "Run one worker process for a SQLite file, or use Postgres, or a Python built with SQLite "
        f"{fixed} or newer."
    )
    message = (
        f"version {text} can lose a commit when two processes write one file (the WAL-reset bug, fixed in "
        f"{fixed})"
    )
    return Check(name="sqlite", verdict=CheckResult.WARN, message=message, fix=fix)


def _fleet(database: Database, settings: Settings) -> Iterator[Check]:
    """Where this configuration says something else of caps and limits than is in force for everybody."""
    with database.read() as tx:
        found = FileWords(settings).differences(tx)
    for item in found:
        in_force = item.in_force or "none"
        yield Check(
            name="caps and limits",
            verdict=CheckResult.WARN,
            message=f"{item.said_by} says {item.wanted} for {item.subject}; in force: {in_force}",
            fix=item.how,
        )
    if not found:
        yield Check("caps and limits", CheckResult.OK, "what this configuration names is in force")


def _at_risk(database: Database) -> Iterator[Check]:
    with database.read() as tx:
        risk = at_risk(tx)
        soon = expiring(tx)
        now = tx.now
    for run in soon:
        yield Check(
            name="expiring",
            verdict=CheckResult.WARN,
            message=f"{run.run}: {run.words(now)}",
            fix="Run: orchestrator work --drain",
        )
    if risk.in_doubt:
        message = f"{risk.in_doubt} in doubt, ${format_usd(risk.in_doubt_micros)} held"
        yield Check(
            name="in doubt", verdict=CheckResult.WARN, message=message, fix="See: orchestrator in-doubt list"
        )
    if risk.not_stored or risk.in_flight:
        hours = max(0.0, ((risk.expires_at or now) - now) / 3_600_000)
        message = (
            f"{risk.not_stored} finished and not downloaded, {risk.in_flight} in flight; the oldest may "
            f"expire in {hours:.0f} h"
        )
        yield Check(
            name="unfinished", verdict=CheckResult.WARN, message=message, fix="Run: orchestrator work --drain"
        )
    if not (risk.in_doubt or risk.not_stored or risk.in_flight):
        yield Check("work at risk", CheckResult.OK, "none")
