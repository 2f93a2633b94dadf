"""What a worker is given. Everything that touches the outside is handed in, so that a test can hand in
something else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.core.provider_clock import Instant, ProviderClock
from orchestrator.ports import (
    ArtifactStore,
    Clock,
    Crashpoint,
    DatabaseMark,
    Entropy,
    Mover,
    NoFolder,
    NoMark,
    NoNotifier,
    NoStableNames,
    Notifier,
    Provider,
    StableNames,
    no_crash,
)
from orchestrator.settings import Settings
from orchestrator.store.db.database import Database
from orchestrator.store.db.group_commit import Writer
from orchestrator.store.schedules.expanding import Expanded, TickOrder


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the worker must know of a model: data of the catalogue, handed in as values."""

    typical_latency_seconds: float
    media_type: Callable[[dict[str, object]], str]


def no_notice(_message: str) -> None:
    """Nobody is to be notified."""


@dataclass(frozen=True, slots=True)
class Deps:
    """A worker's dependencies."""

    database: Database
    writer: Writer
    provider: Provider
    artifacts: ArtifactStore
    clock: Clock
    entropy: Entropy
    settings: Settings
    facts: Callable[[str], ModelFacts]
    crashpoint: Crashpoint = field(default=no_crash)
    account: str = ""  # whose prices are quoted: a fingerprint of the key
    provider_clock: ProviderClock = field(default_factory=ProviderClock)  # as far as it was measured
    mark: DatabaseMark = field(default_factory=NoMark)
    mover: Mover = field(default_factory=NoFolder)
    notifier: Notifier = field(default_factory=NoNotifier)  # for those whom the configuration names
    names: StableNames = field(default_factory=NoStableNames)
    notify: Callable[[str], None] = field(
        default=no_notice
    )  # messages for the person who watches this worker

    expander: Callable[[TickOrder], Expanded] | None = None  # makes the run of a tick; None: fires none
    ping: Callable[[str], bool] | None = None  # tells an address, in a thread

    def moment(self) -> Instant:
        """Now, by both clocks."""
        return Instant(self.clock.now_ms(), self.clock.monotonic())
