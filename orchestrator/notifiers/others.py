"""Everything that apprise can tell: more than a hundred services, each by a URL."""

import logging
from typing import Any

from orchestrator.core.errors import UsageError
from orchestrator.ports import Letter

MISSING = (
    "it needs apprise, which is not installed. Install it with: pip install 'orchestrator[notify]' "
    "(or: uv sync --extra notify)"
)


class AppriseMessenger:
    """One apprise URL."""

    def __init__(self, target: str, url: str) -> None:
        try:
            import apprise
        except ImportError:
            raise UsageError(f"notify.{target}: {MISSING}") from None
        # its log lines may hold the URL, which is a secret
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._apprise: Any = apprise.Apprise()
        if not self._apprise.add(url):
            raise UsageError(f"notify.{target}: apprise knows no service by this URL; it is not shown here")

    async def send(self, letter: Letter) -> str | None:
        """Deliver it; apprise says only whether it worked."""
        taken = await self._apprise.async_notify(title=letter.title, body=letter.text or letter.title)
        return None if taken else "the service did not take it"

    async def aclose(self) -> None:
        """Nothing is open."""
