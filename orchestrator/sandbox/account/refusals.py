"""How a submit that creates nothing is refused."""

from dataclasses import dataclass

from orchestrator.sandbox.config import NoCredit
from orchestrator.sandbox.fates import NO_CREDIT


@dataclass(frozen=True, slots=True)
class Refusal:
    """A submit that creates nothing."""

    status: int
    message: str
    code: int | None = None
    failed_data: bool = False  # with a `data` whose status is failed


def no_credit(form: NoCredit) -> Refusal:
    """The refusal of an account without credit, in the form that is switched on."""
    match form:
        case NoCredit.HTTP_402:
            return Refusal(402, NO_CREDIT, failed_data=True)
        case NoCredit.CODE_1407:
            return Refusal(400, "The balance of the account is too low.", code=1407)
        case _:
            return Refusal(400, NO_CREDIT)
