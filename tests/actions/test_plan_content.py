"""A plan shows what it is about: its axes, an example, and what an edit has changed and had cost."""

import pytest
from support.world import World

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.figures.changes import differing
from orchestrator.actions.planning.plan import plan
from orchestrator.cli.rendering.plans.content_text import change_lines, content_lines, listing, markdown
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings

MANIFEST = """\
version: 1
name: hero
model: kwaivgi/kling-image-o3/edit
matrix:
  product: [{products}]
  scene: [beach, city, studio]
params:
  prompt: "{{{{ product }}}} on a {{{{ scene }}}}"
  images: [photo.png]
override: [{override}]
output: "{{{{ product | slug }}}}/{{{{ scene }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""
MARBLE = '{when: {scene: beach}, set: {prompt: "{{ product }} on a marble counter"}}'


@pytest.fixture
def write(tmp_path):
    from PIL import Image

    def written(products="mug, lamp", override="", colour="red"):
        Image.new("RGB", (400, 400), colour).save(tmp_path / "photo.png")
        (tmp_path / "hero.yaml").write_text(MANIFEST.format(products=products, override=override))
        return load_manifest(tmp_path / "hero.yaml", today="2026-11-22")

    return written


@pytest.fixture
def look(database, tmp_path):
    return lambda manifest, **how: plan([manifest], load_settings(None, {}, tmp_path), database, **how)


@pytest.fixture
def store(database, clock, entropy):
    return World(database, clock, entropy)


def test_a_plan_names_its_axes_an_example_and_what_each_value_costs(look, write):
    asks, prompt, path, costs = content_lines(look(write()))
    assert asks == "Asks for    2 products x 3 scenes"
    assert prompt == "Example     mug on a beach"
    assert path.strip() == "-> mug/beach-0.png"
    assert costs == "Costs       each scene $0.056"


def test_an_edited_prompt_is_told_with_place_values_number_and_what_it_had_cost(look, write, store, database):
    apply(database, [write()])
    (held, *_rest) = store.claim(1)
    store.send(held)
    store.accept(held)
    store.complete(held)
    store.finish(held)
    changed, orphaned = change_lines(look(write(override=MARBLE)))
    assert changed == (
        'Changed     prompt (line 10) of scene beach, 2 jobs: "mug on a beach" -> "mug on a marble counter"'
    )
    assert orphaned.strip().startswith("1 job of an earlier version, made for $0.028: the pictures stay")


def test_a_retouched_picture_and_new_products_are_told_apart(look, write, database):
    apply(database, [write()])
    told = change_lines(look(write("mug, vase", colour="blue")))
    assert told[0].startswith("Changed     the bytes of photo.png of product mug, 3 jobs:")
    assert told[1].strip() == "3 jobs of combinations that were not recorded before"
    assert told[2].strip() == "3 jobs of combinations that are not asked for any more"


def test_nothing_is_told_where_nothing_has_changed(look, write, database):
    apply(database, [write()])
    assert change_lines(look(write())) == []
    assert change_lines(look(write("mug, lamp, vase"))) == []


def test_listed_jobs_have_their_values_state_and_path(look, write, database):
    apply(database, [write("mug")])
    lines = listing(look(write(), listing=4)).splitlines()
    assert lines[1].split() == ["mug,", "beach", "1", "pending", "$0.028", "mug/beach-0.png"]
    assert lines[4].split()[3:5] == ["new", "$0.028"]
    assert lines[5] == "and 2 more jobs"


def test_markdown_cannot_be_broken_out_of(look, write):
    text = markdown(look(write('"```|<c>", mug')))
    assert "| 6 | 6 | 0 | $0.168 |" in text
    assert text.count("```") == 2


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("a beach", "a city", ("a beach", "a city")),
        ("x" * 90 + "one" + "y" * 90, "x" * 90 + "two" + "y" * 90,
         ("..." + "x" * 24 + "one" + "y" * 24 + "...", "..." + "x" * 24 + "two" + "y" * 24 + "...")),
        (None, "2k", ("absent", "2k")),
        (["a"], ["a", "b"], ("a", "a, b")),
        ("same", "same", ("same", "same")),
    ],
)  # fmt: skip
def test_long_texts_are_cut_to_where_they_differ(before, after, told):
    assert differing(before, after) == told


def test_what_the_dearer_and_the_cheaper_value_of_the_price_would_cost_is_told(look, write, tmp_path):
    path = tmp_path / "hero.yaml"
    write()
    path.write_text(path.read_text().replace("images: [photo.png]", "images: [photo.png]\n  resolution: 2k"))
    planned = look(load_manifest(path, today="2026-11-22"))
    (row,) = planned.manifests
    for value, micros in row.instead.items():
        path.write_text(
            path.read_text().replace(f"resolution: {row.tally.kind_of[0].at}", f"resolution: {value}")
        )
        assert look(load_manifest(path, today="2026-11-22")).micros_to_pay == micros
        path.write_text(path.read_text().replace(f"resolution: {value}", "resolution: 2k"))
    assert sorted(row.instead) == ["1k", "4k"]
    assert "resolution 4k instead +$" in content_lines(planned)[-1]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("exclude: [{scene: beach, product: mug}]", "2 products x 3 scenes less what is excluded"),
        ("add: [{product: cup, scene: attic}]", "2 products x 3 scenes and 1 added"),
    ],
)
def test_what_is_excluded_and_added_is_said_beside_the_axes(look, write, tmp_path, more, words):
    write()
    path = tmp_path / "hero.yaml"
    path.write_text(f"{path.read_text()}{more}\n")
    assert content_lines(look(load_manifest(path, today="2026-11-22")))[0] == f"Asks for    {words}"


def test_a_manifest_of_additions_alone_is_counted_by_them(look, write, tmp_path):
    write()
    path = tmp_path / "hero.yaml"
    text = path.read_text()
    matrix = text[text.index("matrix:") : text.index("params:")]
    path.write_text(
        text.replace(matrix, "add: [{product: cup, scene: attic}, {product: cup, scene: cellar}]\n")
    )
    assert (
        content_lines(look(load_manifest(path, today="2026-11-22")))[0] == "Asks for    1 product x 2 scenes"
    )
