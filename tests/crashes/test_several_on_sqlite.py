"""Several worker processes on one SQLite file: they share the work, the limits and the cap."""

from pathlib import Path

from sqlalchemy import create_engine, text

from crashes.judge import judge_end
from crashes.processes import Processes
from crashes.stage import CROWDED, staged


def test_three_workers_share_one_file(processes: Processes, tmp_path: Path):
    with staged(processes, tmp_path / "stage", CROWDED) as stage:
        crew = [stage.worker() for _ in range(3)]
        assert [worker.wait() for worker in crew] == [CROWDED.exit_code] * 3, stage.log()
        verdict = judge_end(store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=CROWDED)
        assert verdict.problems == [], stage.log()
    engine = create_engine(f"sqlite:///{stage.folder / 'orchestrator.db'}")
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT count(*), count(stopped_at), count(version) FROM workers")).one()
    engine.dispose()
    assert tuple(rows) == (3, 3, 3)


def test_one_that_is_asked_to_finish_leaves_with_exit_code_0_and_another_does_the_rest(
    processes: Processes, tmp_path: Path
):
    with staged(processes, tmp_path / "stage", CROWDED) as stage:
        assert stage.command("apply", "crowded.yaml").wait() == 0, stage.log()
        asked = stage.command("work")
        while len(stage.bill()["posts"]) < 3:
            assert asked.poll() is None, stage.log()
        engine = create_engine(f"sqlite:///{stage.folder / 'orchestrator.db'}")
        with engine.connect() as conn:
            name = conn.execute(text("SELECT id FROM workers")).scalar_one()
        engine.dispose()
        assert stage.command("workers", "drain", name).wait() == 0, stage.log()
        assert asked.wait() == 0, stage.log()
        assert stage.worker().wait() == CROWDED.exit_code, stage.log()
        assert (
            judge_end(
                store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=CROWDED
            ).problems
            == []
        ), stage.log()
