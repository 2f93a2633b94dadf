"""What a sandbox is like: money, limits, latency, retention, and the switches for what the provider leaves
open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from orchestrator.core.errors import UsageError
from orchestrator.sandbox.faults.script import Faults

MICROS_PER_USD: Final = 1_000_000


class Level(StrEnum):
    """Account levels (docs: account levels); `unlimited` is ours, for benchmarks."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    ULTRA = "ultra"
    UNLIMITED = "unlimited"


SUBMITS_PER_MINUTE: Final[Mapping[Level, int | None]] = {
    Level.BRONZE: 2,
    Level.SILVER: 500,
    Level.GOLD: 3000,
    Level.ULTRA: 5000,
    Level.UNLIMITED: None,
}
CONCURRENCY: Final[Mapping[Level, int | None]] = {
    Level.BRONZE: 2,
    Level.SILVER: 300,
    Level.GOLD: 3000,
    Level.ULTRA: 10000,
    Level.UNLIMITED: None,
}


class Overload(StrEnum):
    """What happens to a submit beyond the concurrency limit; sources disagree."""

    QUEUE = "queue"  # accepted, and waits as `created`
    REFUSE = "refuse"  # 429


class RateUnit(StrEnum):
    """What the per-minute limit counts; not stated by the provider."""

    REQUESTS = "requests"
    IMAGES = "images"


class NoCredit(StrEnum):
    """How an empty account says no; all forms have been reported."""

    HTTP_400 = "http_400"  # 400 "Insufficient credits. Please top up."
    HTTP_402 = "http_402"  # 402 with the same message and a failed `data`
    CODE_1407 = "code_1407"  # 400 whose envelope code is 1407 and whose text does not help
    FAILED_TASK = "failed_task"  # accepted and not charged, then failed with code 1407


class PriceUnit(StrEnum):
    """The unit of `price` in billing records: both are documented."""

    USD = "usd"  # float dollars (newer page)
    MICROS = "micros"  # integer micro-dollars (older page)


class KeyState(StrEnum):
    """What the account behind a right key may do."""

    ACTIVE = "active"
    SUSPENDED = "suspended"  # 403
    ROLE_DENIED = "role_denied"  # 403 naming the role, in the `{message, error_code}` shape


class ForeignImages(StrEnum):
    """What an input picture on a public host becomes: the sandbox never contacts one."""

    PLACEHOLDER = "placeholder"  # a drawn stand-in; hosts under `.invalid` still fail
    FAIL = "fail"  # the task fails with 1402


@dataclass(frozen=True)
class SandboxConfig:
    """Everything about a sandbox; the defaults suit a person trying the orchestrator.

    Durations are seconds, money is micros. `output_expired_status` is what an expired output answers.
    """

    api_keys: tuple[str, ...] = ("sandbox-key",)
    key_state: KeyState = KeyState.ACTIVE
    seed: int = 1

    # lifecycle
    latency_median: float = 2.0  # 0 finishes every task at once
    latency_sigma: float = 0.4  # of the log-normal distribution; 0 makes every task equal
    sync_timeout: float = 90.0
    retention: float = 7 * 86400.0  # predictions and outputs
    input_ttl: float = 7 * 86400.0  # uploaded pictures
    output_url_ttl: float | None = None  # None: as long as the prediction
    output_expired_status: int = 404
    fresh_urls: bool = True  # a result read after its URL expired carries a new URL

    # limits
    level: Level = Level.SILVER
    submits_per_minute: int | None = None  # wins over the level
    concurrency: int | None = None  # wins over the level
    rate_unit: RateUnit = RateUnit.REQUESTS
    overload: Overload = Overload.QUEUE
    limit_retry_after: int | None = None  # Retry-After of the limits' own 429

    # money
    balance_micros: int = 100 * MICROS_PER_USD
    discount_rate: int = 100  # per cent of the list price that is charged
    charge_percent: int = 100  # of the quoted price that is charged all the same
    bill_percent: int = 100  # of each amount that the bill shows; 1 or 10000 is another unit
    bill_lag: float = 0.0  # until a record is on the bill
    other_charges: int = 0  # records of another service on the bill, half a dollar each
    refund_delay: float = 30.0
    refund_moderated: bool = True
    no_credit: NoCredit = NoCredit.HTTP_400
    billing_price_unit: PriceUnit = PriceUnit.USD
    billing_total: bool = False  # `total` (older page) instead of `has_more`

    # lists and inputs
    list_lag: float = 0.0
    list_others: int = 0  # entries of another service, with ids that no task has
    list_inputs: bool = False  # honour `include_inputs`
    list_total: bool = False
    strict_inputs: bool = False  # refuse unknown keys instead of dropping them
    foreign_images: ForeignImages = ForeignImages.PLACEHOLDER
    upload_bytes_max: int = 200 * 1024 * 1024

    # webhooks
    webhook_secret: str = "whsec_sandbox-secret"  # noqa: S105 - for tests
    webhook_retry: float = 1.0  # before the second delivery; doubles each time
    webhook_late: float = 30.0  # of the `webhook.late` fault

    # faults
    faults: Faults = field(default_factory=Faults)
    slow_seconds: float = 5.0
    retry_after: int = 1  # of the `throttle_retry_after` faults
    endless_bytes_max: int = 256 * 1024 * 1024

    # how the stand-in itself works
    fast: bool = False  # cached pictures, for benchmarks
    fast_picture_bytes: int = 20_000  # about how large they are
    picture_cache_bytes: int = 128 * 1024 * 1024
    ledger: Path | None = None  # append-only JSON lines

    def __post_init__(self) -> None:
        for name in _ENUMS:
            object.__setattr__(self, name, _word(name, getattr(self, name)))

    @property
    def submits_per_minute_limit(self) -> int | None:
        """Submits (or images) per 60 s, or None for no limit."""
        return _explicit_or(self.submits_per_minute, SUBMITS_PER_MINUTE[self.level])

    @property
    def concurrency_limit(self) -> int | None:
        """Tasks working at once, or None for no limit."""
        return _explicit_or(self.concurrency, CONCURRENCY[self.level])


def _explicit_or(explicit: int | None, preset: int | None) -> int | None:
    return preset if explicit is None else explicit


_ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    "key_state": KeyState,
    "level": Level,
    "rate_unit": RateUnit,
    "overload": Overload,
    "no_credit": NoCredit,
    "billing_price_unit": PriceUnit,
    "foreign_images": ForeignImages,
}
_NULLABLE: Final = {
    "output_url_ttl": float,
    "submits_per_minute": int,
    "concurrency": int,
    "limit_retry_after": int,
}
_FIXED: Final = {"seed", "webhook_secret", "balance_micros", "ledger", "faults", "picture_cache_bytes"}


def _word(name: str, value: Any) -> StrEnum:
    """One of the words a switch can be; raises UsageError with all of them for any other."""
    try:
        return _ENUMS[name](value)
    except ValueError:
        words = ", ".join(_ENUMS[name])
        raise UsageError(f"{name} cannot be {value!r}; it is one of {words}") from None


def with_changes(config: SandboxConfig, changes: Mapping[str, Any]) -> SandboxConfig:
    """`config` with some switches set from JSON values; raises UsageError naming the first that does not fit.

    What a running sandbox has already built upon (seed, balance, ledger) cannot be changed; faults have their
    own way.
    """
    return replace(config, **{name: _coerce(config, name, value) for name, value in changes.items()})


def _coerce(config: SandboxConfig, name: str, value: Any) -> Any:
    switches = {f.name for f in fields(config)} - _FIXED
    if name not in switches:
        raise UsageError(f"{name!r} is not a switch of the sandbox; there are {', '.join(sorted(switches))}")
    if name == "api_keys":
        if isinstance(value, list | tuple) and all(isinstance(key, str) for key in value):
            return tuple(value)
        raise UsageError("api_keys takes a list of texts")
    if name in _ENUMS:
        return _word(name, value)
    if name in _NULLABLE and value is None:
        return None
    kind = _NULLABLE.get(name) or type(getattr(config, name))
    if kind is bool and isinstance(value, bool):
        return value
    if kind is not bool and isinstance(value, int | float) and not isinstance(value, bool):
        return kind(value)
    raise UsageError(f"{name} takes a {kind.__name__}, not {value!r}")
