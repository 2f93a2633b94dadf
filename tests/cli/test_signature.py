"""Who decided is known on every machine, and every database can store it."""

import getpass
import os
import socket

import click
import pytest
from click.testing import CliRunner

from orchestrator.cli.signature import NO_HOST, signature_of, why_option


def _nobody() -> str:
    raise OSError("No username set in the environment")


def test_a_decision_is_signed_with_user_host_command_and_reason() -> None:
    signed = signature_of("budget set", "the client paid")
    assert (signed.who, signed.host) == (getpass.getuser(), socket.gethostname())
    assert (signed.command, signed.why) == ("budget set", "the client paid")


def test_a_user_without_a_name_is_known_by_his_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", _nobody)
    assert signature_of("pause", None).who == f"uid {os.getuid()}"


def test_a_host_without_a_name_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "")
    assert signature_of("pause", None).host == NO_HOST


@pytest.mark.parametrize("why", [None, "", " \n "])
def test_a_reason_without_words_is_none(why: str | None) -> None:
    assert signature_of("pause", why).why is None


def test_a_reason_is_one_line_of_text_whatever_bytes_were_typed() -> None:
    assert signature_of("pause", "caf\udce9\nis\tclosed").why == "caf? is closed"


def test_the_option_hands_the_reason_to_its_command() -> None:
    @click.command()
    @why_option
    def decide(why: str | None) -> None:
        click.echo(f"because {why}")

    assert CliRunner().invoke(decide, ["--why", "the client paid"]).output == "because the client paid\n"
