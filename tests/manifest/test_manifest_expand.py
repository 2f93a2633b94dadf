"""Expansion: what a manifest means, in which order, and what does not change it."""

import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_files import BASE, PNG, folder, manifest

from orchestrator.core.keys import job_key
from orchestrator.manifest import manifest_json_schema

HEAD = "version: 1\nmodel: kwaivgi/kling-image-o3/edit\n"
IMAGES = 'images: ["photos/one.png"]'


def jobs(path, text=BASE, **more):
    return list(manifest(path, text).jobs(**more))


def test_a_job_holds_everything_that_is_sent_and_where_it_goes(tmp_path):
    first = jobs(tmp_path)[0]
    assert first.params == {
        "prompt": "Place @Image1 on a beach", "images": ["photos/one.png"], "aspect_ratio": "auto",
        "resolution": "1k", "num_images": 1, "output_format": "png",
    }  # fmt: skip
    image = first.local_images["photos/one.png"]
    assert image.path == str((tmp_path / "photos/one.png").resolve())
    assert image.bytes == len(PNG) + 1
    assert image.media_type == "image/png"
    assert (first.ordinal, first.variation, first.images, first.price_micros) == (0, 1, 1, 28_000)
    assert first.output_paths == ("A-1/beach-0.png",)
    inputs = first.params | {"images": [f"sha256:{image.sha256}"]}
    assert first.key == job_key("kwaivgi/kling-image-o3/edit", inputs, 1)


def test_the_run_takes_its_words_from_the_manifest(tmp_path):
    text = BASE.replace(
        "name: hero",
        'name: hero\ncampaign: sale\nrun: "{{ name }}-{{ date }}"\nbudget: 40.10\npriority: 3\n'
        "retry: {max_attempts: 7}",
    )
    spec = manifest(tmp_path, text).spec
    assert (spec.campaign, spec.name, spec.run_key) == ("sale", "hero", "hero-2026-11-22")
    assert (spec.budget_micros, spec.priority, spec.max_attempts) == (40_100_000, 3, 7)
    assert manifest(tmp_path, text, run_key="again").spec.run_key == "again"
    plain = manifest(tmp_path).spec
    assert (plain.campaign, plain.run_key, plain.budget_micros, plain.max_attempts) == (
        "hero",
        "main",
        None,
        None,
    )


def test_order_is_the_written_product_with_variations_innermost(tmp_path):
    text = BASE.replace("name: hero", "name: hero\nvariations: 2").replace("-{{ index }}", "-{{ variation }}")
    paths = [spec.output_paths[0] for spec in jobs(tmp_path, text)]
    assert paths == [
        "A-1/beach-1.png", "A-1/beach-2.png", "A-1/city-1.png", "A-1/city-2.png",
        "A-2/beach-1.png", "A-2/beach-2.png", "A-2/city-1.png", "A-2/city-2.png",
    ]  # fmt: skip


def test_exclude_then_override_then_add(tmp_path):
    text = BASE.replace(
        "params:",
        "exclude: [{scene: beach, product: {sku: [A-2]}}]\n"
        "override:\n  - {when: {scene: city}, set: {resolution: 4k, num_images: 2}}\n"
        "  - {when: {product: {sku: A-2}}, set: {resolution: 2k}}\n"
        "add: [{scene: city, product: {sku: GIFT, photo: two.png}}]\nparams:",
    )
    found = [
        (spec.output_paths, spec.params["resolution"], spec.price_micros) for spec in jobs(tmp_path, text)
    ]
    assert found == [
        (("A-1/beach-0.png",), "1k", 28_000),
        (("A-1/city-0.png", "A-1/city-1.png"), "4k", 112_000),
        (("A-2/city-0.png", "A-2/city-1.png"), "2k", 56_000),
        (("GIFT/city-0.png",), "1k", 28_000),
    ]


def test_zip_goes_in_parallel_and_then_combines(tmp_path):
    text = (
        BASE.replace("params:", "zip: {light: [sun, moon], word: [day, night]}\nparams:")
        .replace("{{ scene }}-", "{{ scene }}-{{ light }}-{{ word }}-")
        .replace("on a {{ scene }}", "{{ scene }} {{ light }}")
    )
    paths = [spec.output_paths[0] for spec in jobs(tmp_path, text)]
    assert len(paths) == 8
    assert paths[:2] == ["A-1/beach-sun-day-0.png", "A-1/beach-moon-night-0.png"]


def test_without_axes_there_is_one_job_and_with_additions_only_those(tmp_path):
    text = HEAD + f"params: {{prompt: hi, {IMAGES}}}\n"
    (one,) = jobs(tmp_path, text)
    assert one.output_paths == (f"hero/main/{one.key}-0.png",)
    text = HEAD + f'add: [{{who: a}}, {{who: b}}]\nparams: {{prompt: "{{{{ who }}}}", {IMAGES}}}\n'
    assert [spec.params["prompt"] for spec in jobs(tmp_path, text)] == ["a", "b"]


def test_sources_of_every_kind(tmp_path):
    folder(tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"id": 1, "size": 1.50}\n\n{"id": 2}\n')
    text = (
        HEAD
        + 'matrix:\n  row: {jsonl: rows.jsonl}\n  photo: {glob: "photos/*.png"}\n  n: {range: [1, 5, 2]}\n'
        + "params:\n  prompt: \"{{ row.id }} {{ row.size | default('none') }} {{ photo.stem }} {{ n }}\"\n"
        + '  images: ["{{ photo.path }}"]\n  num_images: "{{ n }}"\n'
    )
    found = jobs(tmp_path, text)
    assert len(found) == 12
    assert found[0].params["prompt"] == "1 1.50 one 1"
    assert found[-1].params["prompt"] == "2 none two 5"
    assert [spec.params["num_images"] for spec in found[:3]] == [1, 3, 5]
    assert len(found[-1].output_paths) == 5


def test_a_list_of_pictures_may_come_from_one_expression(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"photos": ["photos/one.png", "photos/two.png"]}\n')
    text = (
        HEAD + 'matrix: {row: {jsonl: rows.jsonl}}\nparams: {prompt: "@Image2", images: "{{ row.photos }}"}\n'
    )
    (spec,) = jobs(tmp_path, text)
    assert spec.params["images"] == ["photos/one.png", "photos/two.png"]


def test_a_csv_with_semicolons_and_a_byte_order_mark(tmp_path):
    folder(tmp_path)
    (tmp_path / "other.csv").write_bytes("sku;photo\nÄ 1;one.png\n".encode("utf-8-sig"))
    text = BASE.replace("csv: products.csv", "csv: other.csv, delimiter: ;").replace(
        "{{ product.sku }}", "{{ product.sku | slug }}"
    )
    assert jobs(tmp_path, text)[0].output_paths == ("a-1/beach-0.png",)


def test_a_doubtful_reference_is_a_warning_of_the_manifest(tmp_path):
    found = manifest(tmp_path, BASE.replace("@Image1", "picture 3"))
    found.check()
    assert "hero.yaml:8:11: params.prompt" in found.warnings[0]
    assert len(found.warnings) == 1


def test_a_renamed_picture_is_the_same_job_and_a_retouched_one_is_not(tmp_path):
    before = {spec.key for spec in jobs(tmp_path)}
    (tmp_path / "photos/uno.png").write_bytes((tmp_path / "photos/one.png").read_bytes())
    (tmp_path / "products.csv").write_text("sku,photo\nA-1,uno.png\nA-2,two.png\n")
    text = (tmp_path / "hero.yaml").read_text()
    from orchestrator.manifest import load_manifest

    renamed = load_manifest(tmp_path / "hero.yaml", today="2026-11-22")
    assert {spec.key for spec in renamed.jobs()} == before
    (tmp_path / "photos/uno.png").write_bytes(PNG + b"retouched")
    assert len({spec.key for spec in renamed.jobs()} & before) == 2
    assert text == BASE


def test_tags_are_filled_in(tmp_path):
    text = BASE.replace("name: hero", 'name: hero\ntags: {client: acme, sku: "{{ product.sku }}", n: 7}')
    assert jobs(tmp_path, text)[0].tags == {"client": "acme", "sku": "A-1", "n": "7"}


def test_limit_and_sample_keep_ordinals_and_keys(tmp_path):
    text = BASE.replace("[beach, city]", "[beach, city, forest, lake]")
    found = manifest(tmp_path, text)
    whole = {spec.ordinal: spec for spec in found.jobs()}
    assert [spec.ordinal for spec in found.jobs(limit=3)] == [0, 1, 2]
    sample = list(found.jobs(sample=4))
    assert all(whole[spec.ordinal] == spec for spec in sample)
    assert len({spec.output_paths[0].split("/")[1] for spec in sample}) == 4
    assert len({spec.output_paths[0].split("/")[0] for spec in list(found.jobs(sample=2))}) == 2
    assert list(found.jobs(sample=100)) == list(whole.values())
    assert list(found.jobs(limit=0)) == []
    assert list(found.jobs(sample=0)) == []
    assert list(found.jobs(sample=4)) == sample


def test_the_number_and_arithmetic_in_paths(tmp_path):
    text = BASE.replace("{{ scene }}-{{ index }}", "{{ number }}-{{ index + 1 }}")
    assert [spec.output_paths[0] for spec in jobs(tmp_path, text)][:2] == ["A-1/1-1.png", "A-1/2-1.png"]


def test_expansion_streams(tmp_path):
    folder(tmp_path)
    (tmp_path / "many.csv").write_text("sku,photo\n" + "".join(f"S{n:06d},one.png\n" for n in range(3_000)))
    found = manifest(
        tmp_path,
        BASE.replace("products.csv", "many.csv")
        .replace("beach, city", "beach")
        .replace("on a", "{{ product.sku }}"),
    )
    tracemalloc.start()
    count = sum(1 for _spec in found.jobs())
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 3_000
    assert peak < 3_000_000


def test_the_schema_accepts_the_manifest_and_refuses_a_misspelt_one():
    import jsonschema
    import yaml

    schema = manifest_json_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    assert validator.is_valid(yaml.safe_load(BASE))
    assert not validator.is_valid(yaml.safe_load(BASE.replace("  prompt:", "  promt:")))
    assert not validator.is_valid(yaml.safe_load(BASE.replace("matrix:", "matrx:")))


_AXES = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=_AXES, variations=st.integers(1, 3), added=st.integers(0, 3), data=st.data())
def test_the_count_is_the_product_less_the_excluded_plus_the_added(tmp_path, sizes, variations, added, data):
    names = [f"a{n}" for n in range(len(sizes))]
    axis = data.draw(st.sampled_from(range(len(sizes))))
    out = data.draw(st.integers(0, sizes[axis] - 1))
    product = 1
    for size in sizes:
        product *= size
    excluded = product // sizes[axis] * out
    document = {
        "version": 1, "model": "kwaivgi/kling-image-o3/edit", "variations": variations,
        "matrix": {name: [f"v{n}" for n in range(size)] for name, size in zip(names, sizes, strict=True)},
        "exclude": [{names[axis]: [f"v{n}" for n in range(out)]}] if out else [],
        "add": [dict.fromkeys(names, f"x{n}") for n in range(added)],
        "params": {"images": ["photos/one.png"], "prompt": " ".join(f"{{{{ {name} }}}}" for name in names)},
    }  # fmt: skip
    specs = jobs(tmp_path, json.dumps(document))
    assert len(specs) == (product - excluded + added) * variations
    assert [spec.ordinal for spec in specs] == list(range(len(specs)))
    assert len({spec.key for spec in specs}) == len(specs)
    assert len({path for spec in specs for path in spec.output_paths}) == len(specs)
    document["params"] = dict(reversed(document["params"].items()))
    assert [spec.key for spec in jobs(tmp_path, json.dumps(document))] == [spec.key for spec in specs]


@pytest.mark.parametrize("text", ["{{ product.sku }}", "{{ product['sku'] }}", "{{ product.sku | upper }}"])
def test_columns_are_reached_with_a_dot_or_brackets(tmp_path, text):
    assert (
        jobs(tmp_path, BASE.replace("on a {{ scene }}", text + " {{ scene }}"))[0].params["prompt"]
        == "Place @Image1 A-1 beach"
    )
