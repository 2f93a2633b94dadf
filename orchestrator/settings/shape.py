"""What `config.yaml` may hold, declared once: it reads the file and gives editors their schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.core.specs import JsonObject
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

NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


@dataclass(frozen=True)
class _Url(Text):
    """A URL or an address that `problem_of` finds nothing wrong with; it is not echoed, it may hold a password."""

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
    """The name of an environment variable; what stands there instead may be the key itself, so it is not shown."""

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
        Field("root", Text("a folder"), "Folder for pictures, relative to this file.", "outputs"),
        Field(
            "nsfw",
            Choice(("keep", "quarantine", "discard")),
            "What happens to a picture that the provider flags.",
            "quarantine",
        ),
        Field("sidecar", Flag(), "Write a .json with prompt, price and digest beside each picture.", True),
    )
)
PROVIDER: Final = Object(
    (
        Field("base_url", _Url(), "Where the API is.", "https://api.wavespeed.ai"),
        Field(
            "api_key_env",
            _VariableName(),
            "Name of the environment variable that holds the key.",
            "WAVESPEED_API_KEY",
        ),
        Field(
            "api_key_file",
            Nullable(Text("a file")),
            "File that holds the key, readable by you alone; used when the variable is not set.",
        ),
        Field("connect_timeout_seconds", _SECONDS, "Longest wait for a connection.", 10.0),
        Field("read_timeout_seconds", _SECONDS, "Longest wait for an answer to a look-up.", 30.0),
        Field(
            "submit_timeout_seconds",
            _SECONDS,
            "Longest wait for an answer to a paid request; generous, because giving up leaves it in doubt.",
            60.0,
        ),
        Field("upload_timeout_seconds", _SECONDS, "Longest wait for one upload.", 120.0),
        Field(
            "include_inputs",
            Flag(),
            "Ask the provider's list for inputs too, when lost requests are looked for.",
            True,
        ),
    )
)
LIMITS: Final = Object(
    (
        Field("level", Nullable(Choice(tuple(PRESETS))), "Your level, at first bronze; sets three numbers."),
        Field("concurrency", Nullable(Integer(1, 100_000)), "Tasks at the provider at one time."),
        Field("submits_per_minute", Nullable(Integer(1, 1_000_000)), "Paid requests a minute."),
        Field("polls_per_second", Nullable(Decimal(0.01, 10_000)), "Look-ups of results a second."),
        Field("downloads", Integer(1, 1000), "Downloads at one time.", 8),
        Field("uploads", Integer(1, 100), "Uploads at one time.", 4),
    )
)
BUDGETS: Final = Object(
    (
        Field("account", _WINDOWS, "Caps over everything.", {}),
        Field(
            "campaigns",
            MapOf(_WINDOWS, "campaign names, each with caps by window", NAME_PATTERN, "a campaign's name"),
            "Caps by campaign.",
            {},
        ),
        Field(
            "on_failed",
            Choice(("hold", "release")),
            "Whether a failed task's money counts until its refund is seen (hold) or is free at once (release).",
            "hold",
        ),
        Field("timezone", _Timezone(), "Where days and months begin.", "UTC"),
        Field(
            "refund_window_seconds",
            Integer(0, 30 * 86_400),
            "How long a refund is waited for.",
            10_800,
        ),
    )
)
WEBHOOK: Final = Object(
    (
        Field(
            "url",
            Nullable(_Url(problem_of=webhook_url_problem)),
            "Public https address that the provider reports to and that leads to `orchestrator serve`; none: no webhooks.",
        ),
        Field(
            "secret_env",
            _VariableName(),
            "Name of the environment variable that holds the webhook secret; two, apart by a space, while one replaces the other.",
            "WAVESPEED_WEBHOOK_SECRET",
        ),
        Field(
            "secret_file",
            Nullable(Text("a file")),
            "File that holds the secret, readable by you alone; used when the variable is not set.",
        ),
        Field(
            "listen", _Url(problem_of=listen_problem), "Where `orchestrator serve` listens.", "127.0.0.1:8788"
        ),
        Field(
            "wait_seconds",
            Decimal(0, 86_400),
            "How long a lost reply that nothing else explains waits for its webhook before it is left to a person.",
            600.0,
        ),
    )
)
_SHARE: Final = Nullable(Decimal(0.0, 1.0))
GUARDS: Final = Object(
    (
        Field(
            "price_drift_percent",
            Decimal(0.0, 100.0),
            "A live price that is off by more than this stops the model before money moves.",
            1.0,
        ),
        Field("failure_rate", _SHARE, "A run whose jobs fail more often than this is paused.", 0.5),
        Field("nsfw_rate", _SHARE, "A run whose pictures are flagged more often than this is paused."),
        Field("min_jobs", Integer(1, 1_000_000), "Ended jobs of a run before its rates count.", 20),
        Field("deaths", Integer(1, 1000), "Workers that may die over one job before it is set aside.", 5),
        Field(
            "unknown_tasks",
            Choice(("stop", "ignore")),
            "What to do when the provider lists newer tasks of our models that this database does not know.",
            "stop",
        ),
    )
)
CONFIG: Final = Object(
    (
        Field(
            "database_url",
            _Url(problem_of=database_url_problem),
            "Where state is kept; a SQLite path is relative to this file.",
            "sqlite:///orchestrator.db",
        ),
        Field("outputs", OUTPUTS, "Where pictures go.", {}),
        Field(
            "input_roots",
            ListOf(Text("a folder"), "a list of folders"),
            "Further folders that local input pictures may come from; each manifest's own folder always counts. "
            "An upload makes a picture public.",
            [],
        ),
        Field("provider", PROVIDER, "How the provider is reached.", {}),
        Field("limits", LIMITS, "The account's limits, shared by all workers.", {}),
        Field("budgets", BUDGETS, "Caps in US dollars.", {}),
        Field(
            "in_doubt",
            Object(
                (
                    Field(
                        "settle_seconds",
                        Decimal(0, 86_400),
                        "How long the provider's list may take to show a task before its absence is proof.",
                        120.0,
                    ),
                )
            ),
            "Requests whose answer was lost.",
            {},
        ),
        Field("webhook", WEBHOOK, "How the provider tells by itself what a request created.", {}),
        Field("guards", GUARDS, "What stops spending by itself when something looks wrong.", {}),
        Field(
            "retry",
            Object(
                (
                    Field("max_attempts", Integer(1, 100), "Attempts for each job.", 3),
                    Field("backoff_base_seconds", Decimal(0, 3600), "First wait between attempts.", 2.0),
                    Field("backoff_cap_seconds", Decimal(0, 86_400), "Longest wait between attempts.", 300.0),
                )
            ),
            "Attempts after a failure that may pass.",
            {},
        ),
        Field(
            "worker",
            Object(
                (
                    Field(
                        "lease_seconds",
                        Decimal(1, 3600),
                        "A silent worker's jobs are adopted after this.",
                        60.0,
                    ),
                    Field(
                        "poll_min_seconds",
                        Decimal(0.01, 600),
                        "Shortest time between two looks at a task.",
                        0.5,
                    ),
                    Field(
                        "poll_max_seconds",
                        Decimal(0.01, 3600),
                        "Longest time between two looks at a task.",
                        10.0,
                    ),
                )
            ),
            "The worker's own pace.",
            {},
        ),
        Field(
            "download",
            Object(
                (
                    Field("max_bytes", Integer(1, 10**10), "Largest picture that is accepted.", 200_000_000),
                    Field("timeout_seconds", Decimal(0.1, 86_400), "Longest time for one picture.", 300.0),
                    Field("max_redirects", Integer(0, 10), "Redirects that are followed.", 3),
                    Field(
                        "separate_process",
                        Nullable(Flag()),
                        "Download in a process of its own; "
                        f"null: where limits.downloads is {SEPARATE_DOWNLOADS} or more.",
                    ),
                )
            ),
            "Bounds of one download.",
            {},
        ),
    ),
    "a mapping of settings",
)


def config_json_schema() -> JsonObject:
    """JSON Schema (draft-07) of `config.yaml`."""
    return {"$schema": DRAFT_07, "title": "orchestrator configuration", **CONFIG.schema()}
