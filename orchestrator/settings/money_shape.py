"""What `config.yaml` says of money: caps, and what stops spending by itself."""

from typing import Final

from orchestrator.core.provider_facts import REFUND_MS
from orchestrator.core.specs import NAME_PATTERN
from orchestrator.settings.value_shapes import Timezone
from orchestrator.yamlio.shapes import Choice, Decimal, Field, Integer, MapOf, Money, Nullable, Object

_WINDOWS: Final = Object(
    (
        Field("total", Nullable(Money()), "US dollars, ever."),
        Field("month", Nullable(Money()), "US dollars in a calendar month."),
        Field("day", Nullable(Money()), "US dollars in a calendar day."),
    ),
    "caps by window: {total: ..., month: ..., day: ...}",
)
_SHARE: Final = Nullable(Decimal(0.0, 1.0))
BUDGETS: Final = Object(
    (
        Field(name="account", shape=_WINDOWS, doc="Caps over everything.", default={}),
        Field(
            name="campaigns",
            shape=MapOf(
                shape=_WINDOWS,
                what="campaign names, each with caps by window",
                name_pattern=NAME_PATTERN,
                name_what="a campaign's name",
            ),
            doc="Caps by campaign.",
            default={},
        ),
        Field(
            name="on_failed",
            shape=Choice(("hold", "release")),
            doc=(
                "Whether a failed task's money counts until its refund is seen (hold) or is free at once "
                "(release)."
            ),
            default="hold",
        ),
        Field(name="timezone", shape=Timezone(), doc="Where days and months begin.", default="UTC"),
        Field(
            name="refund_window_seconds",
            shape=Integer(0, 30 * 86_400),
            doc="How long a refund is waited for.",
            default=REFUND_MS // 1000,
        ),
    )
)
GUARDS: Final = Object(
    (
        Field(
            name="price_drift_percent",
            shape=Decimal(0.0, 100.0),
            doc="A live price dearer than agreed by more than this stops the model before money moves.",
            default=1.0,
        ),
        Field(
            name="unanswered_price",
            shape=Choice(("stop", "known")),
            doc=(
                "What to do while the provider does not say what a call costs, and has not for two minutes: "
                "send nothing of the model (stop), or go on at the last price that is known."
            ),
            default="stop",
        ),
        Field(
            name="failure_rate",
            shape=_SHARE,
            doc="A run whose jobs fail more often than this is paused.",
            default=0.5,
        ),
        Field("nsfw_rate", _SHARE, "A run whose pictures are flagged more often than this is paused."),
        Field(
            name="min_jobs",
            shape=Integer(1, 1_000_000),
            doc="Ended jobs of a run before its rates count.",
            default=20,
        ),
        Field(
            name="clock_skew_seconds",
            shape=Nullable(Decimal(1.0, 86_400.0)),
            doc="Nothing is bought while our clock and the provider's differ by more; null: not watched.",
            default=180.0,
        ),
        Field(
            name="deaths",
            shape=Integer(1, 1000),
            doc="Workers that may die over one job before it is set aside.",
            default=5,
        ),
        Field(
            name="unknown_tasks",
            shape=Choice(("ours", "stop", "ignore")),
            doc=(
                "What to do about newer tasks of our models that this database does not know: stop when it "
                "is a restored copy and hold the jobs that such a task equals (ours), stop in any case, or "
                "ignore them."
            ),
            default="ours",
        ),
        Field(
            name="overdue_seconds",
            shape=Decimal(1, 7 * 86_400),
            doc=(
                "A task that is older than this, and than ten times its model's p99, is a person's: nobody "
                "waits for it."
            ),
            default=900.0,
        ),
    )
)
