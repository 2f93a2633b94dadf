"""The exit code is a pure function of where the jobs stand."""

import pytest

from orchestrator.actions.operator.exit_code import RunFacts, exit_code
from orchestrator.core.errors import ExitCode


def facts(left=0, failed=0, in_doubt=0, needs_operator=False, over_budget=False, interrupted=False):
    return RunFacts(
        left=left,
        failed=failed,
        in_doubt=in_doubt,
        needs_operator=needs_operator,
        over_budget=over_budget,
        interrupted=interrupted,
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (facts(), ExitCode.DONE),
        (facts(failed=1), ExitCode.SOME_FAILED),
        (facts(left=1, over_budget=True), ExitCode.BUDGET),
        (facts(left=1, failed=1, over_budget=True), ExitCode.BUDGET),
        (facts(left=1, in_doubt=1, over_budget=True), ExitCode.OPERATOR),
        (facts(left=1, needs_operator=True), ExitCode.OPERATOR),
        (facts(needs_operator=True), ExitCode.DONE),
        (facts(left=1, interrupted=True, over_budget=True), ExitCode.INTERRUPTED),
        (facts(failed=1, interrupted=True), ExitCode.SOME_FAILED),
        (facts(left=1), ExitCode.UNEXPECTED),
    ],
)
def test_what_needs_a_person_comes_first(given, code):
    assert exit_code(given) is code
