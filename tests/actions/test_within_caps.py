"""A plan in terms of its caps: what they let through, and what could be left out so that everything fits."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.world import World

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.figures.affordable import Limit, Wish, allot
from orchestrator.actions.planning.plan import plan
from orchestrator.cli.rendering.plans.cap_text import covered, question
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings

MANIFEST = """\
version: 1
name: hero
model: kwaivgi/kling-image-o3/edit
budget: {budget}
variations: {variations}
matrix:
  product: [{products}]
  scene: [{scenes}]
  size: [a, b]
exclude: [{exclude}]
override: [{{when: {{scene: s0}}, set: {{num_images: {images}}}}}]
params:
  prompt: "{{{{ product }}}} on {{{{ scene }}}}{more}"
  images: ["https://example.com/a.png"]
  resolution: {resolution}
output: "{{{{ product }}}}-{{{{ scene }}}}{named}-{{{{ variation }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


@pytest.fixture
def look(tmp_path_factory):
    """The plan of a manifest of these words."""
    folder = tmp_path_factory.mktemp("caps")

    def planned(database=None, **words):
        whole = {
            "budget": "1.00",
            "variations": 2,
            "products": ", ".join(f"p{number}" for number in range(words.pop("count", 3))),
            "scenes": "s0, s1",
            "exclude": "",
            "images": 1,
            "more": " {{ size }}",
            "named": "{{ size }}",
            "resolution": "1k",
            **words,
        }
        (folder / "hero.yaml").write_text(MANIFEST.format(**whole))
        return plan(
            [load_manifest(folder / "hero.yaml", today="2026-11-22")],
            load_settings(None, {}, folder),
            database,
        )

    return planned


def changed(words, cut):
    """The manifest once what a cut names is done to it."""
    found = dict(words)
    for change in cut.changes:
        if change.key in {"variations", "resolution"}:
            found[change.key] = change.value
        else:
            found["exclude"] = ", ".join(
                filter(None, [found.get("exclude", ""), f"{{{change.key}: {change.value}}}"])
            )
    return found


@settings(max_examples=15, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)),
    images=st.integers(1, 3),
    # Without the size in the prompt, rows of both sizes ask for the same work, and perhaps the same files.
    alike=st.sampled_from([(" {{ size }}", "{{ size }}"), ("", "{{ size }}"), ("", "")]),
    resolution=st.sampled_from(["1k", "2k", "4k"]),
    cap=st.integers(1, 99),
)
def test_a_cut_that_is_named_saves_exactly_that_and_fits(look, shape, images, alike, resolution, cap):
    count, scenes, variations = shape
    words = {
        "count": count,
        "scenes": ", ".join(f"s{number}" for number in range(scenes)),
        "variations": variations,
        "images": images,
        "more": alike[0],
        "named": alike[1],
        "resolution": resolution,
        "budget": "999",
    }
    cost = look(**words).micros_to_pay
    words["budget"] = f"{cost * cap // 100 / 1_000_000:.6f}"
    assume(float(words["budget"]) > 0)
    planned = look(**words)
    assert planned.affordable.jobs < planned.jobs_to_submit
    for cut in planned.cuts:
        if any(change.value == "s0" for change in cut.changes):
            continue  # the override of that scene would have to go too
        after = look(**changed(words, cut))
        assert cost - after.micros_to_pay == cut.saves_micros
        assert after.affordable.jobs == after.jobs_to_submit > 0


@settings(max_examples=60)
@given(
    wishes=st.lists(
        st.tuples(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), max_size=12), st.integers(0, 1)),
        min_size=1,
        max_size=3,
    ),
    left=st.lists(st.integers(0, 60), max_size=2),
)
def test_what_is_let_through_passes_no_cap_and_leaves_nothing_that_fits(wishes, left):
    asked = [
        Wish([turn for turn, _ in jobs], [micros for _, micros in jobs], priority)
        for jobs, priority in wishes
    ]
    limits = [Limit(amount, range(len(asked) - at)) for at, amount in enumerate(left)]
    got = allot(asked, limits)
    rest = []
    for limit in limits:
        spent = sum(
            micros for at in limit.about for micros, yes in zip(asked[at].micros, got[at], strict=True) if yes
        )
        assert spent <= limit.remaining_micros
        rest.append(limit.remaining_micros - spent)
    for at, wish in enumerate(asked):
        over = [rest[n] for n, limit in enumerate(limits) if at in limit.about]
        for micros, yes in zip(wish.micros, got[at], strict=True):
            assert yes or any(amount < micros for amount in over)


def test_products_are_counted_by_what_they_will_have(look):
    planned = look(count=4, budget="0.15")  # five of 32
    assert (planned.affordable.jobs, planned.affordable.cost_micros) == (5, 140_000)
    assert (planned.affordable.reached, planned.affordable.whole, planned.affordable.products) == (4, 0, 4)
    assert covered(planned)[0] == "covers 5 of 32 pictures ($0.14): 0 of 4 products whole, 4 with a picture"


def test_the_question_is_for_what_the_cap_lets_through(look):
    assert question(look(budget="0.15")) == (
        "Spend up to $0.14 (5 of 24 pictures; the cap stops the rest)? Type y to spend it"
    )
    assert question(look(budget="9")) == "Submit 24 jobs for $0.672? Type y to spend it"
    assert question(look(budget="0.01")).startswith("Record 24 jobs? The cap lets nothing through now")


def test_what_is_made_counts_for_its_product_and_what_waits_goes_first(look, database, clock, entropy):
    first = look(database, count=2, budget="9")
    manifest = first.manifests[0]
    world = World(database, clock, entropy)
    apply(database, [load_manifest(Path(manifest.path), today="2026-11-22")])
    for held in world.claim(2):
        world.send(held)
        world.accept(held)
        world.complete(held)
        world.finish(held)
    apply_cap = look(database, count=4, budget="0.14")  # two are made, three more fit
    assert apply_cap.affordable.jobs == 3
    assert apply_cap.affordable.reached == 4
    assert re.match(r"fits with .*, then --prune; or with \$0\.756 more", covered(apply_cap)[1])


def test_without_a_cap_nothing_is_said_of_what_it_lets_through(look):
    planned = look(budget="9")
    assert covered(planned) == []
    assert planned.affordable.jobs == planned.jobs_to_submit
