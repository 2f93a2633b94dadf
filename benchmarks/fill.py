"""Fills a database with jobs by the database itself: millions of rows in seconds, for measuring what reads
them."""

from dataclasses import dataclass

from sqlalchemy import text

from orchestrator.core.specs import RunSpec
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs.runs import ensure_run

MODEL = "kwaivgi/kling-image-o3/edit"
PRICE_MICROS = 28_000


@dataclass(frozen=True, slots=True)
class FillShape:
    """What stands in the database: how many jobs, and in which states, evenly mixed in the order of ids."""

    jobs: int
    finished: float = 0.0  # share of jobs that have succeeded
    failed: float = 0.0
    waiting: float = 0.0  # share that waits for a time far away
    runs: int = 1
    outputs: bool = False  # planned pictures too
    tags: str = "{}"


def fill(database: Database, shape: FillShape) -> None:
    """Add the runs and jobs of `shape`; keys and paths are in increasing order, so that five million load
    quickly."""
    for number in range(shape.runs):
        with database.write() as tx:
            run = ensure_run(
                tx,
                RunSpec(
                    campaign="bench",
                    name="bench",
                    run_key=f"r{number}",
                    model=MODEL,
                    manifest_path="bench.yaml",
                    manifest_sha256="0" * 64,
                ),
            )
            tx.conn.execute(
                text(
                    "INSERT INTO lanes (run_id, price_digest, list_micros, planned_micros, price_micros, "
                    "priority, idle) VALUES (:run, 'd', :price, :price, :price, 0, false)"
                ),
                {"run": run.id, "price": PRICE_MICROS},
            )
            lane = tx.conn.execute(text("SELECT max(id) FROM lanes")).scalar_one()
            first = (tx.conn.execute(text("SELECT max(id) FROM jobs")).scalar() or 0) + 1
            _add(
                tx,
                shape,
                {"run": run.id, "lane": lane, "first": first, "last": first + shape.jobs // shape.runs - 1},
            )
    vacuum_analyze(database)


def vacuum_analyze(database: Database) -> None:
    """What autovacuum would have done by now."""
    engine = database._writer  # noqa: SLF001 - a benchmark may look behind the wall
    with engine.connect() as conn:
        raw = conn.connection.driver_connection
        assert raw is not None
        if database.url.get_backend_name() == "sqlite":
            raw.execute("ANALYZE")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            conn.rollback()
            raw.autocommit = True
            raw.execute("VACUUM (ANALYZE)")
            raw.execute("CHECKPOINT")
            raw.autocommit = False


def _add(tx: Tx, shape: FillShape, bounds: dict[str, int]) -> None:
    sqlite = tx.conn.dialect.name == "sqlite"
    if not sqlite:
        tx.conn.execute(
            text("SET LOCAL session_replication_role = replica")
        )  # every reference is right by construction
    numbers = (
        "WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
        if sqlite
        else "WITH numbers AS "
        "(SELECT n FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n)"
    )
    key = "printf('%032x', n)" if sqlite else "lpad(to_hex(n), 32, '0')"
    digest = "CAST(printf('%016x', n) AS BLOB)" if sqlite else "convert_to(lpad(to_hex(n), 16, '0'), 'UTF8')"
    done, failed = int(shape.finished * 1000), int((shape.finished + shape.failed) * 1000)
    waiting = int((shape.finished + shape.failed + shape.waiting) * 1000)
    slot = "(n * 7919) % 1000"  # scattered over the ids
    state = (
        f"CASE WHEN {slot} < {done} THEN 'succeeded' WHEN {slot} < {failed} THEN 'failed' ELSE 'pending' END"
    )
    queue = f"CASE WHEN {slot} < {failed} THEN NULL WHEN {slot} < {waiting} THEN 'waiting' ELSE 'ready' END"
    due = f"CASE WHEN {slot} >= {failed} AND {slot} < {waiting} THEN 9999999999999 + n END"
    finished = f"CASE WHEN {slot} < {failed} THEN 1 END"
    tx.conn.execute(
        text(
            "INSERT INTO jobs (id, run_id, lane_id, key, ordinal, variation, state, queue, due_at, images, "
            f"price_micros, tries_left, created_at, finished_at) {numbers} SELECT n, :run, :lane, {key}, n, "
            f"1, {state}, {queue}, {due}, 1, {PRICE_MICROS}, 3, 1, {finished} FROM numbers"
        ),
        bounds,
    )
    _add_specs(tx, shape, bounds=bounds, numbers=numbers)
    if shape.outputs:
        tx.conn.execute(
            text(
                f"INSERT INTO outputs (job_id, idx, path, path_key, state) {numbers} "
                f"SELECT n, 0, 'bench/' || n || '.png', {digest}, 'planned' FROM numbers"
            ),
            {name: bounds[name] for name in ("first", "last")},
        )


def _add_specs(tx: Tx, shape: FillShape, bounds: dict[str, int], numbers: str) -> None:
    """What each job sends."""
    prompt = (
        """'{"prompt": "Product number ' || n || ' in the catalogue on a table", """
        """"images": ["https://example.com/a.png"], "aspect_ratio": "1:1", "resolution": "2k", """
        """"num_images": 1, "output_format": "png"}'"""
    )
    sqlite = tx.conn.dialect.name == "sqlite"
    cast = (lambda value: value) if sqlite else (lambda value: f"CAST({value} AS json)")
    ids = {name: bounds[name] for name in ("first", "last", "run")}
    axes = """'[["product", "P' || (n / 12) || '"], ["scene", "s' || (n % 12) || '"]]'"""
    tx.conn.execute(
        text(
            f"INSERT INTO job_specs (job_id, params, local_images, tags, axes, run_id, product) {numbers} "
            f"SELECT n, {cast(prompt)}, {cast(chr(39) + '{}' + chr(39))}, {cast(':tags')}, {cast(axes)}, "
            ":run, 'P' || (n / 12) FROM numbers"
        ),
        {**ids, "tags": shape.tags},
    )
