"""What a manifest expands into: job specs. Plain values, shared by the manifest, the store and the worker."""

from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.core.nights import NightRule

JsonObject = dict[str, Any]

MAX_ATTEMPTS: Final = 3
"""Attempts for each job of a new run where nobody names a number."""

NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""What campaigns, manifests and runs may be called, in a manifest and where the configuration names one:
such a name is a folder everywhere, and never an option of a command.
"""


@dataclass(frozen=True, slots=True)
class LocalImage:
    """A local input picture, named by its bytes."""

    path: str  # absolute
    sha256: str  # lowercase hex of its bytes
    bytes: int
    media_type: str  # image/png, image/jpeg, image/webp, ...
    recipe: str = ""  # how a copy is converted that is sent in its place; empty: it is sent as it is
    shown: str = ""  # what the job key sees in place of its bytes: a digest of its pixels

    @property
    def content(self) -> str:
        """What names the bytes that are sent: the digest of the file, and how they are converted."""
        return f"{self.sha256}+{self.recipe}" if self.recipe else self.sha256


PICTURE: Final = "@picture"
"""How a job of a later stage writes the picture that it takes, where a local image is written."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The picture that a job of a later stage takes: of which job of its run, and when it may have it."""

    key: str  # of the job that makes it
    index: int  # which of its outputs, from 0
    accepted: bool  # only one that a person or a rule has accepted


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job to be: what to send, what it costs, where its pictures go.

    `params` is what the user sees and what will be sent, defaults filled in, except that a local image is
    named as in the manifest; `local_images` maps each such text to its bytes.
    """

    key: str  # 32 lowercase hex: content key inside the run
    ordinal: int  # position in the run, from 0, in written order
    variation: int  # from 1
    params: JsonObject
    local_images: dict[str, LocalImage]
    price_micros: int  # list price of the whole job: unit price times images
    images: int  # outputs the provider is asked for
    output_paths: tuple[str, ...]  # relative to the output root, one per output, in output order
    tags: dict[str, str] = field(default_factory=dict)
    price_digest: str = ""  # of the inputs that decide the price; empty: an equal list price stands for them
    axes: tuple[tuple[str, str], ...] = ()  # its value on each axis in words, in the manifest's order
    round: int = 0  # its turn among the jobs of its product, from 1; 0: its variation
    latest_paths: tuple[str, ...] = ()  # stable names of its pictures, in output order; empty: none
    stage: str = ""  # the stage that it is of; empty: what the manifest itself asks for
    needs: Needs | None = None  # what it takes from an earlier stage, written as PICTURE among its images
    seen_urls: dict[str, str] = field(default_factory=dict)  # what its https inputs were, where that is known
    model_revision: int = 1  # of the model that makes it, or has made it

    @property
    def priced_by(self) -> str:
        """What jobs of one model have in common whose price is the same, whatever happens to it."""
        return self.price_digest or f"list:{self.price_micros}"


@dataclass(frozen=True, slots=True)
class TwinSpec:
    """A row that asks for exactly the billed work of a job, and for files of its own.

    The job is made once, and its pictures get these names too. Once a job has a twin, the row that it was
    made from is given as one as well, at the end: the run may have the job under the name of another row.
    """

    key: str  # of the job
    output_paths: tuple[str, ...]  # as of a job
    first: bool = False  # the row that the job was made from


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One application of a manifest under a run key: what all its jobs share."""

    campaign: str
    name: str
    run_key: str
    model: str
    manifest_path: str
    manifest_sha256: str
    priority: int = 0
    max_attempts: int | None = None  # None: nobody names it; a new run has MAX_ATTEMPTS
    budget_micros: int | None = None
    campaign_budget_micros: int | None = None  # of the campaign, over all its manifests and runs
    settings: JsonObject = field(default_factory=dict, hash=False)  # words of its manifest that the run keeps
    night: NightRule = field(default_factory=NightRule)  # what it makes of earlier runs
    finish_by: int | None = None  # ms; nothing is submitted for it after this
    retires: bool = False  # stable names that no row asks for any more are taken away
    max_changed: JsonObject | None = field(default=None, hash=False)  # {"percent"} or {"micros"}: see `flood`
    chain_reserved: bool = False  # a job is begun only while the caps hold all that follows from it too
