"""What an apply is given besides the manifests, and what it says of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from orchestrator.actions.operator.fleet_words import FileWords, FleetDifference
from orchestrator.actions.planning.prices.live_prices import LivePrices
from orchestrator.manifest import Manifest
from orchestrator.store.account.acts import Signature
from orchestrator.store.runs.unrequested import Unrequested

RENAMED_KEPT: Final = 1_000
NOBODY: Final = Signature("unknown", "unknown", "apply")


@dataclass(slots=True)
class Applied:
    """What one manifest added."""

    manifest: Manifest
    run_id: int = 0
    new: int = 0
    existing: int = 0
    cost_micros: int = 0  # of all its jobs, new or not
    others: Unrequested = field(
        default_factory=Unrequested
    )  # waited in the run and are not asked for (any more)
    keys: list[str] = field(default_factory=list)  # of all its jobs, where a part is asked for
    pruned: int = 0  # as many of the others were cancelled
    copies: int = 0  # further files that are made of pictures that are paid once
    reused: int = 0  # have the pictures of earlier runs
    avoided_micros: int = 0  # what these would have cost
    under_way: int = 0  # another run is making them: they were not added
    left_alone: int = 0  # not asked for, because of the word `regenerate`, or an https input that is gone
    at_address: int = 0  # of the new ones: an https input of theirs serves another picture
    outdated: int = 0  # of the new ones: an older revision of the model has made what is there
    superseded: int = 0  # waiting jobs of earlier runs that were cancelled
    again: int = 0  # further tries of what was made of a picture that is not the choice any more
    renamed: list[tuple[str, str]] = field(
        default_factory=list
    )  # wanted path, given path; the first thousand


def _say_nothing(_: Sequence[FleetDifference]) -> None:
    """For callers who show nothing."""


@dataclass(frozen=True, slots=True)
class Taking:
    """How words on caps and limits enter the database with the jobs: whose they are (None: only those of the
    manifests), who brings them, which looser ones a person has agreed to, and who hears what was different.
    """

    words: FileWords | None = None
    signed: Signature = NOBODY
    raised: frozenset[object] = frozenset()
    tell: Callable[[Sequence[FleetDifference]], None] = _say_nothing


NOTHING: Final = Taking()


@dataclass(frozen=True, slots=True)
class Pricing:
    """The prices of what is applied."""

    prices: LivePrices = field(default_factory=LivePrices)
    drift_percent: float = 0.0  # a price that is dearer than agreed by more than this waits for a person
    shown: bool = False  # a person saw the prices and said yes
