"""What earlier runs save, in words and as JSON, and what a person is asked when too much has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.core.money import format_usd

if TYPE_CHECKING:  # a listing need not load what expands manifests
    from collections.abc import Sequence

    from orchestrator.actions.planning.figures.planned import Plan
    from orchestrator.actions.planning.walking.flood import Flood
    from orchestrator.cli.rendering.documents import Json


class Reusing(Protocol):
    """What a plan, or an apply, says of earlier runs."""

    reused: int
    avoided_micros: int
    under_way: int
    left_alone: int
    at_address: int
    outdated: int


def reused_words(item: Reusing) -> str:
    """Such as `1,180 reused, $33.04 avoided`; empty where earlier runs decide about nothing."""
    parts = []
    if item.reused:
        parts.append(f"{item.reused:,} reused, {usd(item.avoided_micros)} avoided")
    if item.under_way:
        parts.append(f"{item.under_way:,} being made by an earlier run")
    if item.left_alone:
        parts.append(f"{item.left_alone:,} left alone")
    if item.at_address:
        parts.append(f"{item.at_address:,} changed at their address")
    if item.outdated:
        parts.append(f"{item.outdated:,} changed by a new revision of the model")
    return ", ".join(parts)


def reused_document(item: Reusing) -> Json:
    """The same as JSON, in plans and what `apply` prints."""
    return {
        "reused": item.reused,
        "avoided_usd": format_usd(item.avoided_micros),
        "under_way": item.under_way,
        "left_alone": item.left_alone,
        "changed_at_address": item.at_address,
        "changed_by_model": item.outdated,
    }


def plan_lines(plan: Plan) -> list[str]:
    """A line about what earlier runs have, and one for each manifest that a person must agree to."""
    words = [reused_words(row) for row in plan.manifests]
    lines = [f"Reused      {'; '.join(filter(None, words))}"] if any(words) else []
    return lines + [f"! {line}" for line in flood_lines(tripped(plan))]


def tripped(plan: Plan) -> list[Flood]:
    """What is beyond `max_changed`."""
    return [row.flood for row in plan.manifests if row.flood is not None and row.flood.trips]


def flood_lines(floods: Sequence[Flood]) -> list[str]:
    """What has changed more than the manifest allows."""
    return [f"{safe(flood.run)}: {flood.words} (max_changed)" for flood in floods]


def flood_question(floods: Sequence[Flood]) -> str:
    """What a person is asked."""
    lost = sum(flood.lost for flood in floods)
    gone = f" and {count(lost, 'job')} gone" if lost else ""
    return f"{count(sum(flood.changed for flood in floods), 'job')} changed{gone}. Type y if that is meant"


def flood_document(flood: Flood | None) -> Json:
    """What has changed since the run before; nothing where there is no guard or no such run."""
    if flood is None or flood.previous is None:
        return {}
    return {
        "changed": {
            "jobs": flood.changed,
            "cost_usd": format_usd(flood.changed_micros),
            "lost": flood.lost,
            "before": flood.before,
            "needs_approval": flood.trips,
        }
    }
