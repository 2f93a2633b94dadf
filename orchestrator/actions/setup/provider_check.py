"""The provider: does it answer, do the clocks agree, does it take the key, is there credit?"""

from collections.abc import Iterator
from typing import Final

from orchestrator.actions.setup.check import Check, CheckResult, Patient
from orchestrator.core.errors import OrchestratorError
from orchestrator.core.money import format_usd
from orchestrator.ports import Balance, BalanceOutcome, KeyRefused, Lost, NotSent, Throttled
from orchestrator.settings import api_key

SKEW_WARN_SECONDS: Final = 60.0
BALANCE_WARN_MICROS: Final = 1_000_000


def examine(patient: Patient) -> Iterator[Check]:
    """Whether the provider answers, at our time, to our key."""
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
        case Balance(micros=micros):
            return _credit(micros)
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
            return _untried("the provider is throttling; it could not be tried")
        case NotSent(message=message) | Lost(message=message):
            return _untried(f"could not be tried: {message}")
        case _:
            return Check(
                name="key",
                verdict=CheckResult.WARN,
                message=f"the balance was refused: {outcome.message}",
                fix="Check the key's permissions.",
            )


def _credit(micros: int) -> Check:
    if micros <= 0:
        return Check(
            name="key",
            verdict=CheckResult.FAIL,
            message="works; no credit is left",
            fix="Top up the account.",
            needs_operator=True,
        )
    low = micros < BALANCE_WARN_MICROS
    return Check(
        name="key",
        verdict=CheckResult.WARN if low else CheckResult.OK,
        message=f"works; balance ${format_usd(micros)}",
        fix="Top up the account." if low else "",
    )


def _untried(message: str) -> Check:
    return Check(name="key", verdict=CheckResult.WARN, message=message, fix="Try again in a minute.")
