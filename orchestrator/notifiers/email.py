"""Notices by e-mail, through the mail server that the configuration names."""

import asyncio
import smtplib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from typing import Any, Final, Literal

from orchestrator.ports import Letter

TIMEOUT_SECONDS: Final = 10.0

in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None = None
    password: str | None = None


class EmailMessenger:
    """One message to all addresses."""

    def __init__(
        self, server: MailServer, tls: Callable[[], ssl.SSLContext], *, sender: str, to: Sequence[str]
    ) -> None:
        self._server = server
        self._tls = tls
        self._sender = sender
        self._to = to

    async def send(self, letter: Letter) -> str | None:
        """Hand it in; a mail server that refuses one of several addresses has taken it for the others."""
        message = EmailMessage()
        message["Subject"] = f"[orchestrator] {' '.join(letter.title.split())}"
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{letter.id}@orchestrator>"
        message.set_content(f"{letter.title}\n\n{letter.text}".strip() + "\n")
        refused: dict[str, tuple[int, bytes]] = await in_thread(self._hand_in, message)
        if refused:
            return f"the mail server refused {', '.join(sorted(refused))}"
        return None

    def _hand_in(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        server = self._server
        if server.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_SECONDS, context=self._tls()
            )
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        with client:
            if server.security == "starttls":
                client.starttls(context=self._tls())
            if server.user is not None:
                client.login(server.user, server.password or "")
            return client.send_message(message)

    async def aclose(self) -> None:
        """Nothing is open."""
