"""The button that lets a run go on after its canary."""

import pytest
from review_browser import AS_SCRIPT

from orchestrator.store.runs import gates


@pytest.fixture
def gated(shop):
    shop.apply(["MUG", "SHOE"], ["beach"])
    shop.make(1)
    with shop.database.write() as tx:
        gates.close_new(tx, 1)
    return shop


def test_a_run_whose_gate_is_closed_has_a_button_that_two_reviewers_may_press(gated, review):
    async def main(browser):
        kim, lee = await browser().enter(), await browser().enter()
        for each in (kim, lee):
            assert "Approve the run" in (await each.get("/review/runs/1?show=all"))[1]
        status, told = await kim.post("/review/approve", AS_SCRIPT, run="1")
        assert (status, "is approved. 1 job waits: $0.028" in told["words"]) == (200, True)
        status, told = await lee.post("/review/approve", run="1", next="/review/runs/1")
        assert "was approved already" in told
        assert "Approve the run" not in (await kim.get("/review/runs/1?show=all"))[1]

    review(main)


@pytest.mark.parametrize("run", ["", "7", "x"])
def test_a_form_that_names_no_run_that_waits_changes_nothing(gated, review, run):
    async def main(browser):
        kim = await browser().enter()
        status, told = await kim.post("/review/approve", AS_SCRIPT, run=run)
        assert status == 400
        assert "Nothing was changed" in told["words"]

    review(main)
