"""What `config.yaml` says of the provider: how it is reached, what it allows, how it reports."""

from typing import Final

from orchestrator.settings.model import PRESETS
from orchestrator.settings.urls import listen_problem, webhook_url_problem
from orchestrator.settings.value_shapes import Url, VariableName
from orchestrator.yamlio.shapes import Choice, Decimal, Field, Flag, Integer, Nullable, Object, Text

_SECONDS: Final = Decimal(0.1, 3600)
PROVIDER: Final = Object(
    (
        Field(name="base_url", shape=Url(), doc="Where the API is.", default="https://api.wavespeed.ai"),
        Field(
            name="api_key_env",
            shape=VariableName(),
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
IN_DOUBT: Final = Object(
    (
        Field(
            name="settle_seconds",
            shape=Decimal(0, 86_400),
            doc=("How long the provider's list may take to show a task before its absence is proof."),
            default=120.0,
        ),
    )
)
WEBHOOK: Final = Object(
    (
        Field(
            "url",
            Nullable(Url(problem_of=webhook_url_problem)),
            "Public https address that the provider reports to and that leads to `orchestrator serve`; none: "
            "no webhooks.",
        ),
        Field(
            name="secret_env",
            shape=VariableName(),
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
            shape=Url(problem_of=listen_problem),
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
