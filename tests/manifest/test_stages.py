"""Stages: what is made of the pictures that a manifest asks for, as far as it is known beforehand."""

import tracemalloc
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_files import BASE, manifest

from orchestrator.core.keys import job_key
from orchestrator.core.specs import Needs

TWO = BASE.replace('"]\noutput', '"]\n  num_images: 2\noutput')
CUTOUT = """\
stages:
  cutout:
    params: {prompt: "Remove the background of @Image1"}
    output: "{{ product.sku }}/{{ scene }}-{{ picture }}-{{ stage }}.{{ ext }}"
"""
LARGE = """\
  large:
    take: all
    params: {prompt: "Make @Image1 larger", images: ["@picture"], resolution: 2k}
"""


def jobs(path, text, **more):
    return list(manifest(path, text).jobs(**more))


def stage(specs, name):
    return [spec for spec in specs if spec.stage == name]


def test_each_picture_of_a_job_has_a_job_of_the_stage(tmp_path):
    specs = jobs(tmp_path, TWO + CUTOUT)
    assert [spec.stage for spec in specs[:4]] == ["", "cutout", "cutout", ""]
    first, one, two = specs[:3]
    assert (one.needs, two.needs) == (Needs(first.key, 0, accepted=True), Needs(first.key, 1, accepted=True))
    assert one.output_paths == ("A-1/beach-0-cutout.png",)
    assert two.output_paths == ("A-1/beach-1-cutout.png",)
    assert first.needs is None
    assert (one.images, one.price_micros, one.variation, one.round) == (1, 28_000, 1, first.round)
    assert (one.params["images"], one.local_images) == (["@picture"], {})


def test_the_key_of_a_stages_job_is_over_the_key_of_its_source_and_the_place_of_the_picture(tmp_path):
    first, one, two = jobs(tmp_path, TWO + CUTOUT)[:3]
    for index, spec in enumerate((one, two)):
        inputs = spec.params | {"images": [f"job:{first.key}#{index}"]}
        assert spec.key == job_key("kwaivgi/kling-image-o3/edit", inputs, 1)


def test_a_stage_needs_the_one_above_it_unless_it_says_otherwise(tmp_path):
    specs = jobs(tmp_path, TWO + CUTOUT + LARGE)
    cutouts = {spec.key for spec in stage(specs, "cutout")}
    assert all(spec.needs.key in cutouts for spec in stage(specs, "large"))
    assert not any(spec.needs.accepted for spec in stage(specs, "large"))
    beside = jobs(tmp_path, TWO + CUTOUT + LARGE.replace("take", "needs: pictures\n    take"))
    own = {spec.key for spec in stage(beside, "")}
    assert all(spec.needs.key in own for spec in stage(beside, "large"))


def test_a_stage_may_stand_above_the_one_that_it_needs(tmp_path):
    large = LARGE.replace("take: all", "needs: cutout")
    text = (
        TWO
        + "stages:\n"
        + large
        + CUTOUT.replace("stages:\n", "").replace("params", "needs: pictures\n    params", 1)
    )
    specs = jobs(tmp_path, text)
    assert [spec.stage for spec in specs[:5]] == ["", "cutout", "cutout", "large", "large"]


def test_the_axes_name_the_stage_only_where_there_are_stages(tmp_path):
    specs = jobs(tmp_path, TWO + CUTOUT)
    assert specs[0].axes == (("product", "A-1"), ("scene", "beach"), ("stage", "pictures"))
    assert specs[1].axes == (("product", "A-1"), ("scene", "beach"), ("stage", "cutout"))
    assert jobs(tmp_path, TWO)[0].axes == (("product", "A-1"), ("scene", "beach"))


def test_stages_change_nothing_of_the_manifests_own_jobs_but_their_axes(tmp_path):
    plain = jobs(tmp_path, TWO)
    own = stage(jobs(tmp_path, TWO + CUTOUT + LARGE), "")
    assert [replace(spec, axes=spec.axes[:-1]) for spec in own] == plain


def test_an_override_of_the_number_of_pictures_makes_more_jobs_of_the_stage(tmp_path):
    text = TWO.replace("params:", "override: [{when: {scene: city}, set: {num_images: 3}}]\nparams:")
    specs = jobs(tmp_path, text + CUTOUT)
    assert [len([one for one in stage(specs, "cutout") if ("scene", scene) in one.axes]) for scene in
            ("beach", "city")] == [4, 6]  # fmt: skip
    assert len({spec.ordinal for spec in specs}) == len(specs)


def test_the_picture_is_counted_among_all_that_its_stage_has_of_a_job(tmp_path):
    text = TWO + CUTOUT + LARGE.replace("params:", 'output: "{{ key }}-{{ picture }}.{{ ext }}"\n    params:')
    pictures = [spec.output_paths[0][-5] for spec in stage(jobs(tmp_path, text), "large")]
    assert pictures == ["0", "1"] * 4


def test_a_stage_of_several_pictures_each_is_followed_by_as_many_jobs(tmp_path):
    two = CUTOUT.replace('@Image1"', '@Image1", num_images: 2').replace(
        "{{ stage }}", "{{ stage }}-{{ index }}"
    )
    specs = jobs(tmp_path, TWO + two + LARGE)
    assert [len(stage(specs, name)) for name in ("", "cutout", "large")] == [4, 8, 16]
    assert {(spec.needs.index) for spec in stage(specs, "large")} == {0, 1}
    paths = [path for spec in specs for path in spec.output_paths]
    assert len(set(paths)) == len(paths)


def test_ordinals_come_after_the_manifests_own_and_stay_in_every_part(tmp_path):
    whole = manifest(tmp_path, TWO + CUTOUT + LARGE)
    specs = list(whole.jobs())
    assert [spec.ordinal for spec in stage(specs, "")] == list(range(whole.size))
    assert min(spec.ordinal for spec in specs if spec.stage) >= whole.size == 4
    assert len({spec.ordinal for spec in specs}) == len(specs)
    places = {spec.key: spec.ordinal for spec in specs}
    for part in ({"limit": 2}, {"sample": 3}):
        assert all(places[spec.key] == spec.ordinal for spec in whole.jobs(**part))


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_part_is_of_the_manifests_own_jobs_and_what_follows_comes_along(tmp_path, number):
    whole = manifest(tmp_path, TWO + CUTOUT + LARGE)
    assert [spec.key for spec in whole.jobs(limit=number)] == [
        spec.key for spec in islice(whole.jobs(), number * 5)
    ]
    sample = list(whole.jobs(sample=number))
    assert [len(stage(sample, name)) for name in ("", "cutout", "large")] == [number, 2 * number, 2 * number]


def test_variations_are_chains_of_their_own(tmp_path):
    text = TWO.replace("name: hero", "name: hero\nvariations: 2").replace(
        "-{{ index }}", "-{{ variation }}-{{ index }}"
    )
    cutout = CUTOUT.replace("{{ picture }}", "{{ variation }}-{{ picture }}")
    specs = jobs(tmp_path, text + cutout)
    assert [(spec.stage, spec.variation) for spec in specs[:6]] == [
        ("", 1), ("cutout", 1), ("cutout", 1), ("", 2), ("cutout", 2), ("cutout", 2),
    ]  # fmt: skip
    assert len({spec.key for spec in specs}) == len(specs)
    assert [spec.round for spec in specs[:6]] == [1, 1, 1, 3, 3, 3]


def test_templates_of_a_stage_know_the_picture_and_the_stage_and_what_the_manifest_knows(tmp_path):
    prompt = "{{ stage }} {{ picture }} {{ variation }} {{ product.sku }} {{ campaign }}"
    text = TWO + CUTOUT.replace("Remove the background of @Image1", prompt)
    assert [spec.params["prompt"] for spec in stage(jobs(tmp_path, text), "cutout")[:2]] == [
        "cutout 0 1 A-1 hero", "cutout 1 1 A-1 hero",
    ]  # fmt: skip


def test_tags_of_a_stage_are_added_to_those_of_the_manifest(tmp_path):
    text = TWO.replace("name: hero", 'name: hero\ntags: {who: all, at: "{{ scene }}"}')
    cutout = CUTOUT.replace("    output", '    tags: {who: "{{ stage }}", n: "{{ picture }}"}\n    output')
    assert jobs(tmp_path, text + cutout)[2].tags == {"who": "cutout", "at": "beach", "n": "1"}


def test_a_stage_has_stable_names_only_where_it_says_so(tmp_path):
    text = TWO.replace(
        "name: hero", 'name: hero\nlatest: "new/{{ product.sku }}-{{ scene }}-{{ index }}.{{ ext }}"'
    )
    first, plain = jobs(tmp_path, text + CUTOUT)[:2]
    assert (len(first.latest_paths), plain.latest_paths) == (2, ())
    own = CUTOUT + '    latest: "new/{{ product.sku }}-{{ scene }}-{{ picture }}-cut.{{ ext }}"\n'
    assert jobs(tmp_path, text + own)[1].latest_paths == ("new/A-1-beach-0-cut.png",)


def test_a_local_picture_may_stand_beside_the_one_that_is_taken(tmp_path):
    text = TWO + CUTOUT.replace(
        '@Image1"', '@Image1 like @Image2", images: ["@picture", "photos/{{ product.photo }}"]'
    )
    spec = stage(jobs(tmp_path, text), "cutout")[0]
    assert spec.params["images"] == ["@picture", "photos/one.png"]
    assert list(spec.local_images) == ["photos/one.png"]
    sha256 = spec.local_images["photos/one.png"].sha256
    inputs = spec.params | {"images": [f"job:{spec.needs.key}#0", f"sha256:{sha256}"]}
    assert spec.key == job_key("kwaivgi/kling-image-o3/edit", inputs, 1)


def test_money_may_be_kept_for_whole_chains(tmp_path):
    assert not manifest(tmp_path, TWO + CUTOUT).spec.chain_reserved
    assert manifest(tmp_path, TWO + CUTOUT + "reserve: chain\n").spec.chain_reserved


@pytest.mark.parametrize("name", ["stage", "picture"])
def test_an_axis_may_be_called_like_a_name_of_stages_where_there_are_none(tmp_path, name):
    text = BASE.replace("scene", name).replace("[beach, city]", "[beach, city, town]")
    specs = jobs(tmp_path, text)
    assert [spec.params["prompt"] for spec in specs[:3]] == [
        f"Place @Image1 on a {word}" for word in ("beach", "city", "town")
    ]
    assert specs[0].axes == (("product", "A-1"), (name, "beach"))


WORDS = st.sampled_from(["red", "blue", "green"])


@given(before=st.tuples(WORDS, WORDS, WORDS), after=st.tuples(WORDS, WORDS, WORDS))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_edit_changes_the_keys_of_what_it_is_about_and_of_what_follows_alone(tmp_path, before, after):
    def keys(words):
        of_own, of_cutout, of_side = words
        text = TWO.replace("on a", f"on a {of_own}") + CUTOUT.replace("@Image1", f"@Image1 {of_cutout}")
        text += LARGE + LARGE.replace("large:", "side:\n    needs: pictures").replace(
            "@Image1", f"@Image1 {of_side}"
        )
        specs = jobs(tmp_path, text)
        return {name: {spec.key for spec in stage(specs, name)} for name in ("", "cutout", "large", "side")}

    one, other = keys(before), keys(after)
    own, cutout, side = (a != b for a, b in zip(before, after, strict=True))
    edited = {"": own, "cutout": own or cutout, "large": own or cutout, "side": own or side}
    for name, differs in edited.items():
        assert one[name].isdisjoint(other[name]) if differs else one[name] == other[name]


def test_stages_are_expanded_in_a_stream(tmp_path):
    text = TWO.replace("[beach, city]", "{range: [1, 400]}") + CUTOUT + LARGE
    found = manifest(tmp_path, text)
    entries = found.entries()
    for _entry in islice(entries, 1_000):
        pass
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    number = sum(1 for _entry in entries)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == 2 * 400 * 5 - 1_000
    assert peak - before < 1_500_000  # tables of fingerprints: not the jobs, of which each takes 1 kB
