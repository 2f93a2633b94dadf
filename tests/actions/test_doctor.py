"""Checks say ok, warn or fail; the exit code follows from them."""

from types import SimpleNamespace

import pytest

from orchestrator.actions.doctor import Check, Verdict, _balance, _skew, _sqlite_version, _webhook, exit_code
from orchestrator.actions.mounts import network_file_system
from orchestrator.ports import Balance, KeyRefused, Lost, NotSent, Rejected, Throttled
from orchestrator.settings import Outputs, Settings, Webhook


@pytest.mark.parametrize(
    ("outcome", "verdict", "operator"),
    [
        (Balance(5_000_000), Verdict.OK, False),
        (Balance(500_000), Verdict.WARN, False),
        (Balance(0), Verdict.FAIL, True),
        (KeyRefused("no", 401), Verdict.FAIL, True),
        (Throttled(), Verdict.WARN, False),
        (NotSent("down"), Verdict.WARN, False),
        (Lost("cut"), Verdict.WARN, False),
        (Rejected("role", 400), Verdict.WARN, False),
    ],
)
def test_every_answer_about_the_balance_has_a_verdict_and_a_fix(outcome, verdict, operator):
    check = _balance(outcome, "WAVESPEED_API_KEY")
    assert (check.verdict, check.needs_operator) == (verdict, operator)
    assert bool(check.fix) == (verdict is not Verdict.OK)


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 51, 2), Verdict.WARN), ((3, 51, 3), Verdict.OK), ((3, 52, 0), Verdict.OK)]
)
def test_an_sqlite_with_the_wal_reset_bug_is_told_with_what_to_do(version, verdict):
    check = _sqlite_version(version)
    assert check.verdict is verdict
    assert ("one worker process" in check.fix) == (verdict is Verdict.WARN)


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [(0, Verdict.OK), (59_000, Verdict.OK), (61_000, Verdict.WARN), (-61_000, Verdict.WARN)],
)
def test_a_clock_a_minute_off_is_a_warning(ahead, verdict):
    assert _skew(1_000_000 + ahead, 1_000_000).verdict is verdict


def test_only_failures_change_the_exit_code():
    warn, fail = Check("a", Verdict.WARN, ""), Check("b", Verdict.FAIL, "")
    key = Check("key", Verdict.FAIL, "", needs_operator=True)
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
        (None, "", Verdict.OK, "off"),
        ("https://hooks.example.com/x", "", Verdict.WARN, "is not set"),
        ("https://hooks.example.com/x", "whsec_", Verdict.FAIL, "does not hold a webhook secret"),
        ("http://127.0.0.1:1/x", "whsec_abc", Verdict.WARN, "only this machine"),
        ("https://hooks.example.com/x", "whsec_abc", Verdict.OK, "https://hooks.example.com/x"),
    ],
)
def test_the_webhook_needs_a_public_address_and_a_secret(url, secret, verdict, words):
    settings = Settings("unused", Outputs("unused"), webhook=Webhook(url))
    patient = SimpleNamespace(settings=settings, env={"WAVESPEED_WEBHOOK_SECRET": secret})
    check = _webhook(patient)
    assert check.verdict is verdict
    assert words in check.message
    assert "whsec_abc" not in f"{check.message} {check.fix}"
    assert bool(check.fix) == (verdict is not Verdict.OK)
