"""The composition root: the only place that names concrete adapters.

The adapters are imported where they are made: most commands only read, and should answer at once.
Long because all of them are named and handed in here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.actions.setup import sandboxed
from orchestrator.actions.setup.open_database import Use, open_database
from orchestrator.core.addresses import host_of
from orchestrator.core.errors import OperatorNeededError, UsageError
from orchestrator.core.provider_clock import DatedBy, ProviderClock
from orchestrator.ports import (
    ArtifactStore,
    AskAddresses,
    Clock,
    Crashpoint,
    DatabaseMark,
    Entropy,
    Mover,
    NoMark,
    Notifier,
    Provider,
    Reached,
    Shelf,
    StableNames,
)
from orchestrator.runtime import crashpoints
from orchestrator.runtime.clock import SystemClock, SystemEntropy
from orchestrator.settings import Settings, api_key, key_fingerprint, load_settings
from orchestrator.store.attempts.held import under_way
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import sqlite_path
from orchestrator.store.db.server_clock import STEADY_MS

if TYPE_CHECKING:
    from orchestrator.actions.planning.expand_tick import TickExpander
    from orchestrator.actions.planning.walking.addresses import Addresses
    from orchestrator.actions.reconciling.fetching_again import Sources
    from orchestrator.runtime.network import Network
    from orchestrator.sandbox import SandboxThread
    from orchestrator.store.db.group_commit import Writer
    from orchestrator.worker.deps import ModelFacts
    from orchestrator.worker.worker import Worker


@dataclass
class App:
    """The program on one configuration. Use it inside `open_app`, which closes what it opened."""

    settings: Settings
    clock: Clock
    entropy: Entropy
    env: Mapping[str, str]
    crashpoint: Crashpoint
    _stack: ExitStack
    _database: Database | None = None

    @property
    def database(self) -> Database:
        """The database; raises UsageError in a command that said it needs none."""
        if self._database is None:
            raise UsageError("This command was opened without a database.")
        return self._database

    @property
    def output_root(self) -> Path:
        """The folder that pictures go to; raises UsageError for an object store."""
        if "://" in self.settings.outputs.root:
            raise UsageError(
                f"outputs.root is {self.settings.outputs.root}: object stores are not supported yet. Name a "
                "folder."
            )
        return Path(self.settings.outputs.root)

    @property
    def network(self) -> "Network":
        """Proxies and trusted certificates; raises UsageError for those that cannot be used."""
        from orchestrator.runtime import network

        return network.from_env(self.env)

    def provider(self, provider_clock: ProviderClock | None = None) -> Provider:
        """A connection to the provider; OperatorNeededError without a key. Close it with `aclose`."""
        from orchestrator.provider import WaveSpeed

        key = api_key(self.settings, self.env)
        if key is None:
            raise OperatorNeededError(
                f"There is no API key. Set {self.settings.provider.api_key_env}, or name a file in "
                "provider.api_key_file; to try without a key, add --sandbox."
            )
        provider = self.settings.provider
        return WaveSpeed(
            provider.base_url,
            key,
            self.clock if self._database is None else self._database.clock,
            connect_seconds=provider.connect_timeout_seconds,
            submit_seconds=provider.submit_timeout_seconds,
            read_seconds=provider.read_timeout_seconds,
            upload_seconds=provider.upload_timeout_seconds,
            network=self.network,
            dated=partial(provider_clock.note, DatedBy.ANSWER) if provider_clock else None,
        )

    @property
    def account(self) -> str:
        """Whose prices the provider quotes, without saying the key."""
        return key_fingerprint(self.settings, self.env)

    def reach(self, url: str) -> Reached:
        """Whether anything answers at this address, asked without credentials, and what its clock shows."""
        from orchestrator.provider.reach import reach

        return reach(url, self.network)

    @cached_property
    def addresses(self) -> "Addresses":
        """What https inputs serve, asked once in this command."""
        return self.ask_addresses()

    def ask_addresses(self) -> "Addresses":
        """The same, to be asked anew. What asks is made, and the network read, when there is a question."""
        from orchestrator.actions.planning.walking.addresses import Addresses

        @cache
        def asker() -> AskAddresses:
            from orchestrator.artifacts.input_addresses import InputAddresses

            return InputAddresses(host_of(self.settings.provider.base_url), self.network)

        def ask(urls: Sequence[str]) -> Mapping[str, str]:
            return asker()(urls)

        return Addresses(ask)

    def mark(self) -> DatabaseMark:
        """The mark of this database, kept beside the outputs; none where those are not in a folder."""
        from orchestrator.artifacts.mark import MarkFile

        return NoMark() if "://" in self.settings.outputs.root else MarkFile(self.output_root)

    def artifacts(self) -> ArtifactStore:
        """A new artifact store on the output root. Close it with `aclose`."""
        from orchestrator.artifacts.process import server

        download = self.settings.download
        setup = server.Setup(
            root=self.output_root,
            policy=self.settings.outputs.nsfw,
            sidecar=self.settings.outputs.sidecar,
            thumbnails=self.settings.outputs.thumbnails,
            connections=self.settings.limits.downloads,
            max_bytes=download.max_bytes,
            timeout_seconds=download.timeout_seconds,
            max_redirects=download.max_redirects,
            api_host=host_of(self.settings.provider.base_url),
            network=self.network,
        )
        if not self.settings.separate_downloads:
            return setup.open(self.crashpoint)
        from orchestrator.artifacts.process.client import SeparateArtifacts

        return SeparateArtifacts(setup.open(self.crashpoint), server.COMMAND, setup)

    def sources(self) -> "Sources":
        """Where a picture that is missing is fetched again."""
        from orchestrator.actions.reconciling.fetching_again import Sources

        return Sources(self.provider, self.artifacts)

    def shelf(self, folder: Path | None = None) -> Shelf:
        """The pictures that lie in the output folder, or in this one."""
        from orchestrator.artifacts.shelf import FolderShelf

        return FolderShelf(folder or self.output_root)

    def stable_names(self) -> StableNames:
        """The output folder, for names that switch."""
        from orchestrator.artifacts.stable import FolderNames

        return FolderNames(self.output_root, crashpoint=self.crashpoint)

    def mover(self) -> Mover:
        """Moves pictures inside the output folder."""
        from orchestrator.artifacts.moving import FolderMover

        return FolderMover(self.output_root, crashpoint=self.crashpoint)

    def notifier(self) -> Notifier:
        """Tells those whom the configuration names. Close it with `aclose`."""
        from orchestrator.notifiers import make_dispatcher

        return make_dispatcher(self.settings.notify, self.env, network=self.network, clock=self.clock)

    def writer(self) -> "Writer":
        """A new group writer, closed with the program."""
        from orchestrator.store.claiming import claim
        from orchestrator.store.db.group_commit import GroupWriter

        writer = GroupWriter(self.database, last=claim.claim)
        self._stack.callback(writer.close)
        return writer

    def worker(
        self,
        run_ids: frozenset[int] | None = None,
        *,
        only_round: int | None = None,
        drain: bool = True,
        notify: Callable[[str], None] | None = None,
    ) -> "Worker":
        """A worker that closes its own connections; `notify` gets what a watcher should know."""
        from orchestrator.runtime import pinging
        from orchestrator.worker.deps import Deps, no_notice
        from orchestrator.worker.worker import Worker

        clock, has_clock = self.database.clock, sqlite_path(self.database.url) is None
        provider_clock = ProviderClock(jitter_ms=STEADY_MS if has_clock else 0)
        deps = Deps(
            database=self.database,
            writer=self.writer(),
            provider=self.provider(provider_clock),
            provider_clock=provider_clock,
            mark=self.mark(),
            artifacts=self.artifacts(),
            mover=self.mover(),
            notifier=self.notifier(),
            names=self.stable_names(),
            clock=clock,
            entropy=self.entropy,
            settings=self.settings,
            facts=model_facts,
            crashpoint=self.crashpoint,
            account=self.account,
            notify=notify or no_notice,
            expander=self._expander(clock),
            ping=partial(pinging.ping, network=self.network),
        )
        return Worker(deps, run_ids=run_ids, only_round=only_round, drain=drain)

    def _expander(self, clock: Clock) -> "TickExpander":
        from orchestrator.actions.planning.expand_tick import TickExpander
        from orchestrator.actions.planning.prices.asking_provider import asking_with
        from orchestrator.actions.reconciling.fetching_again import LookAgain

        has_key = api_key(self.settings, self.env) is not None
        sources = self.sources() if has_key else None
        return TickExpander(
            self.database,
            self.settings,
            clock,
            shelf=self.shelf,
            ask=asking_with(self.provider, clock, self.account),
            look=LookAgain(self.database, self.shelf, clock=clock, sources=sources),
            addresses=self.ask_addresses,
        )


@contextmanager
def open_app(
    config: Path | None,
    env: Mapping[str, str],
    cwd: Path,
    *,
    sandbox: bool = False,
    need_database: bool = True,
    use: Use = Use.MAKE,
    crashpoint: Crashpoint | None = None,
) -> Iterator[App]:
    """Read the configuration and open what it names.

    A SQLite file that is absent is created where `use` says so; another database must be up to date (`db
    upgrade`). Nothing is written beyond that: who only looks must not change what others work by. With
    `sandbox`, an embedded stand-in provider is started, with a database and an output folder of its own.
    Without a `crashpoint`, the environment may arm one (`orchestrator.runtime.crashpoints`).
    """
    settings = load_settings(config, env, cwd)
    with ExitStack() as stack:
        stand_in: SandboxThread | None = None
        if sandbox:
            url = settings.provider.base_url
            if use is not Use.LOOK or not need_database:  # whoever only reads the database asks nobody
                stand_in = stack.enter_context(_stand_in())
                url = stand_in.url
            settings, env = sandboxed.apart(settings, env, url=url, cwd=cwd, make=use is Use.MAKE)
        point = crashpoint or crashpoints.from_env(env)
        app = App(settings, SystemClock(), SystemEntropy(), env=env, crashpoint=point, _stack=stack)
        if need_database:
            database = open_database(settings.database_url, use, app.clock, crashpoint=point, mark=app.mark)
            stack.callback(database.close)
            app._database = database  # noqa: SLF001 - the composition root makes the app
            if stand_in is not None:
                _remind(stand_in, database)
        yield app


def _stand_in() -> "SandboxThread":
    from orchestrator.sandbox import Level, SandboxConfig, SandboxThread

    return SandboxThread(SandboxConfig(level=Level(sandboxed.LEVEL), balance_micros=sandboxed.BALANCE_MICROS))


def _remind(stand_in: "SandboxThread", database: Database) -> None:
    """Tell the stand-in of the tasks of one that ended before they had: nobody else remembers them, and a
    rehearsal that was killed would wait for them without end.
    """
    from orchestrator.sandbox import Recalled

    with database.read() as tx:
        held = under_way(tx)
    stand_in.recall(
        Recalled(each.prediction_id, each.model, each.params, price_micros=each.price_micros) for each in held
    )


@cache
def model_facts(model: str) -> "ModelFacts":
    """What the worker must know of a model."""
    from orchestrator import catalogue
    from orchestrator.worker.deps import ModelFacts

    entry = catalogue.get(model)
    return ModelFacts(entry.latency.seconds_typical, entry.media_type)
