"""Telling people: a webhook, Slack, e-mail, and what apprise knows. One file each."""

from orchestrator.notifiers.making import make_dispatcher

__all__ = ["make_dispatcher"]
