"""Products take turns: what a manifest expands into says whose turn it is, and what each value is called."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifest_files import manifest, problems

from orchestrator.manifest.combining.axes import Axis, Source
from orchestrator.manifest.combining.labels import Labels
from orchestrator.manifest.tables.csv_files import csv_table

AXES = """\
version: 1
name: hero
model: kwaivgi/kling-image-o3/edit
variations: {variations}
matrix:
  product: [{products}]
  scene: [{scenes}]
exclude: [{excluded}]
add: [{added}]
params:
  prompt: "{{{{ product }}}} on {{{{ scene }}}}"
  images: ["photos/one.png"]
output: "{{{{ product }}}}/{{{{ scene }}}}-{{{{ variation }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


def axes(products, scenes, *, variations=1, excluded=(), added=(), cover=""):
    text = AXES.format(
        variations=variations,
        products=", ".join(f"p{number}" for number in range(products)),
        scenes=", ".join(f"s{number}" for number in range(scenes)),
        excluded=", ".join(f"{{product: p{p}, scene: s{s}}}" for p, s in excluded),
        added=", ".join(f"{{product: p{p}, scene: extra{s}}}" for p, s in added),
    )
    return text + (f"cover: {cover}\n" if cover else "")


def rounds(specs, axis=0):
    """The rounds of each product's jobs, in the order of the manifest."""
    found = defaultdict(list)
    for spec in specs:
        found[spec.axes[axis][1]].append((spec.variation, spec.round))
    return found


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)),
    excluded=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3),
    added=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 1)), max_size=3),
    cover=st.sampled_from(["", "product", "scene"]),
)
def test_each_product_has_its_turns_one_after_another_and_first_variations_first(
    tmp_path_factory, shape, excluded, added, cover
):
    products, scenes, variations = shape
    off = {(p, s) for p, s in excluded if p < products and s < scenes}
    if len(off) == products * scenes:
        off = set()
    text = axes(products, scenes, variations=variations, excluded=off, added=added, cover=cover)
    specs = list(manifest(tmp_path_factory.mktemp("turns"), text).jobs())
    for turns in rounds(specs, axis=1 if cover == "scene" else 0).values():
        assert sorted(turn for _, turn in turns) == list(range(1, len(turns) + 1))
        assert [variation for variation, _ in sorted(turns, key=lambda each: each[1])] == sorted(
            variation for variation, _ in turns
        )


def test_a_part_has_the_rounds_of_the_whole(tmp_path):
    found = manifest(tmp_path, axes(5, 3, variations=2))
    whole = {spec.key: spec.round for spec in found.jobs()}
    for part in (found.jobs(limit=7), found.jobs(sample=7)):
        assert all(whole[spec.key] == spec.round for spec in part)


def test_what_is_covered_must_be_an_axis(tmp_path):
    (found,) = problems(tmp_path, axes(2, 2, cover="prodct"))
    assert (found.path, found.hint) == ("cover", 'did you mean "product"?')


def test_a_run_keeps_what_it_covers(tmp_path):
    assert manifest(tmp_path, axes(2, 2, cover="scene")).spec.settings == {"cover": "scene"}
    assert manifest(tmp_path, axes(2, 2)).spec.settings == {}


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("photo,sku\none.png,A-1\ntwo.png,A-2\n", ["A-1", "A-2"]),
        ("colour,text\nred,x\nred,y\n", ["x", "y"]),
        ("colour,size\nred,1\nred,1\nblue,1\n", ["red (row 2)", "red (row 3)", "blue"]),
        ("Artikel-Nr.,Name\n7,Tasse\n8,Tasse\n", ["7", "8"]),
    ],
)
def test_rows_are_called_by_what_tells_them_apart(tmp_path, table, names):
    (tmp_path / "rows.csv").write_text(table)
    rows = Axis({"product": Source(table=csv_table(tmp_path / "rows.csv"), columns=None)})
    look = Axis({"look": Source([{"name": "dark"}, {"name": "light"}], columns=("name",))})
    labels = Labels([rows, look])
    found = [labels.pairs((row, each)) for row in rows.values() for each in look.values()]
    assert found == [(("product", name), ("look", each)) for name in names for each in ("dark", "light")]


@pytest.mark.parametrize("size", [1, 2, 5, 10])
def test_a_sample_is_spread_over_the_whole_of_a_long_axis_and_over_all_others(tmp_path, size):
    found = manifest(tmp_path, axes(297, 3, variations=2))
    chosen = list(found.jobs(sample=size))
    assert chosen == list(found.jobs(sample=size))
    rows = [int(spec.axes[0][1][1:]) for spec in chosen]
    assert sorted(rows) == [(2 * n + 1) * 297 // (2 * size) for n in range(size)]
    assert len({spec.axes[1][1] for spec in chosen}) == min(3, size)
    assert {spec.variation for spec in chosen} == {1}


def test_a_sample_is_as_large_as_asked_even_where_the_spread_values_are_excluded(tmp_path):
    off = [(number, scene) for number in range(10, 40) for scene in range(2)]
    found = manifest(tmp_path, axes(40, 2, excluded=off))
    assert len(list(found.jobs(sample=6))) == 6
    assert len({spec.axes[0][1] for spec in found.jobs(sample=6)}) == 6
