"""Everything a soak runs on: a database, the provider's stand-in in a process of its own, a network, and a
folder."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crashes.processes import Child, Processes
from crashes.reader import PostgresStore, SqliteStore, Store
from crashes.stage import address_of
from PIL import Image
from support.postgres import OwnPostgres, own_postgres
from support.proxy import Proxy

from soak.parameters import CONFIG, KEY, MANIFESTS, Parameters, sandbox_switches

DATABASE = "soak"
DISK_AND_ALL = "synchronous_commit = on\n"  # nothing is left out: this is what a soak is for


@dataclass
class Line:
    """One worker's way to the database and to the provider."""

    database: Proxy | None
    provider: Proxy


@dataclass
class Site:
    """What is there while a soak runs."""

    folder: Path
    processes: Processes
    store: Store
    server: OwnPostgres | None
    provider: Child
    provider_url: str
    lines: list[Line]
    commands: list[tuple[str, Child]] = field(default_factory=list)

    @property
    def database_is_up(self) -> bool:
        """Not between a crash and the start after it."""
        return self.server is None or self.server.running

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def start(self, log: str, *arguments: str, line: Line | None = None, **variables: str) -> Child:
        """A process of the program; over a line of the network when one is given."""
        env = {
            "WAVESPEED_API_KEY": KEY,
            "WAVESPEED_BASE_URL": self.provider_url,
            "ORCHESTRATOR_DATABASE_URL": self.store.url,
            **variables,
        }
        if line is not None:
            env["WAVESPEED_BASE_URL"] = f"http://127.0.0.1:{line.provider.port}"
            if line.database is not None:
                address = f"postgres@127.0.0.1:{line.database.port}/{DATABASE}"
                env["ORCHESTRATOR_DATABASE_URL"] = f"postgresql+psycopg://{address}?connect_timeout=5"
        return self.processes.start("cli", arguments, self.folder, log=log, env=env)

    def command(self, *arguments: str) -> Child:
        """An operator's command, straight to the database; what it prints goes to `commands.log`."""
        return self.start("commands.log", *arguments)

    def bill(self) -> dict[str, Any]:
        """What the provider says it did and took."""
        with urllib.request.urlopen(f"{self.provider_url}/sandbox/bill", timeout=120) as reply:
            return json.load(reply)

    def control(self, **orders: object) -> None:
        """Turn the provider's switches."""
        request = urllib.request.Request(
            f"{self.provider_url}/sandbox/control", json.dumps(orders).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            reply.read()

    def submit_by_stranger(self, inputs: Mapping[str, Any]) -> None:
        """Pay for a task that no worker asked for: what a judge must notice."""
        request = urllib.request.Request(
            f"{self.provider_url}/api/v3/kwaivgi/kling-image-o3/edit",
            json.dumps(dict(inputs)).encode(),
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            reply.read()

    def mend(self) -> None:
        """The network is well again."""
        for line in self.lines:
            for proxy in (line.database, line.provider):
                if proxy is not None:
                    proxy.mend()


@contextmanager
def site(parameters: Parameters, folder: Path) -> Iterator[Site]:
    """Set up, with tables made; everything ends with the block."""
    (folder / "config.yaml").write_text(CONFIG)
    for name, text in MANIFESTS.items():
        (folder / f"{name}.yaml").write_text(text)
    Image.new("RGB", (320, 320), "teal").save(folder / "photo.png")
    with ExitStack() as stack:
        server, store = _database(parameters, folder, stack)
        processes = stack.enter_context(Processes())
        provider = processes.start("sandbox", [sandbox_switches(parameters)], folder, log="sandbox.log")
        stack.callback(provider.kill)
        url = address_of(folder / "url", provider)
        lines = [_line(server, url, stack) for _ in range(parameters.workers)]
        made = Site(
            folder=folder,
            processes=processes,
            store=store,
            server=server,
            provider=provider,
            provider_url=url,
            lines=lines,
        )
        assert made.command("db", "upgrade").wait() == 0, (folder / "commands.log").read_text()
        yield made


def _database(parameters: Parameters, folder: Path, stack: ExitStack) -> tuple[OwnPostgres | None, Store]:
    if parameters.database == "sqlite":
        return None, SqliteStore(folder / "orchestrator.db")
    server = stack.enter_context(own_postgres(settings=DISK_AND_ALL))
    server.execute(f"CREATE DATABASE {DATABASE}")
    return server, PostgresStore(server.conninfo(DATABASE), server.url(DATABASE))


def _line(server: OwnPostgres | None, url: str, stack: ExitStack) -> Line:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    database = stack.enter_context(Proxy(server.socket)) if server else None
    return Line(database, stack.enter_context(Proxy((parts.hostname, parts.port))))
