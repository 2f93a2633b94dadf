"""One folder with a configuration, a manifest, and a sandbox of its own in another process."""

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from crashes.processes import Child, Processes
from crashes.reader import PostgresStore, SqliteStore, Store

KEY = "sandbox-key"
CONFIG = """\
outputs: {root: outputs}
limits: {level: gold, concurrency: 6, submits_per_minute: 1000, polls_per_second: 200}
budgets: {refund_window_seconds: 3600}
in_doubt: {settle_seconds: 0.4}
retry: {backoff_base_seconds: 0.05, backoff_cap_seconds: 0.2}
worker: {lease_seconds: 2, poll_min_seconds: 0.02, poll_max_seconds: 0.06}
"""
CONCURRENCY = 6
LEASE_SECONDS = 2
LISTEN_SECONDS_MAX = 30.0


@dataclass(frozen=True)
class Scenario:
    """Work to be done, and how a worker that nobody kills leaves it."""

    name: str
    manifest: str
    cap_micros: int
    exit_code: int
    succeeded: int
    failed: int = 0
    pending: int = 0
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""  # more lines of the configuration
    again: str = ""  # a second manifest of the same command: it wants the names that the first one has


HEAD = "version: 1\nname: {name}\nmodel: kwaivgi/kling-image-o3/edit\n"

MIXED = Scenario(
    "mixed",
    HEAD.format(name="mixed")
    + """\
budget: 0.34
variations: 2
matrix: {scene: [red, green, "nsfw beach", "sandbox:internal_error"]}
override: [{when: {scene: red}, set: {num_images: 2}}]
params: {prompt: "{{ scene }} with @Image1", images: [photo.png]}
output: "{{ scene | slug }}/v{{ variation }}-{{ index }}.{{ ext }}"
retry: {max_attempts: 2}
""",
    cap_micros=340_000,
    exit_code=3,
    succeeded=6,
    failed=2,
)
"""Equal inputs, several pictures, a flag, an upload, and tasks that fail and are tried again: 12 pictures
are paid."""

SEPARATE = replace(MIXED, config="download: {separate_process: true}\n")
"""The same where a worker downloads in a process of its own. A kill at a crash point takes both, one from
outside the worker alone."""

CAPPED = Scenario(
    "capped",
    HEAD.format(name="capped")
    + """\
budget: 0.12
matrix: {scene: {range: [1, 6]}}
params: {prompt: "place {{ scene }}", images: [https://in.example/a.png]}
output: "{{ scene }}.{{ ext }}"
""",
    cap_micros=120_000,
    exit_code=4,
    succeeded=4,
    pending=2,
)
"""Four of six jobs fit under the cap."""

LOSSY = Scenario(
    "lossy",
    HEAD.format(name="lossy")
    + """\
budget: 1.00
variations: 2
matrix: {scene: {range: [1, 4]}}
params: {prompt: "place {{ scene }}", images: [photo.png]}
output: "{{ scene }}-{{ variation }}.{{ ext }}"
""",
    cap_micros=1_000_000,
    exit_code=0,
    succeeded=8,
    sandbox={
        "faults": [
            "submit.drop_after=0.08",
            "submit.drop_before=0.08",
            "submit.html_504_after=0.04",
            "submit.truncated_json=0.04",
            "result.drop=0.05",
            "result.html_200=0.05",
            "list.html_504=0.05",
            "download.drop=0.05",
            "download.truncated=0.05",
            "upload.error_500=0.05",
        ]
    },
)
"""Replies get lost on top of the kills."""

CROWDED = Scenario(
    "crowded",
    HEAD.format(name="crowded")
    + """\
budget: 0.84
matrix: {scene: {range: [1, 40]}}
params: {prompt: "place {{ scene }}", images: [photo.png]}
output: "{{ scene }}.{{ ext }}"
""",
    cap_micros=840_000,
    exit_code=4,
    succeeded=30,
    pending=10,
    sandbox={**LOSSY.sandbox, "latency_median": 0.3},
)
"""Enough for several workers, under a cap that leaves a quarter undone, with lost replies."""


class Stage:
    """Where a worker is started, killed and started again."""

    def __init__(
        self, processes: Processes, folder: Path, scenario: Scenario, url: str, database: Store
    ) -> None:
        self.folder = folder
        self.database = database
        self.scenario = scenario
        self.url = url
        self.worker_url = url
        self.sabotage = ""
        self._has_tables = False
        self._processes = processes

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def command(self, *arguments: str, crash_at: str = "", **variables: str) -> Child:
        """A command of the program, in a process of its own, which may kill itself at a point."""
        env = {
            "WAVESPEED_API_KEY": KEY,
            "WAVESPEED_BASE_URL": self.worker_url,
            "ORCHESTRATOR_DATABASE_URL": self.database.url,
            "SABOTAGE": self.sabotage,
            **variables,
        }
        if crash_at:
            env |= {"ORCHESTRATOR_CRASH_AT": crash_at, "ORCHESTRATOR_TESTING": "1"}
        return self._processes.start("cli", arguments, self.folder, log="commands.log", env=env)

    def worker(self, crash_at: str = "", **variables: str) -> Child:
        """Apply and work until nothing is left to do; on a server's database, with tables made before.

        A kill in a migration is of the command that makes them.
        """
        if isinstance(self.database, PostgresStore) and not self._has_tables:
            if crash_at.startswith("migrate."):
                return self.command("db", "upgrade", crash_at=crash_at)
            self.make_tables()
        names = [f"{self.scenario.name}.yaml", *(["again.yaml"] if self.scenario.again else [])]
        return self.command("run", *names, "--yes", crash_at=crash_at, **variables)

    def make_tables(self) -> None:
        """Bring a server's database to the newest schema."""
        assert self.command("db", "upgrade").wait() == 0, self.log()
        self._has_tables = True

    def bill(self) -> dict[str, Any]:
        """What the provider says it did and took."""
        with urllib.request.urlopen(f"{self.url}/sandbox/bill", timeout=30) as reply:
            return json.load(reply)

    def log(self) -> str:
        """What the commands said."""
        return (self.folder / "commands.log").read_text(errors="replace")


@contextmanager
def staged(
    processes: Processes, folder: Path, scenario: Scenario, seed: int = 1, database: Store | None = None
) -> Iterator[Stage]:
    """A folder with everything in it, and a database, a file in it unless one is given. The sandbox ends
    with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(CONFIG + scenario.config)
    (folder / f"{scenario.name}.yaml").write_text(scenario.manifest)
    if scenario.again:
        (folder / "again.yaml").write_text(scenario.again)
    Image.new("RGB", (512, 512), "teal").save(folder / "photo.png")
    switches = {
        "seed": seed,
        "fast": True,
        "list_inputs": True,
        "latency_median": 0.05,
        "level": "gold",
        "concurrency": CONCURRENCY,
        "overload": "refuse",
        **scenario.sandbox,
    }
    provider = processes.start("sandbox", [switches], folder, log="sandbox.log")
    try:
        url = address_of(folder / "url", provider)
        yield Stage(
            processes=processes,
            folder=folder,
            scenario=scenario,
            url=url,
            database=database or SqliteStore(folder / "orchestrator.db"),
        )
    finally:
        provider.kill()


def address_of(path: Path, provider: Child) -> str:
    """The base URL of a sandbox that was just started, when it listens."""
    until = time.monotonic() + LISTEN_SECONDS_MAX
    while not path.exists():
        assert provider.poll() is None, f"the sandbox has ended: {(path.parent / 'sandbox.log').read_text()}"
        assert time.monotonic() < until, "the sandbox does not listen"
        time.sleep(0.004)
    return path.read_text()
