"""Whether a run may go beyond its canary: by a person, by thresholds, by time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.gates import CanaryFigures, CanaryRules, Gate, canary_rules, judge

GOOD = CanaryFigures(succeeded=10, failed=0, pictures=10, accepted=0, rest=True)
AUTO = CanaryRules(jobs=10, auto=True, max_failed=0.1, max_flagged=0.1, max_unfit=0.1)


def test_a_canary_that_is_being_made_decides_nothing():
    assert judge(AUTO, CanaryFigures(unfinished=1, succeeded=9), None).gate is Gate.MAKING


def test_without_thresholds_a_person_decides_however_good_it_is():
    assert judge(CanaryRules(10), GOOD, 10**12).gate is Gate.WAITS


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (CanaryFigures(succeeded=8, failed=2, pictures=8), "2 of 10 failed, more than 10%"),
        (CanaryFigures(succeeded=10, pictures=10, flagged=2), "2 of 10 pictures flagged, more than 10%"),
        (CanaryFigures(succeeded=10, pictures=10, unfit=3), "3 of 10 fail a check, more than 10%"),
        (CanaryFigures(failed=0), "it made no picture"),
    ],
)
def test_a_threshold_that_is_not_met_leaves_it_to_a_person_and_says_which(figures, words):
    judged = judge(AUTO, figures, None)
    assert judged.gate is Gate.WAITS
    assert words in judged.words


def test_thresholds_that_are_met_open_the_gate_once_the_checks_have_looked():
    assert judge(AUTO, GOOD, None).gate is Gate.OPENS
    assert judge(AUTO, CanaryFigures(succeeded=10, pictures=10, unchecked=1), None).gate is Gate.MAKING


def test_acceptance_may_come_later():
    rules = CanaryRules(jobs=10, auto=True, min_accepted=0.5)
    assert judge(rules, GOOD, 0).gate is Gate.WAITS
    assert judge(rules, CanaryFigures(succeeded=10, pictures=10, accepted=5), 0).gate is Gate.OPENS


@pytest.mark.parametrize(("go_on", "gate"), [(True, Gate.OPENS), (False, Gate.WAITS)])
def test_a_timeout_lets_it_go_on_or_keeps_it_stopped(go_on, gate):
    rules = CanaryRules(jobs=10, timeout_ms=1000, go_on=go_on)
    assert judge(rules, GOOD, 999).gate is Gate.WAITS
    assert judge(rules, GOOD, None).gate is Gate.WAITS
    late = judge(rules, GOOD, 1000)
    assert late.gate is gate
    assert "nobody decided in time" in late.words


@given(
    st.builds(
        CanaryFigures,
        unfinished=st.integers(1, 5),
        succeeded=st.integers(0, 20),
        accepted=st.integers(0, 20),
    ),
    st.booleans(),
    st.none() | st.integers(0, 10**9),
)
def test_nothing_opens_a_gate_while_its_canary_is_unfinished(figures, auto, waited):
    rules = CanaryRules(jobs=5, auto=auto, timeout_ms=1, go_on=True)
    assert judge(rules, figures, waited).gate is Gate.MAKING


def test_a_run_keeps_its_rules():
    assert canary_rules(None) is None
    assert canary_rules({"checks": {}}) is None
    kept = {"canary": {"jobs": 12, "approve": "auto", "max_failed": 0.2, "timeout": 60, "on_timeout": "go"}}
    assert canary_rules(kept) == CanaryRules(
        jobs=12, auto=True, max_failed=0.2, timeout_ms=60_000, go_on=True
    )
