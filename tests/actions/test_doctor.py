"""Checks say ok, warn or fail; the exit code follows from them."""

from types import SimpleNamespace

import pytest

from orchestrator.actions.setup import webhook_check
from orchestrator.actions.setup.check import Check, CheckResult
from orchestrator.actions.setup.database_check import _sqlite_version
from orchestrator.actions.setup.doctor import exit_code
from orchestrator.actions.setup.mounts import network_file_system
from orchestrator.actions.setup.provider_check import _balance, _skew
from orchestrator.ports import Balance, KeyRefused, Lost, NotSent, Rejected, Throttled
from orchestrator.settings import Outputs, Settings, Webhook


@pytest.mark.parametrize(
    ("outcome", "verdict", "operator"),
    [
        (Balance(5_000_000), CheckResult.OK, False),
        (Balance(500_000), CheckResult.WARN, False),
        (Balance(0), CheckResult.FAIL, True),
        (KeyRefused("no", 401), CheckResult.FAIL, True),
        (Throttled(), CheckResult.WARN, False),
        (NotSent("down"), CheckResult.WARN, False),
        (Lost("cut"), CheckResult.WARN, False),
        (Rejected("role", 400), CheckResult.WARN, False),
    ],
)
def test_every_answer_about_the_balance_has_a_verdict_and_a_fix(outcome, verdict, operator):
    check = _balance(outcome, "WAVESPEED_API_KEY")
    assert (check.verdict, check.needs_operator) == (verdict, operator)
    assert bool(check.fix) == (verdict is not CheckResult.OK)


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 51, 2), CheckResult.WARN), ((3, 51, 3), CheckResult.OK), ((3, 52, 0), CheckResult.OK)],
)
def test_an_sqlite_with_the_wal_reset_bug_is_told_with_what_to_do(version, verdict):
    check = _sqlite_version(version)
    assert check.verdict is verdict
    assert ("one worker process" in check.fix) == (verdict is CheckResult.WARN)


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [(0, CheckResult.OK), (59_000, CheckResult.OK), (61_000, CheckResult.WARN), (-61_000, CheckResult.WARN)],
)
def test_a_clock_a_minute_off_is_a_warning(ahead, verdict):
    assert _skew(1_000_000 + ahead, 1_000_000).verdict is verdict


def test_only_failures_change_the_exit_code():
    warn, fail = Check("a", CheckResult.WARN, ""), Check("b", CheckResult.FAIL, "")
    key = Check("key", CheckResult.FAIL, "", needs_operator=True)
    assert [exit_code(checks) for checks in ([warn], [warn, fail], [fail, key])] == [0, 1, 5]


def test_the_nearest_mount_decides_whether_a_path_is_on_a_network(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path}/share nfs4 rw 0 0\n")
    assert network_file_system(tmp_path / "share" / "a.db", mounts) == "nfs4"
    assert network_file_system(tmp_path / "a.db", mounts) is None
    assert network_file_system(tmp_path / "a.db", tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("url", "secret", "verdict", "words"),
    [
        (None, "", CheckResult.OK, "off"),
        ("https://hooks.example.com/x", "", CheckResult.WARN, "is not set"),
        ("https://hooks.example.com/x", "whsec_", CheckResult.FAIL, "does not hold a webhook secret"),
        ("http://127.0.0.1:1/x", "whsec_abc", CheckResult.WARN, "only this machine"),
        ("https://hooks.example.com/x", "whsec_abc", CheckResult.OK, "https://hooks.example.com/x"),
    ],
)
def test_the_webhook_needs_a_public_address_and_a_secret(url, secret, verdict, words):
    settings = Settings("unused", Outputs("unused"), webhook=Webhook(url))
    patient = SimpleNamespace(settings=settings, env={"WAVESPEED_WEBHOOK_SECRET": secret})
    check = webhook_check.examine(patient)
    assert check.verdict is verdict
    assert words in check.message
    assert "whsec_abc" not in f"{check.message} {check.fix}"
    assert bool(check.fix) == (verdict is not CheckResult.OK)
