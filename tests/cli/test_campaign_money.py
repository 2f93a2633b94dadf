"""Campaigns that are closed and opened, money moved between runs, and which caps are worth a line."""

import pytest
from support.signed import SIGNED
from support.world import PRICE

from orchestrator.actions.operator.closing import close_campaign
from orchestrator.actions.operator.moving_money import move_money
from orchestrator.cli.rendering.folding import binding_cap, fold_caps, runs_to_show
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.states import AttemptState, JobState
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.account.pauses import by_operator
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import Scope, Window, acts, balances, budgets
from orchestrator.store.money.caps import Cap
from orchestrator.store.runs.campaigns import reopen
from orchestrator.store.views.runs.overview import RunRow, no_jobs


def test_closing_a_campaign_cancels_what_waits_and_collects_what_runs(world):
    world.run(3, campaign="sale")
    held = world.until(AttemptState.IN_FLIGHT)
    answer = close_campaign(world.database, "sale", SIGNED)
    assert (answer.changed, answer.cancelled, answer.after_attempt) == (True, 2, 1)
    world.complete(held)
    world.finish(held)
    assert world.jobs() == {JobState.CANCELLED: 2, JobState.SUCCEEDED: 1}
    assert world.claim() == ()


def test_no_manifest_is_applied_to_a_closed_campaign_until_it_is_opened_again(world):
    world.run(1, campaign="sale")
    close_campaign(world.database, "sale", SIGNED)
    with pytest.raises(UsageError, match="orchestrator campaigns reopen sale"):
        world.run(2, campaign="sale", run_key="other")
    with world.database.write() as tx:
        assert reopen(tx, "sale")
    world.run(2, campaign="sale", run_key="other")
    assert len(world.claim()) == 2


def test_what_is_claimed_when_a_campaign_is_closed_is_not_sent(world):
    world.run(1, campaign="sale")
    held = world.lease()
    close_campaign(world.database, "sale", SIGNED)
    with world.database.read() as tx:
        assert [scope for scope, _name in by_operator(tx)] == ["campaign"]
    assert world.attempt(held).state == AttemptState.LEASED


def test_closing_again_cancels_what_waits_still_and_is_no_second_act(world):
    world.run(1, campaign="sale")
    for _ in range(2):
        close_campaign(world.database, "sale", SIGNED)
    assert [row.new for row in world.rows(acts)] == ["closed", "cancelled"]


def two_runs(world, *, caps=(4 * PRICE, 2 * PRICE)):
    runs = [world.run(9, campaign="sale", run_key=key) for key in ("a", "b")]
    for run, micros in zip(runs, caps, strict=True):
        if micros is not None:
            world.cap(micros, scope=Scope.RUN, scope_id=run.id)
    return runs


def caps_of(world):
    return [row.cap_micros for row in sorted(world.rows(budgets), key=lambda row: row.scope_id)]


def move(world, micros, *, source="sale/hero/a", target="sale/hero/b"):
    with world.database.write() as tx:
        return move_money(tx, micros, source=source, target=target, signed=SIGNED)


def test_money_that_moves_leaves_the_sum_as_it_was_and_what_is_held_under_its_cap(world):
    two_runs(world)
    assert len(world.claim()) == 6, "each run up to its own cap"
    with pytest.raises(UsageError, match=r"can give at most \$0.00"):
        move(world, 1)
    assert caps_of(world) == [4 * PRICE, 2 * PRICE]


def test_what_is_left_under_one_cap_moves_to_the_other_and_both_are_acts(world):
    two_runs(world)
    moved = move(world, 3 * PRICE)
    assert (moved.source_micros, moved.target_micros) == (PRICE, 5 * PRICE)
    assert caps_of(world) == [PRICE, 5 * PRICE]
    assert len(world.claim()) == 6
    assert [row.subject for row in world.rows(acts)] == [
        "cap of run sale/hero/a",
        "cap of run sale/hero/b",
    ]
    world.check_money()


@pytest.mark.parametrize(
    ("micros", "source", "target", "says"),
    [
        (5 * PRICE, "sale/hero/a", "sale/hero/b", "can give at most"),
        (0, "sale/hero/a", "sale/hero/b", "how much"),
        (1, "sale/hero/a", "sale/hero/a", "Both are run"),
        (1, "sale/hero/a", "other/hero/main", "two campaigns"),
        (1, "sale/hero/a", "nothing", "There is no"),
        (1, "sale/hero/a", "sale/hero/free", "has no cap"),
    ],
)
def test_what_cannot_be_moved_is_said_and_nothing_moves(world, micros, source, target, says):
    two_runs(world)
    world.run(1, campaign="other")
    world.run(1, campaign="sale", run_key="free")
    with pytest.raises(UsageError, match=says):
        move(world, micros, source=source, target=target)
    assert caps_of(world) == [4 * PRICE, 2 * PRICE]


def run_row(number, *, pending=0, campaign="sale"):
    return RunRow(
        id=number,
        campaign=campaign,
        name="hero",
        run=f"r{number}",
        model="m",
        manifest_path="hero.yaml",
        jobs={**no_jobs(), "pending": pending, "succeeded": 1},
        in_doubt=0,
        stored=0,
        nsfw=0,
        spent_micros=0,
        held_micros=0,
    )


def cap(scope, scope_id=0, *, left=10, spent=0, name="account"):
    return Cap(
        scope=scope,
        scope_id=scope_id,
        name=name,
        window=Window.TOTAL,
        period="total",
        cap_micros=spent + left,
        spent_micros=spent,
        held_micros=0,
        refund_due_micros=0,
        source="operator",
    )


def test_a_year_of_nights_is_a_line_for_each_live_run_and_one_for_the_rest():
    runs = [run_row(number) for number in range(1, 366)] + [run_row(366, pending=1)]
    caps = [cap(Scope.ACCOUNT), *(cap(Scope.RUN, run.id) for run in runs)]
    folded = fold_caps(caps, runs)
    assert [each.scope_id for each in folded.shown] == [0, 366]
    assert folded.folded == 365
    assert [run.id for run in runs_to_show(runs, 20)] == list(range(347, 367))


def test_every_live_run_is_shown_however_many_there_are():
    runs = [run_row(number, pending=number % 2) for number in range(1, 101)]
    assert sum(run.jobs["pending"] for run in runs_to_show(runs, 20)) == 50


def test_a_cap_of_a_finished_run_that_was_passed_is_shown():
    runs = [run_row(number) for number in range(1, 11)]
    caps = [cap(Scope.RUN, run.id, left=-5 if run.id == 3 else 5, spent=9) for run in runs]
    assert [each.scope_id for each in fold_caps(caps, runs).shown] == [3]


def test_the_cap_that_binds_is_one_over_work_that_goes_on():
    runs = [run_row(1), run_row(2, pending=5)]
    caps = [
        cap(Scope.ACCOUNT, left=50),
        cap(Scope.RUN, 1, left=1),
        cap(Scope.RUN, 2, left=20),
        cap(Scope.CAMPAIGN, 7, left=2, name="another"),
    ]
    assert binding_cap(caps, runs) == caps[2]
    assert binding_cap(caps, runs[:1]) == caps[1]


def test_the_commands_say_what_they_did_and_what_comes_next(shell):
    shell("apply", shell.manifest(extra="budget: 4.00"))
    shell("apply", shell.manifest("other", extra="budget: 2.00"))
    assert shell("budget", "move", "1.50", "--from", "hero", "--to", "other", "--why", "spring") == 0
    assert "The cap of run sale/hero/main is $2.50 now." in shell.said
    assert shell("apply", "hero.yaml") == 0
    assert shell("budget", "show") == 0
    assert "$2.50" in shell.said
    assert "$4.00" not in shell.said, "the manifest's word was known when it was moved"
    assert shell("campaigns", "close", "sale", "--why", "over") == 0
    assert "closed: 6 waiting jobs cancelled" in shell.said
    assert shell("plan", "hero.yaml") == 0
    assert "is closed" in shell.said
    assert shell("apply", "hero.yaml") == ExitCode.USAGE
    assert "orchestrator campaigns reopen sale" in shell.said
    assert shell("campaigns", "resume", "sale") == ExitCode.USAGE
    assert shell("campaigns", "list") == 0
    assert "closed" in shell.said
    assert shell("campaigns", "reopen", "sale") == 0
    assert shell("apply", "hero.yaml") == 0


def test_a_period_shows_campaigns_without_a_cap_and_what_is_past(shell):
    shell("apply", shell.manifest())
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())
    with database.write() as tx:
        for scope, scope_id in (("account", 0), ("campaign", 1), ("run", 1)):
            tx.conn.execute(
                balances.insert().values(
                    scope=scope,
                    scope_id=scope_id,
                    period="2025-02",
                    spent_micros=70_000,
                    held_micros=0,
                    refund_due_micros=0,
                )
            )
    database.close()
    assert shell("budget", "show", "--period", "2025-02", "--json") == 0
    assert [(row["name"], row["spent_usd"], row["cap_usd"]) for row in shell.lines] == [
        ("account", "0.07", None),
        ("sale", "0.07", None),
    ]
    assert shell("budget", "show", "--period", "2025-02", "--all") == 0
    assert "run sale/hero/main" in shell.said
    assert shell("budget", "show", "--period", "2025-03") == 0
    assert "Nothing was spent or held in 2025-03." in shell.said
    assert shell("budget", "show", "--period", "2025-13") == ExitCode.USAGE
