"""What `config.yaml` may hold, declared once: it reads the file and gives editors their schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.core.provider_facts import REFUND_MS
from orchestrator.core.specs import NAME_PATTERN, JsonObject
from orchestrator.settings.model import PRESETS, SEPARATE_DOWNLOADS
from orchestrator.settings.urls import (
    base_url_problem,
    database_url_problem,
    listen_problem,
    webhook_url_problem,
)
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.shapes import (
    DRAFT_07,
    Choice,
    Decimal,
    Field,
    Flag,
    Integer,
    ListOf,
    MapOf,
    Money,
    Nullable,
    Object,
    Reading,
    Text,
)


@dataclass(frozen=True)
class _Url(Text):
    """A URL or an address that `problem_of` finds nothing wrong with; it is not echoed, it may hold a
    password.
    """

    problem_of: Callable[[str], str | None] = base_url_problem

    def read(self, node: Node, reading: Reading) -> str | None:
        """The text."""
        text = node.value if isinstance(node.value, str) else ""
        problem = self.problem_of(text)
        if problem is None:
            return text
        reading.report.add(replace(reading.document.problem(node.path, problem), source=None))
        return None


@dataclass(frozen=True)
class _VariableName(Text):
    """The name of an environment variable; what is there instead may be the key itself, so it is not
    shown.
    """

    def read(self, node: Node, reading: Reading) -> str | None:
        """The name."""
        if isinstance(node.value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", node.value):
            return node.value
        message = "expected the name of an environment variable such as WAVESPEED_API_KEY, not the key itself"
        problem = reading.document.problem(node.path, message)
        reading.report.add(replace(problem, source=None))
        return None


@dataclass(frozen=True)
class _Timezone(Text):
    """The name of a time zone, such as Europe/Berlin."""

    def read(self, node: Node, reading: Reading) -> str | None:
        """The name."""
        try:
            ZoneInfo(str(node.value))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            reading.expected(node, "the name of a time zone such as UTC or Europe/Berlin")
            return None
        return str(node.value)


_WINDOWS: Final = Object(
    (
        Field("total", Nullable(Money()), "US dollars, ever."),
        Field("month", Nullable(Money()), "US dollars in a calendar month."),
        Field("day", Nullable(Money()), "US dollars in a calendar day."),
    ),
    "caps by window: {total: ..., month: ..., day: ...}",
)
_SECONDS: Final = Decimal(0.1, 3600)

OUTPUTS: Final = Object(
    (
        Field(
            name="root",
            shape=Text("a folder"),
            doc="Folder for pictures, relative to this file.",
            default="outputs",
        ),
        Field(
            name="nsfw",
            shape=Choice(("keep", "quarantine", "discard")),
            doc="What happens to a picture that the provider flags.",
            default="quarantine",
        ),
        Field(
            name="sidecar",
            shape=Flag(),
            doc="Write a .json with prompt, price and digest next to each picture.",
            default=True,
        ),
    )
)
PROVIDER: Final = Object(
    (
        Field(name="base_url", shape=_Url(), doc="Where the API is.", default="https://api.wavespeed.ai"),
        Field(
            name="api_key_env",
            shape=_VariableName(),
            doc="Name of the environment variable that holds the key.",
            default="WAVESPEED_API_KEY",
        ),
        Field(
            "api_key_file",
            Nullable(Text("a file")),
            "File that holds the key, readable by you alone; used when the variable is not set.",
        ),
        Field(
            name="connect_timeout_seconds", shape=_SECONDS, doc="Longest wait for a connection.", default=10.0
        ),
        Field(
            name="read_timeout_seconds",
            shape=_SECONDS,
            doc="Longest wait for an answer to a read or a poll.",
            default=30.0,
        ),
        Field(
            name="submit_timeout_seconds",
            shape=_SECONDS,
            doc=(
                "Longest wait for an answer to a paid request; generous, because giving up leaves it in "
                "doubt."
            ),
            default=60.0,
        ),
        Field(
            name="upload_timeout_seconds", shape=_SECONDS, doc="Longest wait for one upload.", default=120.0
        ),
        Field(
            name="include_inputs",
            shape=Flag(),
            doc="Ask the provider's list for inputs too, when lost requests are looked for.",
            default=True,
        ),
    )
)
LIMITS: Final = Object(
    (
        Field("level", Nullable(Choice(tuple(PRESETS))), "Your level, at first bronze; sets three numbers."),
        Field("concurrency", Nullable(Integer(1, 100_000)), "Tasks at the provider at one time."),
        Field("submits_per_minute", Nullable(Integer(1, 1_000_000)), "Paid requests a minute."),
        Field("polls_per_second", Nullable(Decimal(0.01, 10_000)), "Polls of tasks a second."),
        Field(name="downloads", shape=Integer(1, 1000), doc="Downloads at one time.", default=8),
        Field(name="uploads", shape=Integer(1, 100), doc="Uploads at one time.", default=4),
    )
)
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
        Field(name="timezone", shape=_Timezone(), doc="Where days and months begin.", default="UTC"),
        Field(
            name="refund_window_seconds",
            shape=Integer(0, 30 * 86_400),
            doc="How long a refund is waited for.",
            default=REFUND_MS // 1000,
        ),
    )
)
WEBHOOK: Final = Object(
    (
        Field(
            "url",
            Nullable(_Url(problem_of=webhook_url_problem)),
            "Public https address that the provider reports to and that leads to `orchestrator serve`; none: "
            "no webhooks.",
        ),
        Field(
            name="secret_env",
            shape=_VariableName(),
            doc=(
                "Name of the environment variable that holds the webhook secret; two, apart by a space, "
                "while one replaces the other."
            ),
            default="WAVESPEED_WEBHOOK_SECRET",
        ),
        Field(
            "secret_file",
            Nullable(Text("a file")),
            "File that holds the secret, readable by you alone; used when the variable is not set.",
        ),
        Field(
            name="listen",
            shape=_Url(problem_of=listen_problem),
            doc="Where `orchestrator serve` listens.",
            default="127.0.0.1:8788",
        ),
        Field(
            name="wait_seconds",
            shape=Decimal(0, 86_400),
            doc=(
                "How long a lost reply that nothing else explains waits for its webhook before it is left "
                "to a person."
            ),
            default=600.0,
        ),
    )
)
_SHARE: Final = Nullable(Decimal(0.0, 1.0))
GUARDS: Final = Object(
    (
        Field(
            name="price_drift_percent",
            shape=Decimal(0.0, 100.0),
            doc="A live price that is off by more than this stops the model before money moves.",
            default=1.0,
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
            name="deaths",
            shape=Integer(1, 1000),
            doc="Workers that may die over one job before it is set aside.",
            default=5,
        ),
        Field(
            name="unknown_tasks",
            shape=Choice(("stop", "ignore")),
            doc=(
                "What to do when the provider lists newer tasks of our models that this database does not "
                "know."
            ),
            default="stop",
        ),
    )
)
CONFIG: Final = Object(
    (
        Field(
            name="database_url",
            shape=_Url(problem_of=database_url_problem),
            doc="Where state is kept; a SQLite path is relative to this file.",
            default="sqlite:///orchestrator.db",
        ),
        Field(name="outputs", shape=OUTPUTS, doc="Where pictures go.", default={}),
        Field(
            name="input_roots",
            shape=ListOf(Text("a folder"), "a list of folders"),
            doc=(
                "Further folders that local input pictures may come from; each manifest's own folder "
                "always counts. An upload makes a picture public."
            ),
            default=[],
        ),
        Field(name="provider", shape=PROVIDER, doc="How the provider is reached.", default={}),
        Field(name="limits", shape=LIMITS, doc="The account's limits, shared by all workers.", default={}),
        Field(name="budgets", shape=BUDGETS, doc="Caps in US dollars.", default={}),
        Field(
            name="in_doubt",
            shape=Object(
                (
                    Field(
                        name="settle_seconds",
                        shape=Decimal(0, 86_400),
                        doc=(
                            "How long the provider's list may take to show a task before its absence is "
                            "proof."
                        ),
                        default=120.0,
                    ),
                )
            ),
            doc="Requests whose answer was lost.",
            default={},
        ),
        Field(
            name="webhook",
            shape=WEBHOOK,
            doc="How the provider reports by itself what a request created.",
            default={},
        ),
        Field(
            name="guards",
            shape=GUARDS,
            doc="What stops spending by itself when something is wrong.",
            default={},
        ),
        Field(
            name="retry",
            shape=Object(
                (
                    Field(
                        name="max_attempts", shape=Integer(1, 100), doc="Attempts for each job.", default=3
                    ),
                    Field(
                        name="backoff_base_seconds",
                        shape=Decimal(0, 3600),
                        doc="First wait between attempts.",
                        default=2.0,
                    ),
                    Field(
                        name="backoff_cap_seconds",
                        shape=Decimal(0, 86_400),
                        doc="Longest wait between attempts.",
                        default=300.0,
                    ),
                )
            ),
            doc="Attempts after a failure that may pass.",
            default={},
        ),
        Field(
            name="worker",
            shape=Object(
                (
                    Field(
                        name="lease_seconds",
                        shape=Decimal(1, 3600),
                        doc="A silent worker's jobs are adopted after this.",
                        default=60.0,
                    ),
                    Field(
                        name="poll_min_seconds",
                        shape=Decimal(0.01, 600),
                        doc="Shortest time between two polls of a task.",
                        default=0.5,
                    ),
                    Field(
                        name="poll_max_seconds",
                        shape=Decimal(0.01, 3600),
                        doc="Longest time between two polls of a task.",
                        default=10.0,
                    ),
                )
            ),
            doc="The worker's own pace.",
            default={},
        ),
        Field(
            name="download",
            shape=Object(
                (
                    Field(
                        name="max_bytes",
                        shape=Integer(1, 10**10),
                        doc="Largest picture that is accepted.",
                        default=200_000_000,
                    ),
                    Field(
                        name="timeout_seconds",
                        shape=Decimal(0.1, 86_400),
                        doc="Longest time for one picture.",
                        default=300.0,
                    ),
                    Field(
                        name="max_redirects",
                        shape=Integer(0, 10),
                        doc="Redirects that are followed.",
                        default=3,
                    ),
                    Field(
                        "separate_process",
                        Nullable(Flag()),
                        "Download in a process of its own; null: where limits.downloads is "
                        f"{SEPARATE_DOWNLOADS} or more.",
                    ),
                )
            ),
            doc="Bounds of one download.",
            default={},
        ),
    ),
    "a mapping of settings",
)


def config_json_schema() -> JsonObject:
    """JSON Schema (draft-07) of `config.yaml`."""
    return {"$schema": DRAFT_07, "title": "orchestrator configuration", **CONFIG.schema()}
