"""Campaigns take turns: by weight, whatever is scarce, and without reading what has no turn."""

from collections import Counter

import pytest
from sqlalchemy import event

from orchestrator.core.errors import UsageError
from orchestrator.store.db.schema import campaigns as campaign_table
from orchestrator.store.runs import campaigns


def owners(claimed):
    return Counter(item.params["prompt"].split("/")[0] for item in claimed)


def weigh(world, **weights):
    with world.database.write() as tx:
        for name, weight in weights.items():
            campaigns.set_weight(tx, name, weight)


def finish(world, claimed):
    """The slots are free again, whatever the claim took."""
    for item in claimed:
        world.give_back(item, delay_ms=3_600_000)


@pytest.mark.parametrize("size", [1, 3, 40])
def test_turns_follow_the_weights_when_the_rate_is_scarce_and_slots_are_free(world, size):
    world.run(90, campaign="heavy")
    world.run(90, campaign="light")
    weigh(world, heavy=3)
    taken: Counter[str] = Counter()
    while taken.total() < 40:
        claimed = world.claim(size)
        taken += owners(claimed)
        finish(
            world, claimed
        )  # nothing holds a slot by the next claim: counting slots would see no difference
    assert taken == {"heavy": 30, "light": 10} | ({"heavy": 31, "light": 11} if taken.total() == 42 else {})


def test_a_great_campaign_does_not_starve_a_small_one(world):
    world.run(300, campaign="great")
    world.claim(100)
    world.run(10, campaign="small")
    assert owners(world.claim(20))["small"] == 10


def test_who_was_idle_has_no_past_to_catch_up_with(world):
    world.run(1, campaign="idle")
    world.claim(1)
    world.run(150, campaign="busy")
    world.claim(100)
    world.run(50, campaign="idle", name="again")
    assert owners(world.claim(20)) in ({"idle": 10, "busy": 10}, {"idle": 11, "busy": 9})


def test_a_campaign_counts_its_turns_over_all_its_priorities(world):
    world.run(4, campaign="both", name="urgent", priority=9)
    world.run(20, campaign="both")
    world.run(20, campaign="other")
    assert owners(world.claim(4)) == {"both": 4}
    assert owners(world.claim(6))["other"] in {3, 4}


def test_prices_and_runs_of_a_campaign_are_merged_by_variation_however_few_are_fetched_at_a_time(world):
    for number in range(7):
        world.run(3, campaign="many", run_key=f"{number}", price=28_000 + number % 2)
    world.run(30, campaign="other")
    ids = [item.job_id for item in world.claim(40) if item.params["prompt"].startswith("many")]
    assert ids == sorted(ids)
    assert len(ids) == 20 or len(ids) == 21


def test_a_claim_reads_no_jobs_of_campaigns_that_have_no_turn(world):
    for number in range(120):
        world.run(1, campaign=f"c{number:03}")
    seen: list[str] = []

    def note(_conn, _cursor, statement, *_rest):
        if "FROM jobs" in statement:
            seen.append(statement)

    event.listen(world.database._writer, "before_cursor_execute", note)
    claimed = world.claim(5)
    event.remove(world.database._writer, "before_cursor_execute", note)
    assert len(owners(claimed)) == 5
    assert len(seen) < 12


def test_every_campaign_of_many_has_its_turn(world):
    for number in range(30):
        world.run(2, campaign=f"c{number:02}")
    first = [owners(world.claim(10)) for _ in range(3)]
    assert len(first[0] | first[1] | first[2]) == 30


@pytest.mark.parametrize("weight", [0, -1, 1001])
def test_a_weight_out_of_range_is_refused(world, weight):
    world.run(1)
    with pytest.raises(UsageError, match="1 to 1000"), world.database.write() as tx:
        campaigns.set_weight(tx, "spring", weight)
    assert [row.weight for row in world.rows(campaign_table)] == [1]
