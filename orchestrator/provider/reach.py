"""A plain request to the provider's address: does it answer, and what time does it think it is?"""

from email.utils import parsedate_to_datetime

import httpx

from orchestrator.ports import Reached
from orchestrator.runtime.network import Network

SECONDS = 10.0


def reach(url: str, network: Network) -> Reached:
    """Any answer will do; no credentials are sent, and nothing is followed."""
    try:
        with httpx.Client(
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=False,
            proxy=network.proxy_for(httpx.URL(url)),
            verify=network.ssl_context(),
        ) as client:
            response = client.head(url)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Reached(error=str(error) or type(error).__name__)
    date = response.headers.get("Date")
    try:
        return Reached(server_time_ms=int(parsedate_to_datetime(date).timestamp() * 1000) if date else None)
    except ValueError:
        return Reached()
