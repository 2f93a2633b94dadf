"""What is served over HTTP: the receiver of the provider's webhooks, and the review."""

from orchestrator.web.receiver import Receiver
from orchestrator.web.server import run_blocking, serve
from orchestrator.web.site import make_site

__all__ = ["Receiver", "make_site", "run_blocking", "serve"]
