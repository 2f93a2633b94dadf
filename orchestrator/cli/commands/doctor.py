"""`orchestrator doctor`: is everything as it should be?"""

import asyncio
from contextlib import aclosing

import click

from orchestrator.actions.setup.check import Check, CheckResult, Patient
from orchestrator.actions.setup.doctor import examine, exit_code
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import safe
from orchestrator.core.errors import ExitCode
from orchestrator.ports import BalanceOutcome

_COLORS = {CheckResult.OK: "green", CheckResult.WARN: "yellow", CheckResult.FAIL: "red"}


@declare("doctor", short_help="Check key, balance, database, disk and clock.")
@SANDBOX
def command() -> ExitCode:
    """Check the configuration, the provider and the key, the balance, the clock, the database and the disk.

    Spends nothing. Exits with 0 when nothing failed, with 5 when the key or the account is at fault, else
    with 1.
    """
    with opened(need_database=False) as app:
        patient = Patient(
            settings=app.settings,
            env=app.env,
            clock=app.clock,
            reach=app.reach,
            ask_balance=lambda: asyncio.run(_balance(app)),
            check_writable=lambda: asyncio.run(_check_writable(app)),
            output_root=app.output_root,
            shelf=app.shelf(),
        )
        checks = []
        for check in examine(patient):
            checks.append(check)
            if not out.as_json():
                out.answer(_text(check))
    code = exit_code(checks)
    if out.as_json():
        out.document({"checks": [_document(check) for check in checks], "exit": {"code": int(code)}})
    return code


async def _balance(app: App) -> BalanceOutcome:
    async with aclosing(app.provider()) as provider:
        return await provider.balance()


async def _check_writable(app: App) -> str | None:
    artifacts = app.artifacts()
    try:
        return artifacts.check_writable()
    finally:
        await artifacts.aclose()


def _text(check: Check) -> str:
    word = click.style(f"{check.verdict:<4}", fg=_COLORS[check.verdict])
    fix = f"\n      {safe(check.fix)}" if check.fix else ""
    return f"{word}  {check.name}: {safe(check.message)}{fix}"


def _document(check: Check) -> dict[str, str]:
    return {"name": check.name, "verdict": check.verdict.value, "message": check.message, "fix": check.fix}
