"""Is everything as it should be? Each check says ok, warn or fail, and how to mend it."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from orchestrator.actions.setup.mounts import network_file_system
from orchestrator.core.errors import ExitCode, OrchestratorError
from orchestrator.core.money import format_usd
from orchestrator.ports import Balance, BalanceOutcome, Clock, KeyRefused, Lost, NotSent, Reached, Throttled
from orchestrator.settings import Settings, api_key, webhook_secrets
from orchestrator.store.db import migrate
from orchestrator.store.db.database import Database, parse_url, sqlite_path
from orchestrator.store.views.trouble import at_risk

SQLITE_FIXED: Final = (3, 51, 3)
"""The first SQLite without the bug that can lose a commit when two processes reset one WAL at the same
moment."""
DISK_WARN_BYTES: Final = 5 * 1000**3
DISK_FAIL_BYTES: Final = 200 * 1000**2
SKEW_WARN_SECONDS: Final = 60.0
BALANCE_WARN_MICROS: Final = 1_000_000


class CheckResult(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `fix` is empty when all is well."""

    name: str
    verdict: CheckResult
    message: str
    fix: str = ""
    needs_operator: bool = False  # a key refused or no credit: exit code 5


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `ask_balance` and `reach` go to the network; `check_writable` tries the output
    folder.
    """

    settings: Settings
    env: Mapping[str, str]
    clock: Clock
    reach: Callable[[str], Reached]
    ask_balance: Callable[[], BalanceOutcome]
    check_writable: Callable[[], str | None]
    output_root: Path


def examine(patient: Patient) -> Iterator[Check]:
    """Every check, in an order in which the first failure tends to explain the later ones."""
    yield _configuration(patient.settings)
    yield from _provider(patient)
    yield _webhook(patient)
    yield from _database(patient)
    yield from _outputs(patient)


def exit_code(checks: list[Check]) -> ExitCode:
    """0 unless something failed; 5 when that needs the account's owner."""
    failed = [check for check in checks if check.verdict is CheckResult.FAIL]
    if any(check.needs_operator for check in failed):
        return ExitCode.OPERATOR
    return ExitCode.UNEXPECTED if failed else ExitCode.DONE


def _configuration(settings: Settings) -> Check:
    where = str(settings.origin) if settings.origin else "none; the defaults are used"
    return Check("configuration", CheckResult.OK, where)


# --- provider -----------------------------------------------------------------------------------------------


def _provider(patient: Patient) -> Iterator[Check]:
    url = patient.settings.provider.base_url
    reached = patient.reach(url)
    if reached.error:
        fix = "Check the network, a proxy (HTTPS_PROXY), and provider.base_url."
        yield Check(
            name="provider",
            verdict=CheckResult.FAIL,
            message=f"{url} cannot be reached: {reached.error}",
            fix=fix,
        )
    else:
        yield Check("provider", CheckResult.OK, f"{url} answers")
        yield _skew(patient.clock.now_ms(), reached.server_time_ms)
    yield _key(patient, reachable=not reached.error)


def _skew(now_ms: int, server_ms: int | None) -> Check:
    if server_ms is None:
        return Check("clock", CheckResult.OK, "the provider's answer carries no time to compare with")
    seconds = (now_ms - server_ms) / 1000
    if abs(seconds) < SKEW_WARN_SECONDS:
        return Check("clock", CheckResult.OK, f"within {max(1.0, abs(seconds)):.0f} s of the provider's")
    direction = "ahead of" if seconds > 0 else "behind"
    fix = "Turn on time synchronization (NTP): day budgets and expiry times depend on the clock."
    return Check(
        name="clock",
        verdict=CheckResult.WARN,
        message=f"{abs(seconds):.0f} s {direction} the provider's",
        fix=fix,
    )


def _key(patient: Patient, *, reachable: bool) -> Check:
    name = patient.settings.provider.api_key_env
    try:
        key = api_key(patient.settings, patient.env)
    except OrchestratorError as error:
        return Check(
            name="key",
            verdict=CheckResult.FAIL,
            message=str(error),
            fix=f"Set {name}, or mend provider.api_key_file.",
        )
    if key is None:
        fix = f"Make one at https://wavespeed.ai/accesskey, then: export {name}=... (--sandbox needs none)"
        return Check(
            name="key", verdict=CheckResult.FAIL, message=f"{name} is not set", fix=fix, needs_operator=True
        )
    if not reachable:
        return Check(
            name="key",
            verdict=CheckResult.WARN,
            message="present; it could not be tried",
            fix="Run doctor again when the provider answers.",
        )
    return _balance(patient.ask_balance(), name)


def _balance(outcome: BalanceOutcome, name: str) -> Check:
    match outcome:
        case Balance(micros=micros) if micros <= 0:
            return Check(
                name="key",
                verdict=CheckResult.FAIL,
                message="works; no credit is left",
                fix="Top up the account.",
                needs_operator=True,
            )
        case Balance(micros=micros):
            low = micros < BALANCE_WARN_MICROS
            verdict = CheckResult.WARN if low else CheckResult.OK
            return Check(
                name="key",
                verdict=verdict,
                message=f"works; balance ${format_usd(micros)}",
                fix="Top up the account." if low else "",
            )
        case KeyRefused(message=message, http_status=status):
            fix = (
                f"Check {name} and the account at https://wavespeed.ai; a key works only after the first "
                "top-up."
            )
            return Check(
                name="key",
                verdict=CheckResult.FAIL,
                message=f"refused ({status}): {message}",
                fix=fix,
                needs_operator=True,
            )
        case Throttled():
            return Check(
                name="key",
                verdict=CheckResult.WARN,
                message="the provider is throttling; it could not be tried",
                fix="Try again in a minute.",
            )
        case NotSent(message=message) | Lost(message=message):
            return Check(
                name="key",
                verdict=CheckResult.WARN,
                message=f"could not be tried: {message}",
                fix="Try again in a minute.",
            )
        case _:
            return Check(
                name="key",
                verdict=CheckResult.WARN,
                message=f"the balance was refused: {outcome.message}",
                fix="Check the key's permissions.",
            )


def _webhook(patient: Patient) -> Check:
    webhook = patient.settings.webhook
    if webhook.url is None:
        return Check(
            "webhook", CheckResult.OK, "off: what a lost reply created is looked for in the provider's list"
        )
    try:
        secrets = webhook_secrets(patient.settings, patient.env)
    except OrchestratorError as error:
        return Check(
            name="webhook",
            verdict=CheckResult.FAIL,
            message=str(error),
            fix=f"Set {webhook.secret_env}, or mend webhook.secret_file.",
        )
    if not secrets:
        fix = (
            f"Set {webhook.secret_env} where `orchestrator serve` runs, to the answer of GET "
            "/api/v3/webhook/secret."
        )
        return Check(
            name="webhook",
            verdict=CheckResult.WARN,
            message=f"{webhook.secret_env} is not set: no report is believed",
            fix=fix,
        )
    if not webhook.url.startswith("https:"):
        fix = "Give it a public https address; this one is for trying things with the sandbox."
        return Check(
            name="webhook",
            verdict=CheckResult.WARN,
            message=f"only this machine can call {webhook.url}",
            fix=fix,
        )
    return Check(
        "webhook", CheckResult.OK, f"{webhook.url}, received by `orchestrator serve` at {webhook.listen}"
    )


# --- database -----------------------------------------------------------------------------------------------


def _database(patient: Patient) -> Iterator[Check]:
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
        with database.write():
            pass  # the right to read it is not enough
        if path is not None:
            yield from _sqlite(database, path)
        yield from _at_risk(database)
    except OrchestratorError as error:
        yield Check(
            name="database",
            verdict=CheckResult.FAIL,
            message=str(error),
            fix="Keep a copy of the file before you change it.",
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


def _at_risk(database: Database) -> Iterator[Check]:
    with database.read() as tx:
        risk = at_risk(tx)
        now = tx.now
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


# --- outputs ------------------------------------------------------------------------------------------------


def _outputs(patient: Patient) -> Iterator[Check]:
    root = patient.output_root
    if trouble := patient.check_writable():
        yield Check(
            name="outputs",
            verdict=CheckResult.FAIL,
            message=trouble,
            fix="Give this user write permission, or change outputs.root.",
        )
    else:
        yield Check("outputs", CheckResult.OK, f"{root} can be written")
    yield _space(root)


def _space(root: Path) -> Check:
    existing = next((path for path in (root, *root.parents) if path.exists()), Path("/"))
    free = shutil.disk_usage(existing).free
    message = f"{free / 1000**3:.1f} GB free at {existing}"
    if free >= DISK_WARN_BYTES:
        return Check("space", CheckResult.OK, message)
    verdict = CheckResult.FAIL if free < DISK_FAIL_BYTES else CheckResult.WARN
    return Check(
        name="space", verdict=verdict, message=message, fix="Free some space: a 4k picture takes up to 20 MB."
    )
