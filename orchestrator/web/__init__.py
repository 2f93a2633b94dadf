"""The server of `orchestrator serve`: receives the provider's webhooks, and answers whether it is well."""

from orchestrator.web.receiver import Receiver
from orchestrator.web.server import run_blocking, serve
from orchestrator.web.site import make_site

__all__ = ["Receiver", "make_site", "run_blocking", "serve"]
