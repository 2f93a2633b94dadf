"""Is everything as it should be? Each check says ok, warn or fail, and how to mend it."""

from collections.abc import Iterator

from orchestrator.actions.setup import database_check, outputs_check, provider_check, webhook_check
from orchestrator.actions.setup.check import Check, CheckResult, Patient
from orchestrator.core.errors import ExitCode
from orchestrator.settings import Settings


def examine(patient: Patient) -> Iterator[Check]:
    """Every check, in an order in which the first failure tends to explain the later ones."""
    yield _configuration(patient.settings)
    yield from provider_check.examine(patient)
    yield webhook_check.examine(patient)
    yield from database_check.examine(patient)
    yield from outputs_check.examine(patient)


def exit_code(checks: list[Check]) -> ExitCode:
    """0 unless something failed; 5 when that needs the account's owner."""
    failed = [check for check in checks if check.verdict is CheckResult.FAIL]
    if any(check.needs_operator for check in failed):
        return ExitCode.OPERATOR
    return ExitCode.UNEXPECTED if failed else ExitCode.DONE


def _configuration(settings: Settings) -> Check:
    where = str(settings.origin) if settings.origin else "none; the defaults are used"
    return Check("configuration", CheckResult.OK, where)
