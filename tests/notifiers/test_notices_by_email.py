"""Notices by e-mail reach a real mail server, as it wants them handed in."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from support.letters import deliver

from orchestrator.runtime.network import Network
from orchestrator.settings.model import NotifyTarget


class Mailbox:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - its name
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - its name
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


class AnyPort(Controller):
    """A mail server on whichever port is free."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(**more) -> Iterator[tuple[Mailbox, str]]:
    mailbox = Mailbox()
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **more)
    controller.start()
    try:
        yield mailbox, f"127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def email(smtp: str, **more) -> NotifyTarget:
    said = {"to": ("ada@example.org",), "sender": "orchestrator@example.org", "security": "none"}
    return NotifyTarget(via="email", smtp=smtp, **{**said, **more})


def test_an_e_mail_reaches_every_address_with_its_numbers():
    with mail_server() as (mailbox, smtp):
        assert deliver(email(smtp, to=("ada@example.org", "bob@example.org"))) is None
    ((to, mail),) = mailbox.mails
    assert to == ["ada@example.org", "bob@example.org"]
    assert mail["Subject"] == "[orchestrator] spring/hero/main has finished: 2 pictures, $0.056"
    assert mail["Message-ID"] == "<notice-7@orchestrator>"
    assert "1 <failed> & flagged" in mail.get_payload(decode=True).decode()


def test_an_e_mail_that_one_address_refuses_says_which():
    with mail_server() as (mailbox, smtp):
        trouble = deliver(email(smtp, to=("ada@example.org", "nobody@example.org")))
    assert trouble == "the mail server refused nobody@example.org"
    assert len(mailbox.mails) == 1


def test_an_e_mail_is_handed_in_with_a_password_over_a_connection_that_is_checked():
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    asked = []

    def known(server, session, envelope, mechanism, auth_data):
        asked.append((auth_data.login, auth_data.password))
        return AuthResult(success=auth_data.password == b"letmein", handled=False)

    more = {"tls_context": context, "require_starttls": True, "authenticator": known, "auth_required": True}
    with authority.cert_pem.tempfile() as pem, mail_server(**more) as (mailbox, smtp):
        target = email(smtp, security="starttls", user="ada", password_env="MAIL")
        trusting = Network(ca_file=pem)
        assert deliver(target, {"MAIL": "letmein"}, network=trusting) is None
        wrong = deliver(target, {"MAIL": "wrong-one"}, network=trusting)
        unknown = deliver(target, {"MAIL": "letmein"})
    assert len(mailbox.mails) == 1
    assert asked[0] == (b"ada", b"letmein")
    assert wrong is not None
    assert wrong.startswith("SMTPAuthenticationError")
    assert "wrong-one" not in wrong
    assert unknown is not None
    assert "CERTIFICATE_VERIFY_FAILED" in unknown
