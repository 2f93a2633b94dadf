"""Going through manifests a chunk of jobs at a time, each chunk compared with what is stored.

`plan` and `apply` see a manifest through this alone, so that what was planned is what is applied. Nothing is
written.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from orchestrator.actions.planning.walking.asking_addresses import Asking
from orchestrator.actions.planning.walking.flood import flood_of
from orchestrator.actions.planning.walking.found_pictures import FoundPictures, find
from orchestrator.actions.planning.walking.part import Part
from orchestrator.actions.planning.walking.path_register import PathRegister
from orchestrator.core.nights import Fate
from orchestrator.core.specs import JobSpec, TwinSpec
from orchestrator.core.states import JobState
from orchestrator.core.url_inputs import GONE
from orchestrator.manifest import Manifest
from orchestrator.ports import Shelf
from orchestrator.store.db.database import Tx
from orchestrator.store.runs.compared import look_up, states_by_key
from orchestrator.store.runs.copies import look_up_twins
from orchestrator.store.runs.earlier import Decided, look_back
from orchestrator.store.runs.left_behind import LeftBehind, left_behind
from orchestrator.store.runs.output_paths import PathConflict
from orchestrator.store.runs.runs import find_run
from orchestrator.store.runs.unrequested import Requested, Unrequested

CHUNK: Final = 2_000
"""How many jobs are looked at, and then written, in one transaction: a worker beside must not wait long for
the one write lock of SQLite, and this many take about a tenth of a second."""

_LEFT: Final = Decided(Fate.LEAVE)

Reading = Callable[[], AbstractContextManager[Tx | None]]
"""Opens what one chunk is compared with; None where no database exists yet: then every job is new."""


class Chunk(NamedTuple):
    """Some jobs of a manifest, and what is known of them."""

    specs: list[JobSpec]
    states: Mapping[str, str]  # of those that the run has, by key
    fresh: list[JobSpec]  # those that the run does not have yet, and that are to be bought for it
    taken: list[PathConflict]  # output paths that another manifest's jobs own
    shared: list[str]  # a sentence for each output path that an earlier manifest of the command has
    found: FoundPictures  # pictures of the fresh ones that are there already
    decided: Mapping[str, Decided]  # what earlier runs decide about, of those that the run does not have
    differing: Collection[str]  # keys of fresh ones whose https inputs serve another picture than before
    outdated: Collection[str]  # keys of fresh ones whose picture an older revision of the model has made
    twins: list[TwinSpec]  # rows that share a job, of this chunk or an earlier one
    copies: int  # files that do not exist and will be made for them


class Walk:
    """Through the manifests of one command, in turn. What they would both write is noticed across them."""

    def __init__(
        self,
        reading: Reading,
        part: Part,
        *,
        several: bool,
        shelf: Shelf | None = None,
        asking: Asking | None = None,
    ) -> None:
        """Without a `shelf`, no look is taken at the pictures that are there."""
        self._reading = reading
        self._shelf = shelf
        self.part = part
        self.asking = asking or Asking()
        self._register = PathRegister() if several else None

    def through(self, manifest: Manifest) -> "ManifestWalk":
        """The walk through one of them."""
        return ManifestWalk(
            manifest,
            self._reading,
            self.part,
            register=self._register,
            shelf=self._shelf,
            asking=self.asking,
        )


class ManifestWalk:
    """Through one manifest, once: first the chunks, then what its run holds besides."""

    def __init__(
        self,
        manifest: Manifest,
        reading: Reading,
        part: Part,
        *,
        register: PathRegister | None,
        shelf: Shelf | None,
        asking: Asking,
    ) -> None:
        self._asking = asking
        self.partial = part.partial
        self._owner = owner = manifest.spec
        self._manifest, self._part = manifest, part
        self._reading = reading
        self._register = register
        self._shelf = shelf
        with reading() as tx:
            self.run = (
                find_run(tx=tx, campaign=owner.campaign, name=owner.name, run_key=owner.run_key)
                if tx
                else None
            )
            self._requested = Requested(tx, self.run.id) if tx and self.run else None
            mine = self.run.id if self.run else None
            self.flood = flood_of(
                tx,
                run=f"{owner.campaign}/{owner.name}/{owner.run_key}",
                mine=mine,
                owner=owner,
                partial=self.partial,
            )
            self.earlier = (
                look_back(
                    tx,
                    owner.night,
                    campaign=owner.campaign,
                    name=owner.name,
                    mine=mine,
                )
                if tx
                else None
            )

    def chunks(self) -> Iterator[Chunk]:
        """Every job that is asked for; raises ProblemsError where the manifest is off."""
        among = self._unmade() if self._part.unmade else None
        found = self._manifest.entries(limit=self._part.limit, sample=self._part.sample, among=among)
        for entries in _chunks(found):
            shared = self._register.claim(self._owner, entries) if self._register else []
            specs = [entry for entry in entries if isinstance(entry, JobSpec)]
            twins = [entry for entry in entries if isinstance(entry, TwinSpec)]
            yield self._compared(specs, twins, shared)

    def _unmade(self) -> bytearray:
        """Not 0 for the ordinal of each job of the manifest itself that has no pictures and is not on its way
        to them.
        """
        found = bytearray(self._manifest.size)
        for entries in _chunks(self._manifest.entries()):
            specs = [entry for entry in entries if isinstance(entry, JobSpec) and not entry.stage]
            with self._reading() as tx:
                keys = [spec.key for spec in specs]
                states = states_by_key(tx, self.run.id, keys) if tx and self.run else {}
            for spec in specs:
                found[spec.ordinal] = states.get(spec.key, JobState.PENDING) == JobState.PENDING
        return found

    def others(self) -> Unrequested:
        """What waits in the run and was in no chunk."""
        with self._reading() as tx:
            return self._requested.others(tx) if tx and self._requested else Unrequested()

    def left_behind(self) -> LeftBehind:
        """What the run holds and was in no chunk, whatever became of it; nothing for a part."""
        with self._reading() as tx:
            if not tx or not self._requested or not self.run or self.partial:
                return LeftBehind()
            return left_behind(tx, self.run.id, self._requested.asked())

    def _compared(self, specs: list[JobSpec], twins: list[TwinSpec], shared: list[str]) -> Chunk:
        specs = self._asking.seen(
            specs, self._owner, run=self.run, earlier=self.earlier, reading=self._reading
        )
        untried: list[JobSpec] = []
        differing: Collection[str] = ()
        outdated: Collection[str] = ()
        states: Mapping[str, str] = {}
        decided: Mapping[str, Decided] = {}
        now = 0
        with self._reading() as tx:
            if tx is None:
                fresh, taken = [spec for spec in specs if GONE not in spec.seen_urls.values()], []
                decided = {spec.key: _LEFT for spec in specs if GONE in spec.seen_urls.values()}
                copies = sum(len(twin.output_paths) for twin in twins if not twin.first)
            else:
                back = self.earlier
                looked = look_up(tx=tx, run=self.run, owner=self._owner, specs=specs, earlier=back)
                wanted = look_up_twins(tx=tx, run=self.run, owner=self._owner, twins=twins, earlier=back)
                decided, differing, outdated = looked.decided, looked.differing, looked.outdated
                fresh, taken, copies = looked.fresh, [*looked.conflicts, *wanted.conflicts], wanted.new
                untried, states, now = looked.untried, looked.states, tx.now
                self.flood.add(tx, specs, fresh, differing={*differing, *outdated})
                if self._requested:
                    self._requested.add(looked.known)
        left = (spec for spec in specs if (item := decided.get(spec.key)) and item.fate is Fate.LEAVE)
        self._asking.addresses.note_gone(left)
        found = find(self._shelf, self._owner, fresh)  # reads files, so in no transaction
        # What waits here and was bought before now is in a newer state of this database, or in another one.
        found.add(find(self._shelf, self._owner, untried, accepted_before_ms=now))
        return Chunk(
            specs=specs,
            states=states,
            fresh=fresh,
            decided=decided,
            differing=differing,
            outdated=outdated,
            taken=taken,
            shared=shared,
            found=found,
            twins=twins,
            copies=copies,
        )


def _chunks(entries: Iterator[JobSpec | TwinSpec]) -> Iterator[list[JobSpec | TwinSpec]]:
    chunk: list[JobSpec | TwinSpec] = []
    for spec in entries:
        chunk.append(spec)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
