"""Every table. Times are integer milliseconds since the epoch (UTC), money is integer micro-dollars.

The hot row is `jobs`: narrow, with two partial indexes (what can be claimed, what will be due). What a job
sends is in `job_specs`, where its pictures go and what became of them is in `outputs`, every try at it is a
row of `attempts`. Money has one append-only history, `ledger`; `balances` are its running sums, kept for
every scope and period whether or not a cap exists, so that a new cap counts what was spent before it.

Long because a reader looks for every table, with its constraints and indexes, in one place.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from orchestrator.core.states import ATTEMPT_LIVE, AttemptState, JobState, ReservationState, TickState

BigInt: Final = BigInteger().with_variant(Integer, "sqlite")  # an autoincrementing key must be INTEGER there

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Queue(StrEnum):
    """Where a pending job waits."""

    READY = "ready"  # the claim may take it when its lane is open
    WAITING = "waiting"  # until `due_at`


class OutputState(StrEnum):
    """What became of one planned picture."""

    PLANNED = "planned"  # its path is reserved
    EXPECTED = "expected"  # the provider returned its URL
    STORED = "stored"  # complete, verified, durable
    DISCARDED = "discarded"  # flagged, and the policy keeps no flagged pictures
    LOST = "lost"  # returned, and gone before it could be stored
    ABSENT = "absent"  # the provider returned fewer outputs than asked


class LedgerKind(StrEnum):
    """Why money moved."""

    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    REFUND_DUE = "refund_due"
    REFUND_SEEN = "refund_seen"
    REFUND_LAPSED = "refund_lapsed"
    WRITTEN_OFF = "written_off"
    ADJUSTED = "adjusted"


class Scope(StrEnum):
    """What a cap or a balance is about. The account's scope id is 0."""

    ACCOUNT = "account"
    CAMPAIGN = "campaign"
    RUN = "run"


class Window(StrEnum):
    """Over which time a cap counts."""

    TOTAL = "total"
    MONTH = "month"
    DAY = "day"


class QuoteSource(StrEnum):
    """What a price is known from."""

    QUOTE = "quote"  # the provider answered when asked
    BILL = "bill"  # it charged this
    ACCEPTED = "accepted"  # a person has accepted it, dear as it is


class LimitSource(StrEnum):
    """Whose word a limit is."""

    DEFAULT = "default"  # nobody's: a built-in value, which the first word replaces
    CONFIG = "config"
    OPERATOR = "operator"


def _quoted(values: object) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))  # type: ignore[call-overload]


def _one_of(column: str, enum: type[StrEnum], name: str) -> CheckConstraint:
    return CheckConstraint(f'"{column}" IN ({_quoted(enum)})', name=name)


def _partial_index(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


LIVE_SQL: Final = f"state IN ({_quoted(ATTEMPT_LIVE)})"

UNBILLED_SQL: Final = (
    "prediction_id IS NOT NULL AND finished_at IS NOT NULL "
    "AND (billed_at IS NULL OR reservation = 'refund_due')"
)
"""Attempts whose bill is still to be read, or whose refund is still to come."""

# Literal, because neither planner matches a partial index against a bound parameter.
JOB_READY: Final = text("jobs.queue = 'ready'")
JOB_WAITING: Final = text("jobs.queue = 'waiting'")
JOB_IS_REDO: Final = text("jobs.redo_of IS NOT NULL")
JOB_IS_JUDGED: Final = text("jobs.verdict IS NOT NULL")
JOB_IS_CANARY: Final = text("jobs.canary")
JOB_HAS_PICTURE: Final = text("(jobs.needs_job IS NULL OR jobs.needs_sha256 IS NOT NULL)")
"""A job that takes the picture of another has it, or it takes none."""
JOB_NEEDS: Final = text("jobs.needs_job IS NOT NULL")
RUN_IS_GATED: Final = text("runs.gate_closed_at IS NOT NULL")
LANE_OPEN: Final = text("NOT lanes.idle")
ATTEMPT_IS_LIVE: Final = text(f"attempts.{LIVE_SQL}")
ATTEMPT_IS_UNBILLED: Final = text(UNBILLED_SQL)
COPY_SQL: Final = "idx >= 1000000000 AND state = 'planned'"  # `core.paths.COPY_FIRST`
NAME_IS_DIRTY: Final = text("stable_names.dirty_at IS NOT NULL")
COPY_IS_PLANNED: Final = text("outputs.idx >= 1000000000 AND outputs.state = 'planned'")
ATTEMPT_IS_REFUNDED: Final = text("attempts.refunded_micros > 0")
REFUND_IS_DUE: Final = text("attempts.reservation = 'refund_due'")
ODD_KINDS: Final = "kind IN ('adjusted', 'refund_lapsed', 'refund_seen', 'written_off')"
LEDGER_IS_ODD: Final = text(f"ledger.{ODD_KINDS}")
"""Movements beyond those that every attempt has, which a month's statement tells apart."""

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", BigInt, nullable=False),
    Column("weight", Integer, nullable=False, server_default=text("1")),  # its fair share
    Column("served", BigInt, nullable=False, server_default=text("0")),  # its position in the fair share
    Column("closed_at", BigInt),  # nothing more is bought for it
)

runs = Table(
    "runs",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("campaign_id", BigInt, ForeignKey("campaigns.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("run_key", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("manifest_path", Text, nullable=False),
    Column("manifest_sha256", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("applied_at", BigInt, nullable=False),
    Column("pictures_stored", BigInt, nullable=False, server_default=text("0")),
    Column("pictures_flagged", BigInt, nullable=False, server_default=text("0")),
    # In failure rates, jobs that ended earlier do not count.
    Column("rates_since", BigInt, nullable=False, server_default=text("0")),
    Column(
        "settings", JSON(none_as_null=True)
    ),  # what its manifest wants of its pictures: checks, recipes; NULL: nothing
    Column("tick_id", BigInt),  # the tick that it was made for
    Column("finish_by", BigInt),  # nothing is submitted for it after this
    Column("operator_priority", Integer),  # a person's word, which counts before the manifest's `priority`
    Column("gate_closed_at", BigInt),  # only its canary is claimed since then; NULL: all of it
    Column("approved_at", BigInt),  # when its canary was found good, by a person or by its thresholds
    # Money is kept for what follows from a job that was claimed: `reserve: chain`.
    Column("chain_reserved", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("campaign_id", "name", "run_key"),
    _partial_index("ix_runs_gate", "id", where="gate_closed_at IS NOT NULL"),
)
RUN_PATH: Final = campaigns.c.name + "/" + runs.c.name + "/" + runs.c.run_key
"""The name of a run for people: campaign/name/run."""

lanes = Table(
    "lanes",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("run_id", BigInt, ForeignKey("runs.id"), nullable=False),
    Column("price_digest", Text, nullable=False),  # of the inputs that decide the price
    Column("list_micros", BigInt, nullable=False),  # the catalogue's price of one job
    Column("planned_micros", BigInt, nullable=False),  # what a person agreed to: dearer than this stops
    Column("price_micros", BigInt, nullable=False),  # what a claim holds: the live price
    Column("priority", Integer, nullable=False),
    Column("idle", Boolean, nullable=False),  # nothing to claim: skipped until a job becomes ready again
    UniqueConstraint("run_id", "price_digest"),
    CheckConstraint("price_micros > 0", name="priced"),
    Index(
        "ix_lanes_open", "priority", "id", sqlite_where=text("NOT idle"), postgresql_where=text("NOT idle")
    ),
)
"""Jobs of one run whose price is decided by the same inputs, so that they cost the same whatever happens to
the price. The claim reads lanes first, so that jobs that are paused or do not fit under a cap are passed over
lane by lane, never one by one; and a new price is one change for all of them."""

quotes = Table(
    "quotes",
    metadata,
    Column("model", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of the inputs that decide the price
    Column("source", Text, nullable=False),  # QuoteSource
    Column("account", Text, nullable=False),  # whose price: a fingerprint of the key; empty for a bill
    Column("list_micros", BigInt),  # before the discount; NULL: not told
    Column("price_micros", BigInt, nullable=False),  # what is charged for one job
    Column("asked_at", BigInt, nullable=False),
    PrimaryKeyConstraint("model", "digest", "source", "account"),
    CheckConstraint("price_micros > 0", name="priced"),
)
"""What the provider said last about a price: its quote for each key, and what its bill showed."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("run_id", BigInt, ForeignKey("runs.id"), nullable=False),
    Column("lane_id", BigInt, ForeignKey("lanes.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("ordinal", BigInt, nullable=False),
    Column("variation", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("queue", Text),
    Column("due_at", BigInt),
    Column("reason", Text),
    Column("message", Text),
    Column("images", Integer, nullable=False),
    Column("price_micros", BigInt, nullable=False),
    Column("cost_micros", BigInt, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("tries_left", Integer, nullable=False),
    Column("deaths", Integer, nullable=False, server_default=text("0")),  # workers that died while holding it
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", BigInt, nullable=False),
    Column("finished_at", BigInt),
    Column("round", Integer, nullable=False, server_default=text("0")),  # its turn among its product's jobs
    Column("verdict", Text),  # the last of `verdicts`, as `stars` and `note` are
    Column("stars", Integer),
    Column("note", Text),
    Column("redo_of", BigInt),  # the job that this is a further try of
    Column("redo_by", Text),  # VerdictSource of who asked for it
    Column(
        "canary", Boolean, nullable=False, server_default=text("false")
    ),  # of those that are made first, to be looked at
    Column("reused_from", BigInt),  # the job of an earlier run whose pictures it has
    # A job of a later stage: which picture of which job of its run it takes, and whether a person must have
    # accepted that one; the digest of the picture that it was given, NULL: none yet.
    Column("needs_job", BigInt),
    Column("needs_index", Integer),
    Column("needs_accepted", Boolean),
    Column("needs_sha256", Text),
    UniqueConstraint("run_id", "key"),
    _one_of("state", JobState, "state"),
    CheckConstraint("(state = 'pending') = (queue IS NOT NULL)", name="queued_when_pending"),
    CheckConstraint(
        "(state IN ('succeeded', 'failed', 'cancelled', 'reused')) = (finished_at IS NOT NULL)",
        name="finished_when_final",
    ),
    CheckConstraint("(state = 'reused') = (reused_from IS NOT NULL)", name="reused_from_another"),
    CheckConstraint("state <> 'reused' OR (cost_micros = 0 AND attempts = 0)", name="reused_is_free"),
    CheckConstraint("cost_micros >= 0", name="cost"),
    Index(
        "ix_jobs_ready",
        "lane_id",
        "round",
        "id",
        sqlite_where=text("queue = 'ready'"),
        postgresql_where=text("queue = 'ready'"),
    ),
    Index(
        "ix_jobs_due",
        "due_at",
        sqlite_where=text("queue = 'waiting'"),
        postgresql_where=text("queue = 'waiting'"),
    ),
    Index("ix_jobs_run_id_state_id", "run_id", "state", "id"),  # counts by state, and listings in order
    _partial_index("ix_jobs_verdict", "run_id", "verdict", "id", "images", where="verdict IS NOT NULL"),
    _partial_index("ix_jobs_redo_of", "redo_of", where="redo_of IS NOT NULL"),
    _partial_index("ix_jobs_redone", "run_id", "state", "id", where="redo_of IS NOT NULL"),
    _partial_index("ix_jobs_canary", "run_id", "lane_id", "round", "id", where="canary"),
    _partial_index("ix_jobs_needs", "needs_job", "state", "id", where="needs_job IS NOT NULL"),
    # what earlier runs have made, by key, newest last: without it, a night would read all nights before it
    _partial_index("ix_jobs_made", "key", "id", "run_id", "verdict", where="state = 'succeeded'"),
)

job_specs = Table(
    "job_specs",
    metadata,
    Column("job_id", BigInt, ForeignKey("jobs.id"), primary_key=True),
    Column("params", JSON, nullable=False),
    Column("local_images", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    # its value on each axis, in the manifest's order: [[name, label], ...]
    Column("axes", JSON(none_as_null=True)),
    Column("run_id", BigInt),  # as in `jobs`, for the index
    Column("product", Text),  # what its pictures show: its row on pages
    Column("stage", Text),  # the stage that it is of; NULL: what the manifest itself asks for
    # what its https inputs were, {url: validator}, where that was asked
    Column("seen_urls", JSON(none_as_null=True)),
    Column("model_revision", Integer),  # of the model that makes, or made, it; NULL: of before: 1
    Index("ix_job_specs_product", "run_id", "product", "job_id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("job_id", BigInt, ForeignKey("jobs.id"), nullable=False),
    Column("run_id", BigInt, ForeignKey("runs.id"), nullable=False),
    Column("campaign_id", BigInt, ForeignKey("campaigns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("token", Text, nullable=False, unique=True),
    Column("worker", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("lease_expires_at", BigInt, nullable=False),
    Column("rate_granted_at", BigInt, nullable=False),
    Column("leased_at", BigInt, nullable=False),
    Column("submitted_at", BigInt),
    Column("accepted_at", BigInt),
    Column("completed_at", BigInt),
    Column("finished_at", BigInt),
    Column("doubted_at", BigInt),
    Column("sent_digest", Text),  # of the inputs as sent: what a listed prediction is matched by
    Column("prediction_id", Text, unique=True),
    Column("status", Text),
    Column("inference_ms", BigInt),
    Column("code", Integer),
    Column("reason", Text),
    Column("message", Text),
    # the reservation: the money held for this attempt
    Column("reservation", Text, nullable=False),
    Column("day", Text, nullable=False),  # of the budgets' time zone, in which the money counts
    Column("price_micros", BigInt, nullable=False),
    Column("cost_micros", BigInt),
    Column("refund_until", BigInt),
    Column("billed_micros", BigInt),  # what the provider's bill says it deducted
    Column("refunded_micros", BigInt),  # and paid back
    Column("billed_at", BigInt),  # when the bill was last read for this attempt
    Column("charged_at", BigInt),  # the provider's time of the charge; NULL: not told
    Column("refunded_at", BigInt),  # and of the last refund
    # what a person has agreed to, where it looks wrong: what the bill says, and the charge that counts for it
    Column("agreed_billed_micros", BigInt),
    Column("agreed_charge_micros", BigInt),
    Column("agreed_refunded_micros", BigInt),
    # what keeps it from going on: an odd answer to a poll, a refused upload, a download that fails
    Column("trouble", Text),
    Column("trouble_count", Integer, nullable=False, server_default=text("0")),
    Column("next_try_at", BigInt),
    Column(
        "answered_at", BigInt
    ),  # when the lost reply came after all, as an error: nothing was created later
    Column(
        "overdue_at", BigInt
    ),  # when its task was handed to a person: it is far older than its model's tasks
    UniqueConstraint("job_id", "number"),
    _one_of("state", AttemptState, "state"),
    _one_of("reservation", ReservationState, "reservation"),
    CheckConstraint("price_micros > 0", name="priced"),
    CheckConstraint(f"({LIVE_SQL}) = (finished_at IS NULL)", name="finished_when_over"),
    CheckConstraint(
        "state NOT IN ('in_flight', 'fetching') OR prediction_id IS NOT NULL", name="accepted_has_id"
    ),
    CheckConstraint("state <> 'in_doubt' OR reservation = 'held'", name="doubt_holds_money"),
    Index(
        "uq_attempts_live_job",
        "job_id",
        unique=True,
        sqlite_where=text(LIVE_SQL),
        postgresql_where=text(LIVE_SQL),
    ),
    Index(
        "ix_attempts_live", "lease_expires_at", sqlite_where=text(LIVE_SQL), postgresql_where=text(LIVE_SQL)
    ),
    Index("ix_attempts_run_id_state", "run_id", "state"),
    Index(
        "ix_attempts_refund",
        "refund_until",
        sqlite_where=text("reservation = 'refund_due'"),
        postgresql_where=text("reservation = 'refund_due'"),
    ),
    _partial_index("ix_attempts_refunded", "refunded_at", where="refunded_micros > 0"),
    Index("ix_attempts_unbilled", "id", sqlite_where=text(UNBILLED_SQL), postgresql_where=text(UNBILLED_SQL)),
)

outputs = Table(
    "outputs",
    metadata,
    Column("job_id", BigInt, ForeignKey("jobs.id"), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("path", Text, nullable=False),  # as planned, relative to the output root
    Column("path_key", LargeBinary, nullable=False, unique=True),  # digest of the folded path: one owner each
    Column("state", Text, nullable=False),
    Column("attempt_id", BigInt, ForeignKey("attempts.id")),
    Column("url", Text),
    Column("nsfw", Boolean),
    Column("stored_path", Text),
    Column("sha256", Text),
    Column("bytes", BigInt),
    Column("media_type", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("stored_at", BigInt),
    Column("unproven_path", Text),  # what came of a lost output, relative to the output root
    # the name that belongs to the chosen try of its cell, where `path` is another; both NULL: `path` is it
    Column("clean_path", Text),
    Column("clean_key", LargeBinary),  # digest of the folded clean path
    Column("wanted_at", BigInt),  # when a copy was asked for; NULL: with its job
    Column("moving_to", Text),  # the name that its file is about to get
    Column("moving_since", BigInt),  # for how long it is
    Column("moving_trouble", Text),  # why it has not got it yet
    Column("missing_since", BigInt),  # its file was not there when a later run pointed at it
    PrimaryKeyConstraint("job_id", "idx"),
    _one_of("state", OutputState, "state"),
    _partial_index("ix_outputs_copies", "job_id", "idx", where=COPY_SQL),
    _partial_index("ix_outputs_clean_key", "clean_key", where="clean_key IS NOT NULL"),
    _partial_index("ix_outputs_moving", "job_id", "idx", where="moving_to IS NOT NULL"),
    _partial_index("ix_outputs_missing", "job_id", "idx", where="missing_since IS NOT NULL"),
    CheckConstraint(
        "state <> 'stored' OR (sha256 IS NOT NULL AND stored_path IS NOT NULL)", name="stored_has_digest"
    ),
)

stable_names = Table(
    "stable_names",
    metadata,
    Column("path_key", LargeBinary, primary_key=True),  # digest of the folded path
    Column("path", Text, nullable=False),  # as `latest:` of the manifest has it, relative to the output root
    Column("campaign_id", BigInt, ForeignKey("campaigns.id"), nullable=False),
    Column("name", Text, nullable=False),  # of the manifest
    Column("run_id", BigInt, nullable=False),  # the last run that asked for it
    Column("retired", Boolean, nullable=False, server_default=text("false")),  # nobody asks for it any more
    Column("dirty_at", BigInt),  # something may have changed its picture; NULL: it is as it should be
    # what lies under it: the output it is of, its digest, and its place with the real extension
    Column("job_id", BigInt),
    Column("idx", Integer),
    Column("sha256", Text),
    Column("place", Text),
    Column("switched_at", BigInt),
    Column("trouble", Text),
    _partial_index("ix_stable_names_dirty", "path_key", where="dirty_at IS NOT NULL"),
    Index("ix_stable_names_manifest", "campaign_id", "name", "run_id"),
)
"""Names of `latest:`, each the newest good picture of its place in a manifest."""

stable_tries = Table(
    "stable_tries",
    metadata,
    Column("path_key", LargeBinary, nullable=False),
    Column("job_id", BigInt, ForeignKey("jobs.id"), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("run_id", BigInt, nullable=False),  # the last run that asked for it
    PrimaryKeyConstraint("path_key", "job_id"),
    Index("ix_stable_tries_job_id", "job_id"),
)
"""Whose pictures may have a stable name."""

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("job_id", BigInt, ForeignKey("jobs.id"), nullable=False),
    Column("at", BigInt, nullable=False),
    Column("verdict", Text),  # accepted | rejected; NULL: taken back
    Column("stars", Integer),
    Column("note", Text),
    Column("who", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("source", Text, nullable=False),  # command | page | import | check
    Index("ix_verdicts_job_id", "job_id", "id"),
)
"""What people and rules said of a job's pictures. Rows are only ever added; the last one counts."""

check_results = Table(
    "check_results",
    metadata,
    Column("job_id", BigInt, ForeignKey("jobs.id"), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),  # of the picture that was looked at
    Column("passed", Boolean),  # NULL: the check itself could not be made
    Column("reason", Text, nullable=False),
    Column("at", BigInt, nullable=False),
    PrimaryKeyConstraint("job_id", "idx", "name"),
)
"""What the checks of a manifest found in a stored picture."""

candidates = Table(
    "candidates",
    metadata,
    Column("attempt_id", BigInt, ForeignKey("attempts.id"), nullable=False),
    Column("prediction_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", BigInt),
    Column("outputs", JSON, nullable=False),
    PrimaryKeyConstraint("attempt_id", "prediction_id"),
)
"""Predictions that an attempt in doubt may have created, for the operator who decides."""

webhook_receipts = Table(
    "webhook_receipts",
    metadata,
    Column("attempt_id", BigInt, ForeignKey("attempts.id"), nullable=False),
    Column("prediction_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("received_at", BigInt, nullable=False),
    PrimaryKeyConstraint("attempt_id", "prediction_id"),
    Index("ix_webhook_receipts_prediction_id", "prediction_id"),
)
"""What signed webhooks reported about an attempt, found by the token in their URL, where it did not hold that
prediction already."""

foreign_predictions = Table(
    "foreign_predictions",
    metadata,
    Column("prediction_id", Text, primary_key=True),
    Column("model", Text),
    Column("created_at", BigInt),
    Column("noted_at", BigInt, nullable=False),
    Column("note", Text, nullable=False),
)
"""Predictions of the account that are known not to be ours, or to be ours beyond what an attempt can hold."""

ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("at", BigInt, nullable=False),
    Column("attempt_id", BigInt, ForeignKey("attempts.id")),
    Column("run_id", BigInt, ForeignKey("runs.id")),
    Column("campaign_id", BigInt, ForeignKey("campaigns.id")),
    Column("day", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("held_delta", BigInt, nullable=False),
    Column("spent_delta", BigInt, nullable=False),
    Column("refund_due_delta", BigInt, nullable=False),
    Column("note", Text),
    _one_of("kind", LedgerKind, "kind"),
    Index("ix_ledger_attempt_id", "attempt_id"),
    _partial_index("ix_ledger_odd", "day", "id", where=ODD_KINDS),
)

balances = Table(
    "balances",
    metadata,
    Column("scope", Text, nullable=False),
    Column("scope_id", BigInt, nullable=False),
    Column("period", Text, nullable=False),  # total | 2026-11 | 2026-11-22
    Column("spent_micros", BigInt, nullable=False),
    Column("held_micros", BigInt, nullable=False),
    Column("refund_due_micros", BigInt, nullable=False),
    PrimaryKeyConstraint("scope", "scope_id", "period"),
    _one_of("scope", Scope, "scope"),
    CheckConstraint("spent_micros >= 0 AND held_micros >= 0 AND refund_due_micros >= 0", name="not_negative"),
)

budgets = Table(
    "budgets",
    metadata,
    Column("scope", Text, nullable=False),
    Column("scope_id", BigInt, nullable=False),
    Column("window", Text, nullable=False),
    Column("cap_micros", BigInt, nullable=False),
    Column("source", Text, nullable=False),  # manifest | config | operator
    Column("set_at", BigInt, nullable=False),
    Column("overruled_micros", BigInt),  # the strictest word of a file that an operator decided against
    PrimaryKeyConstraint("scope", "scope_id", "window"),
    _one_of("scope", Scope, "scope"),
    _one_of("window", Window, "window"),
    CheckConstraint("cap_micros >= 0", name="cap"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, nullable=False),  # account | campaign | run | model | worker
    Column("name", Text, nullable=False),  # id of the campaign, run, model or worker; empty for the account
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("since", BigInt, nullable=False),
    Column("until", BigInt),  # ends by itself then; NULL: an operator ends it
    PrimaryKeyConstraint("scope", "name", "reason"),
)

limits = Table(
    "limits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("concurrency", Integer, nullable=False),
    Column("submits_per_minute", Integer, nullable=False),
    Column("concurrency_source", Text, nullable=False, server_default=text("'config'")),  # LimitSource
    Column("submits_per_minute_source", Text, nullable=False, server_default=text("'config'")),
    Column("concurrency_overruled", Integer),  # as in `budgets`
    Column("submits_per_minute_overruled", Integer),
    CheckConstraint("id = 1", name="one_row"),
)
"""The account's limits: one row, which every claim locks first, so that claims are one after another."""

rate_grants = Table(
    "rate_grants",
    metadata,
    Column("bucket_at", BigInt, primary_key=True),
    Column("granted", Integer, nullable=False),
)
"""Submissions granted per bucket of time: the sliding window of the submits-per-minute limit."""

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInt, nullable=False),
    Column("seen_at", BigInt, nullable=False),
    Column("stopped_at", BigInt),
    Column("version", Text),
    Column("lease_ms", BigInt, nullable=False, server_default=text("60000")),
    Column("draining_at", BigInt),  # it submits nothing more: it was asked to finish, or it is stopping
    Column("lost_at", BigInt),  # it was silent for longer than its lease
    Column(
        "clock_offset_ms", BigInt
    ),  # the provider's clock minus the database's, as this worker measured it
    Column("output_root", Text),  # the folder on its host that it stores pictures in
)

uploads = Table(
    "uploads",
    metadata,
    Column("base_url", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("uploaded_at", BigInt, nullable=False),
    Column("expires_at", BigInt, nullable=False),
    PrimaryKeyConstraint("base_url", "sha256"),
)

latencies = Table(
    "latencies",
    metadata,
    Column("model", Text, primary_key=True),
    Column("p10_ms", BigInt, nullable=False),
    Column("p50_ms", BigInt, nullable=False),
    Column("p95_ms", BigInt, nullable=False),
    Column("samples", Integer, nullable=False),
    Column("updated_at", BigInt, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("at", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("job_id", BigInt),
    Column("attempt_id", BigInt),
    Column("message", Text, nullable=False),
    Column("campaign_id", BigInt),  # what it is about, where it is about no job; NULL: about the account
    Column("run_id", BigInt),
    Index("ix_events_job_id", "job_id"),
)
"""What happened besides the steps of the attempts: pauses, thresholds of caps, workers that are lost."""

acts = Table(
    "acts",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("at", BigInt, nullable=False),
    Column("who", Text, nullable=False),  # the user of the operating system
    Column("host", Text, nullable=False),
    Column("command", Text, nullable=False),  # the words of the command, such as `budget set`
    Column("subject", Text, nullable=False),  # what was changed, in words: `day cap of the account`, `job 12`
    Column("old", Text),  # NULL: there was nothing
    Column("new", Text),  # NULL: it was taken away
    Column("why", Text),
    Column("job_id", BigInt),
    Column("campaign_id", BigInt),
    Column("run_id", BigInt),
    Index("ix_acts_job_id", "job_id"),
)
"""What operators decided. Rows are only ever added."""

schedules = Table(
    "schedules",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # campaign/name of its manifest
    Column("manifest_path", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),  # the name of a zone, such as Europe/Vienna
    Column("settings", JSON, nullable=False),  # what else its manifest says in `schedule:`
    Column("revision", Integer, nullable=False),  # one more with each edit of cron or zone
    Column("since", BigInt, nullable=False),  # ticks of this revision are after it
    Column("next_at", BigInt),  # its next tick; NULL: it never fires again
    Column(
        "failures", Integer, nullable=False, server_default=text("0")
    ),  # ticks that failed one after another
    Column("paused_at", BigInt),
    Column("paused_why", Text),
    Column("created_at", BigInt, nullable=False),
    Column("removed_at", BigInt),  # its ticks stay to be read
)

ticks = Table(
    "ticks",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("schedule_id", BigInt, ForeignKey("schedules.id"), nullable=False),
    Column("key", Text, nullable=False),  # which tick it is: once each, whatever clocks and workers do
    Column("revision", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # scheduled | run_now | backfill
    Column("at", BigInt, nullable=False),
    Column("due_at", BigInt, nullable=False),  # `at` and its jitter: it begins then
    Column("local", Text, nullable=False),  # its date and time in the schedule's zone: 2026-11-28T02:30
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("message", Text),
    Column("worker", Text),  # who expands it
    Column("lease_expires_at", BigInt),
    Column("run_id", BigInt, ForeignKey("runs.id")),
    Column("created_at", BigInt, nullable=False),
    Column("taken_at", BigInt),
    Column("approved_at", BigInt),  # a person has agreed to what a guard held
    Column("stuck_since", BigInt),  # nothing of its run goes on by itself since then
    Column("finished_at", BigInt),
    Column("code", Integer),  # the exit code that a command would have ended with
    Column("ping_owed", Text),  # what its address is still to hear: start, or the exit code
    Column("ping_at", BigInt),  # not before then
    Column("ping_tries", Integer, nullable=False, server_default=text("0")),
    _one_of("state", TickState, "state"),
    UniqueConstraint("schedule_id", "key"),
    Index("ix_ticks_state", "state", "at"),
    _partial_index("ix_ticks_ping_at", "ping_at", where="ping_owed IS NOT NULL"),
)

closed_months = Table(
    "closed_months",
    metadata,
    Column("month", Text, primary_key=True),  # 2026-11, of the budgets' time zone
    # The lines after `ledger_from`, with which the month before was closed, up to `ledger_to` are frozen.
    Column("ledger_from", BigInt, nullable=False),
    Column("ledger_to", BigInt, nullable=False),
    Column("lines", BigInt, nullable=False),  # how many lines up to there count in the month
    Column("spent_micros", BigInt, nullable=False),  # what those come to
    Column("open_micros", BigInt, nullable=False),  # held and refunds due
    Column("timezone", Text, nullable=False),  # of the days that it was closed with
    Column("digest", Text, nullable=False),  # SHA-256 of the frozen lines
    Column("closed_at", BigInt, nullable=False),
    Column("who", Text, nullable=False),
)
"""Months whose report is frozen: later movements are prior-period lines of the month they come in."""


class BillEntry(StrEnum):
    """What an entry of the bill is about."""

    OTHER_TASK = "other_task"  # a task that no attempt has
    OTHER_CHARGE = "other_charge"  # no task: another service on the account
    PART = "part"  # a part of an attempt's charge or refund that is of another day than the rest


bill_entries = Table(
    "bill_entries",
    metadata,
    Column("key", Text, primary_key=True),  # the record on the bill, or the attempt and the day of a part
    Column("at", BigInt, nullable=False),  # the provider's time
    Column("what", Text, nullable=False),
    Column("attempt_id", BigInt),
    Column("prediction_id", Text),
    Column("charged_micros", BigInt, nullable=False),  # below zero: a part is told on another day
    Column("refunded_micros", BigInt, nullable=False),
    _one_of("what", BillEntry, "what"),
    Index("ix_bill_entries_at", "at"),
)
"""What is on the bill beside the charge and the refund of each attempt, which are in its own row."""

balance_days = Table(
    "balance_days",
    metadata,
    Column("day", Text, primary_key=True),  # in UTC
    Column("first_at", BigInt, nullable=False),
    Column("first_micros", BigInt, nullable=False),
    Column("last_at", BigInt, nullable=False),
    Column("last_micros", BigInt, nullable=False),
)
"""What the account had left, as it was read first and last on a day."""

passed_thresholds = Table(
    "passed_thresholds",
    metadata,
    Column("scope", Text, nullable=False),
    Column("scope_id", BigInt, nullable=False),
    Column("period", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("cap_micros", BigInt, nullable=False),
    Column("at", BigInt, nullable=False),
    PrimaryKeyConstraint("scope", "scope_id", "period", "percent", "cap_micros"),
)
"""Shares of caps that were reached: each is told once, also when money comes back and is held again."""

notices = Table(
    "notices",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("target", Text, nullable=False),  # its name in the configuration
    Column("subject", Text, nullable=False),  # what it is about: told once to each target
    Column("kind", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("next_try_at", BigInt),  # NULL: delivered, or given up
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("worker", Text),  # who delivers it
    Column("lease_expires_at", BigInt),
    Column("trouble", Text),
    Column("delivered_at", BigInt),
    UniqueConstraint("target", "subject"),
    _partial_index("ix_notices_due", "next_try_at", where="next_try_at IS NOT NULL"),
)
"""What people are to be told, from the moment it happens until it is delivered."""
