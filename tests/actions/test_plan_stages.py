"""A plan of a manifest with stages: priced whole and stage by stage, and what the caps make of it."""

import json

import pytest
from support.staged import Staged
from support.world import World

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.figures.affordable import Limit, Wish, allot
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.part import Part
from orchestrator.cli.invocation import Asked
from orchestrator.cli.rendering.plans.cap_text import covered
from orchestrator.cli.rendering.plans.content_text import change_lines, content_lines
from orchestrator.cli.rendering.plans.plan_documents import plan_document
from orchestrator.cli.rendering.plans.plan_text import plan_text
from orchestrator.cli.rendering.plans.stages_text import stage_lines
from orchestrator.core.verdicts import JobVerdict
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.store.db.schema import runs
from orchestrator.store.runs import gates

MANIFEST = """\
version: 1
name: hero
model: kwaivgi/kling-image-o3/edit
{head}
matrix: {{product: [{products}], scene: [beach, city]}}
params:
  prompt: "{{{{ product }}}} on a {{{{ scene }}}}{more}"
  images: ["https://e.com/a.png"]
  num_images: 2
output: "{{{{ product }}}}/{{{{ scene }}}}-{{{{ index }}}}.{{{{ ext }}}}"
{reserve}
"""
STAGES = """\
stages:
  cutout: {params: {prompt: "Cut out @Image1"}}
  large: {take: all, params: {prompt: "Larger @Image1"}}
"""


@pytest.fixture
def write(tmp_path):
    def written(products="mug, lamp", more="", stages=STAGES, head="", reserve=""):
        text = MANIFEST.format(products=products, more=more, head=head, reserve=reserve) + stages
        (tmp_path / "hero.yaml").write_text(text)
        return load_manifest(tmp_path / "hero.yaml", today="2026-11-22")

    return written


@pytest.fixture
def look(database, tmp_path):
    return lambda manifest, **how: plan([manifest], load_settings(None, {}, tmp_path), database, **how)


@pytest.fixture
def store(database, clock, entropy):
    return World(database, clock, entropy)


def make(store, number, images):
    """Make so many jobs, which are of so many pictures each."""
    for held in store.claim(number):
        store.send(held)
        store.accept(held)
        store.complete(held, images)
        store.finish(held, images)


def test_the_whole_chain_is_priced_and_counted(look, write):
    found = look(write())
    (row,) = found.manifests
    assert (row.jobs, row.images, row.to_submit, row.to_pay_micros) == (20, 24, 20, 24 * 28_000)


def test_a_plan_says_what_comes_after_what_and_what_waits_for_people(look, write):
    chain, waits = stage_lines(look(write()), Asked(sandbox=True))
    assert chain == "Stages      8 pictures ($0.224), then 8 cutout ($0.224), then 8 large ($0.224)"
    assert waits.strip() == (
        "cutout waits for accepted pictures: review them with `orchestrator review --sandbox`"
    )
    assert chain in plan_text(look(write()))


def test_a_plan_without_stages_says_nothing_of_them(look, write):
    found = look(write(stages=""))
    assert stage_lines(found, Asked()) == []
    assert not {"stages", "reserve", "made_again"} & plan_document(found)["manifests"][0].keys()


def test_the_document_has_each_stage_with_what_it_needs(look, write):
    (row,) = json.loads(json.dumps(plan_document(look(write(reserve="reserve: chain")))))["manifests"]
    counts = {"images": 8, "cost_usd": "0.224"}
    assert row["stages"] == [
        {"name": "pictures", "needs": None, "take": None, "jobs": 4, "new": 4} | counts,
        {"name": "cutout", "needs": "pictures", "take": "accepted", "jobs": 8, "new": 8} | counts,
        {"name": "large", "needs": "cutout", "take": "all", "jobs": 8, "new": 8} | counts,
    ]
    assert row["reserve"] == "chain"
    assert row["cost_usd"] == "0.672"
    assert row["costs"]["stage"] == {"pictures": "0.224", "cutout": "0.224", "large": "0.224"}


def test_a_listed_job_of_a_stage_names_the_picture_that_it_takes(look, write):
    first, second, *_more = plan_document(look(write(), listing=2))["manifests"][0]["listed"]
    assert "needs" not in first
    assert (second["stage"], second["needs"]) == ("cutout", {"key": first["key"], "index": 0})


def test_a_part_brings_what_follows_from_it(look, write):
    assert look(write(), part=Part(limit=1)).total("jobs") == 5
    assert look(write(), part=Part(sample=2)).total("to_pay_micros") == 2 * 6 * 28_000


def test_what_has_no_pictures_yet_is_chosen_by_the_manifests_own_jobs(look, write, store, database):
    apply(database, [write()])
    make(store, 1, 2)
    (row,) = look(write(), part=Part(limit=9, unmade=True)).manifests
    assert row.jobs == 15


def test_stages_come_one_after_another_in_time(look, write):
    whole, alone = look(write()), look(write(stages=""))
    assert whole.estimate.seconds > alone.estimate.seconds + 50


def test_under_a_cap_what_follows_comes_last(look, write):
    found = look(write(head="budget: 0.28")).affordable  # 10 pictures; the manifest's own are 8
    assert (found.jobs, found.images, found.reached, found.whole) == (6, 10, 2, 0)


def test_with_money_kept_for_chains_no_job_is_begun_that_could_not_be_finished(look, write):
    found = look(
        write(head="budget: 0.40", reserve="reserve: chain")
    ).affordable  # 14 pictures, 2 chains of 6
    assert (found.jobs, found.images, found.cost_micros) == (10, 12, 12 * 28_000)
    assert look(write(head="budget: 0.16", reserve="reserve: chain")).affordable.jobs == 0
    *_more, line = stage_lines(look(write(reserve="reserve: chain")), Asked())
    assert line.strip().startswith("reserve: chain: a job is begun only while every cap has room for all")


def test_a_chain_that_was_begun_is_served_before_another_is_begun():
    wish = Wish([1, 1, 1, 2], [10, 10, 10, 10], hops=[1, 0, 1, 0], chains=[0, 1, 1, 3])
    assert [list(got) for got in allot([wish], [Limit(20, {0})])] == [[1, 0, 0, 1]]
    assert [list(got) for got in allot([wish], [Limit(30, {0})])] == [[1, 1, 1, 0]]
    assert [list(got) for got in allot([wish], [Limit(40, {0})])] == [[1, 1, 1, 1]]


def test_what_could_be_left_out_is_a_stage_with_all_that_follows(look, write):
    found = look(write(head="budget: 0.30"))
    words = {cut.words: cut.saves_micros for cut in found.cuts}
    assert words["without the stage cutout and what follows from it (large)"] == 16 * 28_000
    assert not any("exclude stage" in each for each in words)
    assert any("without the stage" in line for line in covered(found))
    (cut,) = look(write(head="budget: 0.45")).cuts[:1]
    assert (cut.words, cut.saves_micros) == ("without the stage large", 8 * 28_000)


def test_no_other_price_is_offered_where_stages_have_parameters_of_their_own(look, write):
    text = write().path.read_text().replace("num_images: 2", "num_images: 2\n  resolution: 4k")
    write().path.write_text(text)
    found = look(load_manifest(write().path, today="2026-11-22"))
    assert found.manifests[0].instead == {}


def test_an_edit_of_a_stage_is_told_with_its_name_and_place(look, write, database):
    apply(database, [write()])
    edited = STAGES.replace("Cut out", "Cut out all of")
    lines = change_lines(look(write(stages=edited)))
    assert lines == [
        'Changed     cutout.prompt (line 13), 8 jobs: "Cut out @Image1" -> "Cut out all of @Image1"'
    ]


def test_an_edit_upstream_is_told_once_and_changes_all_that_follows(look, write, database):
    apply(database, [write()])
    found = look(write(more=" at dawn"))
    (row,) = found.manifests
    assert (row.new, row.others.jobs) == (20, 20)
    (line, *_more) = change_lines(found)
    assert line.startswith("Changed     prompt (line 7), 4 jobs")
    assert not any("not recorded before" in each for each in change_lines(found))


def test_a_stage_that_is_new_leaves_what_is_made(look, write, store, database):
    apply(database, [write(stages="")])
    make(store, 4, 2)
    (row,) = look(write()).manifests
    assert (row.existing, row.new, row.others.jobs) == (4, 16, 0)


ONE = "stages:\n  cutout: {take: all, params: {prompt: x}}\n"


def test_a_picture_that_was_chosen_anew_is_told_with_its_price_and_nothing_is_written(
    look, write, store, database
):
    staged = Staged(store)
    apply(database, [write(stages=ONE)])
    for _job in range(12):
        staged.make()
    assert look(write(stages=ONE)).total("to_submit") == 0
    again = staged.redo(1)
    assert staged.make() == again
    staged.say(JobVerdict.ACCEPTED, again)
    found = look(write(stages=ONE))
    (row,) = found.manifests
    assert (row.to_submit, row.to_submit_images, row.to_pay_micros) == (2, 2, 56_000)
    assert "2 to be made again: their pictures were chosen anew, $0.056" in "".join(
        stage_lines(found, Asked())
    )
    assert plan_document(found)["manifests"][0]["made_again"] == {"jobs": 2, "cost_usd": "0.056"}
    assert look(write(stages=ONE)).total("to_submit") == 2
    assert look(write(stages=ONE), part=Part(limit=1)).total("to_submit") == 0
    (applied,) = apply(database, [write(stages=ONE)])
    assert applied.again == 2
    assert look(write(stages=ONE)).manifests[0].redone == 2


def test_asked_lines_name_no_stage_among_the_costs_of_values(look, write):
    assert not any("stage" in line for line in content_lines(look(write())))


def test_a_canary_is_of_the_manifests_own_jobs(look, write, database):
    manifest = write(head="canary: 3")
    assert look(manifest).manifests[0].canary == 3
    (applied,) = apply(database, [manifest])
    own = {spec.key for spec in manifest.jobs() if not spec.stage}
    with database.read() as tx:
        assert len(gates.canary_keys(tx, applied.run_id) & own) == 3
        assert gates.canary_keys(tx, applied.run_id) <= own


def test_a_stage_that_is_added_to_an_approved_run_closes_no_gate(look, write, store, database):
    apply(database, [write(head="canary: 3", stages="")])
    make(store, 3, 2)
    run_id = store.rows(runs)[0].id
    with database.write() as tx:
        assert gates.open_gate(tx, run_id, "approved by ada")
    make(store, 1, 2)
    assert look(write(head="canary: 3")).manifests[0].canary is None
    apply(database, [write(head="canary: 3")])
    with database.read() as tx:
        assert not gates.state_of(tx, run_id).closed
