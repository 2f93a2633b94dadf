"""Settings as the rest of the program sees them: checked, complete, frozen. Paths are absolute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from orchestrator.core.provider_facts import REFUND_MS

Level = Literal["bronze", "silver", "gold", "ultra"]
NsfwPolicy = Literal["keep", "quarantine", "discard"]
NsfwUnknown = Literal["keep", "quarantine"]
OnFailed = Literal["hold", "release"]
UnknownTasks = Literal["ours", "stop", "ignore"]
UnansweredPrice = Literal["stop", "known"]
NotifyVia = Literal["webhook", "slack", "email", "apprise"]
MailSecurity = Literal["starttls", "tls", "none"]
Window = Literal["total", "month", "day"]


class Preset(NamedTuple):
    """What an account level allows."""

    concurrency: int
    submits_per_minute: int
    polls_per_second: float


DEFAULT_LEVEL: Final[Level] = "bronze"
PRESETS: Final[Mapping[str, Preset]] = {
    # Tasks and images a minute from docs: account-levels, the newer table. No limit on reading results is
    # published; those figures are ours, about three polls for each task that a level can finish.
    "bronze": Preset(2, 2, 5.0),
    "silver": Preset(300, 500, 50.0),
    "gold": Preset(3000, 3000, 200.0),
    "ultra": Preset(10000, 5000, 400.0),
}


SEPARATE_DOWNLOADS: Final = 32
"""So many downloads at one time are worth a process of their own."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where pictures go, and what happens to flagged ones."""

    root: str  # an absolute folder, or an object store's URL
    nsfw: NsfwPolicy = "quarantine"
    nsfw_unknown: NsfwUnknown = "quarantine"
    sidecar: bool = True
    thumbnails: bool = True


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """How the provider is reached. The key itself is never held here."""

    base_url: str = "https://api.wavespeed.ai"
    api_key_env: str = "WAVESPEED_API_KEY"
    api_key_file: str | None = None
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 30.0
    submit_timeout_seconds: float = 60.0
    upload_timeout_seconds: float = 120.0
    include_inputs: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """The account's limits, shared by all workers, and what each worker does at one time."""

    level: Level = "bronze"
    concurrency: int = PRESETS["bronze"].concurrency
    submits_per_minute: int = PRESETS["bronze"].submits_per_minute
    polls_per_second: float = PRESETS["bronze"].polls_per_second
    downloads: int = 8
    uploads: int = 4
    defaulted: frozenset[str] = frozenset()  # numbers that nobody named: no opinion on what workers share


def polls_a_second(limits: Limits, in_force: int | None) -> float:
    """How often a worker polls: as its configuration says, else as the smallest level does that allows the
    tasks at once that are in force (None: not known yet), which a person may have raised meanwhile.
    """
    if "polls_per_second" not in limits.defaulted or in_force is None:
        return limits.polls_per_second
    levels = PRESETS.values()
    fitting = [level.polls_per_second for level in levels if level.concurrency >= in_force]
    return min(fitting, default=max(level.polls_per_second for level in levels))


@dataclass(frozen=True, slots=True)
class Budgets:
    """Caps in micros by window; an absent window has no cap."""

    account: Mapping[Window, int] = field(default_factory=dict)
    campaigns: Mapping[str, Mapping[Window, int]] = field(default_factory=dict)
    on_failed: OnFailed = "hold"
    timezone: str = "UTC"
    refund_window_seconds: int = REFUND_MS // 1000


@dataclass(frozen=True, slots=True)
class InDoubtSettings:
    """How long the provider's list is given to show a task before its absence counts as proof."""

    settle_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """How the provider reports by itself what a request created; off without a URL. The secret is never held
    here.
    """

    url: str | None = None
    secret_env: str = "WAVESPEED_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
    secret_file: str | None = None
    listen: str = "127.0.0.1:8788"
    wait_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Guards:
    """What stops spending by itself when something is wrong; a rate that is None is not watched."""

    price_drift_percent: float = 1.0
    unanswered_price: UnansweredPrice = "stop"
    failure_rate: float | None = 0.5
    nsfw_rate: float | None = None
    min_jobs: int = 20
    clock_skew_seconds: float | None = 180.0
    deaths: int = 5
    unknown_tasks: UnknownTasks = "ours"
    overdue_seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class Retry:
    """When a job is tried again after an attempt without a result."""

    max_attempts: int | None = None  # where the manifest names none; None: no opinion
    backoff_base_seconds: float = 2.0
    backoff_cap_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The worker's own pace."""

    lease_seconds: float = 60.0
    poll_min_seconds: float = 0.5
    poll_max_seconds: float = 10.0
    stop_grace_seconds: float = 8.0


@dataclass(frozen=True, slots=True)
class Download:
    """Bounds of one download."""

    max_bytes: int = 200_000_000
    timeout_seconds: float = 300.0
    max_redirects: int = 3
    separate_process: bool | None = None


@dataclass(frozen=True, slots=True)
class InputSettings:
    """What is done with local input pictures."""

    normalize: bool = False


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What checks of a manifest may do on this machine."""

    commands: bool = False


@dataclass(frozen=True, slots=True)
class NotifyTarget:
    """Somebody who is told what happens. Secrets are never held here, only where they are."""

    via: NotifyVia
    url: str | None = None
    url_env: str | None = None
    url_file: str | None = None
    secret_env: str | None = None  # what a webhook is signed with
    secret_file: str | None = None
    to: tuple[str, ...] = ()
    sender: str | None = None
    smtp: str | None = None  # HOST:PORT
    security: MailSecurity = "starttls"
    user: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    events: tuple[str, ...] | None = None  # None: all
    campaigns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration."""

    database_url: str
    outputs: Outputs
    input_roots: tuple[str, ...] = ()
    inputs: InputSettings = field(default_factory=InputSettings)
    provider: ProviderSettings = field(default_factory=ProviderSettings)
    limits: Limits = field(default_factory=Limits)
    budgets: Budgets = field(default_factory=Budgets)
    in_doubt: InDoubtSettings = field(default_factory=InDoubtSettings)
    webhook: Webhook = field(default_factory=Webhook)
    guards: Guards = field(default_factory=Guards)
    retry: Retry = field(default_factory=Retry)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    download: Download = field(default_factory=Download)
    checks: CheckSettings = field(default_factory=CheckSettings)
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)  # name to what is written of it
    notify: Mapping[str, NotifyTarget] = field(default_factory=dict)
    origin: Path | None = None  # the file it was read from

    @property
    def separate_downloads(self) -> bool:
        """Whether a worker downloads in a process of its own: as it is set, else where there is much to
        download.
        """
        if self.download.separate_process is not None:
            return self.download.separate_process
        return self.limits.downloads >= SEPARATE_DOWNLOADS
