"""What `config.yaml` says of the work: attempts, the worker's pace, downloads, where pictures go."""

from typing import Final

from orchestrator.core.specs import MAX_ATTEMPTS
from orchestrator.settings.model import SEPARATE_DOWNLOADS
from orchestrator.yamlio.shapes import Choice, Decimal, Field, Flag, Integer, Nullable, Object, Text

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
            name="nsfw_unknown",
            shape=Choice(("keep", "quarantine")),
            doc="The same for a picture about which the provider says something that cannot be read.",
            default="quarantine",
        ),
        Field(
            name="sidecar",
            shape=Flag(),
            doc="Write a .json with prompt, price and digest next to each picture.",
            default=True,
        ),
        Field(
            name="thumbnails",
            shape=Flag(),
            doc="Make small pictures for pages while a run goes on; without it they are made when looked at.",
            default=True,
        ),
    )
)
INPUTS: Final = Object(
    (
        Field(
            name="normalize",
            shape=Flag(),
            doc=(
                "Convert a copy of each local input picture that the model does not take, or would take "
                "wrongly: turned upright, RGB, 8 bits, JPEG or PNG, large and light enough."
            ),
            default=False,
        ),
    )
)
CHECKS: Final = Object(
    (
        Field(
            name="commands",
            shape=Flag(),
            doc="Let manifests name programs that judge pictures; this machine's workers then run them.",
            default=False,
        ),
    )
)
RETRY: Final = Object(
    (
        Field(
            "max_attempts",
            Nullable(Integer(1, 100)),
            f"Attempts for each job where its manifest names none; none: {MAX_ATTEMPTS}.",
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
)
WORKER: Final = Object(
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
        Field(
            name="stop_grace_seconds",
            shape=Decimal(0, 3600),
            doc="How long a worker that is told to end (SIGTERM) finishes downloads before it hands over.",
            default=8.0,
        ),
    )
)
DOWNLOAD: Final = Object(
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
)
