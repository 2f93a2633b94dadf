"""Deliberate mistakes: each is reported at its place, in words that say what is allowed."""

import os

import pytest
from manifest_files import BASE, PNG, folder, manifest, problems

from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.yamlio import ProblemsError

HEAD = "version: 1\nmodel: kwaivgi/kling-image-o3/edit\n"
PARAMS = 'params: {prompt: hello, images: ["photos/one.png"]}\n'

MISTAKES = [
    # what is replaced, by what, line, column, fragments of message and hint
    ("version: 1", "version: 2", 1, 10, "expected 1"),
    ("version: 1", "version: true", 1, 10, "expected 1"),
    ("version: 1\n", "", 1, 1, "'version' is missing"),
    ("name: hero", "name: He/ro", 2, 7, "expected a name of letters"),
    ("name: hero", "name: 12", 2, 7, "put it in quotes"),
    ("name: hero", "nam: hero", 2, 1, 'unknown key; allowed here.*did you mean "name"'),
    ("name: hero", "name: hero\ncampaign: [a]", 3, 11, "got a list"),
    ("name: hero", "name: hero\nname: hera", 3, 1, "twice in one mapping, first on line 2"),
    ("kling-image-o3", "kling-image-03", 3, 8, 'a model we know.*did you mean "kwaivgi/kling-image-o3/edit"'),
    ("name: hero", "name: hero\nbudget: 5,00", 3, 9, "write a point"),
    ("name: hero", "name: hero\nbudget: 0", 3, 9, "above 0"),
    ("name: hero", "name: hero\nbudget: -1", 3, 9, "amount in US dollars"),
    ("name: hero", "name: hero\nbudget: .inf", 3, 9, "amount in US dollars"),
    ("name: hero", "name: hero\nbudget: 1e3", 3, 9, "amount in US dollars"),
    ("name: hero", "name: hero\nbudget: ~", 3, 9, "leave the key out"),
    ("name: hero", "name: hero\nbudget: 0x10", 3, 9, "amount in US dollars"),
    ("name: hero", "name: hero\npriority: high", 3, 11, "whole number from -1000 to 1000"),
    ("name: hero", "name: hero\nvariations: 0", 3, 13, "from 1 to 1000, got 0"),
    ("name: hero", 'name: hero\nvariations: "2"', 3, 13, "without quotes"),
    ("name: hero", "name: hero\nvariations: yes", 3, 13, 'got "yes"'),
    ("name: hero", "name: hero\nvariations: 2", 11, 9, "2 variations would share each path"),
    ("name: hero", 'name: hero\nrun: "{{ dat }}"', 3, 6, "'dat' is undefined"),
    ("name: hero", 'name: hero\nrun: "a b"', 3, 6, "run key"),
    ("name: hero", "name: hero\nretry: {attempts: 3}", 3, 9, "unknown key; allowed here: max_attempts"),
    ("name: hero", "name: hero\nretry: {max_attempts: 0}", 3, 23, "from 1 to 100"),
    ("name: hero", "name: hero\ntags: [a]", 3, 7, "a mapping of names to text"),
    ("name: hero", 'name: hero\ntags: {who: "{{ scen }}"}', 3, 13, 'uses "scen".*did you mean "scene"'),
    ("matrix:", "matrx:", 4, 1, 'did you mean "matrix"'),
    ("[beach, city]", "[]", 6, 10, "the list is empty"),
    ("[beach, city]", "beach", 6, 10, "put it in brackets"),
    ("[beach, city]", "[beach, ~]", 6, 18, "expected a plain value"),
    ("[beach, city]", "[beach, [city]]", 6, 18, "expected a plain value"),
    ("[beach, city]", "[beach, {a: 1}]", 6, 10, "mixes rows and plain values"),
    ("[beach, city]", "{range: [1]}", 6, 18, "in whole numbers"),
    ("[beach, city]", "{range: [4, 1]}", 6, 18, "holds no number"),
    ("[beach, city]", "{range: [1, 9999999]}", 6, 18, "more than 1000000"),
    ("[beach, city]", '{glob: "none/*.jpg"}', 6, 17, "matches no file"),
    ("[beach, city]", "{glob: /etc/*}", 6, 17, "relative to the manifest"),
    ("[beach, city]", "{cvs: a.csv}", 6, 11, 'unknown kind of source.*did you mean "csv"'),
    ("[beach, city]", "{csv: a.csv, jsonl: b}", 6, 10, "exactly one of"),
    ("csv: products.csv", "csv: product.csv", 5, 18, "closest existing file.*products.csv"),
    ("csv: products.csv", "jsonl: [a]", 5, 20, "the name of a JSONL file"),
    ("  scene:", "  index:", 6, 3, "the name is taken"),
    ("  scene:", '  "my scene":', 6, 3, "letters, digits and underscores"),
    ("params:", "zip: {a: [1, 2], b: [1]}\nparams:", 7, 1, "equal lengths; a has 2, b has 1"),
    ("params:", "zip: {scene: [1, 2]}\nparams:", 7, 7, "axis of the matrix already"),
    ("params:", "exclude: [{scen: beach}]\nparams:", 7, 12, 'no axis of this name.*did you mean "scene"'),
    ("params:", "exclude: [{scene: beech}]\nparams:", 7, 11, "matches no combination.*no value of scene"),
    ("params:", "exclude: [{}]\nparams:", 7, 11, "is empty, so it would match everything"),
    ("params:", "exclude: [{product: A-1}]\nparams:", 7, 21, "product holds rows; name a column"),
    ("params:", "exclude: [{product: {skuu: A-1}}]\nparams:", 7, 22, 'no such column.*did you mean "sku"'),
    ("params:", "exclude: [{scene: {a: b}}]\nparams:", 7, 19, "plain values, not rows"),
    ("params:", "exclude: {scene: beach}\nparams:", 7, 10, "a list of partial matches"),
    ("params:", "override: [{when: {scene: x}, set: {resolution: 4k}}]\nparams:", 7, 19, "overrides nothing"),
    ("params:", "override: [{when: {scene: city}}]\nparams:", 7, 12, "'set' is missing"),
    ("params:", "override: [{when: {scene: city}, set: {resolution: 8k}}]\nparams:", 7, 52,
     "one of 1k, 2k, 4k"),
    ("params:", "override: [{when: {scene: city}, set: {prompt: '{{ x }}'}}]\nparams:", 7, 48, 'uses "x"'),
    ("params:", "add: [{scene: studio}]\nparams:", 7, 7, "needs a value for product too"),
    ("params:", "add: [{scene: a, product: {sku: B, photo: one.png}, hue: red}]\nparams:", 7, 53,
     "no axis of this name"),
    ("params:", "add: [{scene: a, product: {sku: B}}]\nparams:", 10, 12, 'no column "photo"'),
    ('  prompt: "Place @Image1 on a {{ scene }}"\n', "", 7, 1, "prompt is missing; expected text"),
    ("  prompt:", "  promt:", 8, 3, 'unknown parameter.*did you mean "prompt"'),
    ("@Image1", "@Image3", 8, 11, "@Image3 is used, but there is only 1 image"),
    ('{{ scene }}"', '{{ scen }}"', 8, 11,
     'uses "scen", which does not exist; available.*did you mean "scene"'),
    ("on a {{ scene }}", "{{ sku }}", 8, 11, "write {{ product.sku }}"),
    ("on a {{ scene }}", "{{ product }}", 8, 11, "the value is a row"),
    ("on a {{ scene }}", "{{ scene.name }}", 8, 11, "plain values, not rows with columns"),
    ("on a {{ scene }}", "{{ scene", 8, 11, "is not a template"),
    ("on a {{ scene }}", "{% if x %}{% endif %}", 8, 11, "statements"),
    ("on a {{ scene }}", "{{ scene.upper() }}", 8, 11, "calls are not accepted"),
    ("on a {{ scene }}", "{{ scene | slugg }}", 8, 11, 'unknown filter.*did you mean "slug"'),
    ("on a {{ scene }}", "{{ scene.__class__ }}", 8, 11, "cannot be reached"),
    ("product.photo ", "product.foto ", 9, 12, 'no column "foto" in products.csv.*did you mean "photo"'),
    ("photos/{{ product.photo }}", "photos/on.png", 9, 12, "no file.*closest existing file.*one.png"),
    ("photos/{{ product.photo }}", "../../etc/passwd", 9, 12, "outside the manifest's folder"),
    ("photos/{{ product.photo }}", "/etc/passwd", 9, 12, "outside the manifest's folder"),
    ("photos/{{ product.photo }}", "photos", 9, 12, "is a folder"),
    ("photos/{{ product.photo }}", "products.csv", 9, 12, "not a picture we know"),
    ("photos/{{ product.photo }}", "http://x.example/a.png", 9, 12, "use https"),
    ('["photos/{{ product.photo }}"]', "photos/one.png", 9, 11, "put it in brackets"),
    ('["photos/{{ product.photo }}"]', "[" + "a.png," * 11 + "]", 9, 11, "got 11"),
    ('["photos/{{ product.photo }}"]', "[]", 9, 11, "got 0"),
    ("output:", "  num_images: 0\noutput:", 10, 15, "from 1 to 9, got 0"),
    ("output:", '  num_images: "{{ scene }}"\noutput:', 10, 15, 'got "beach"'),
    ("output:", "  aspect_ratio: 5:4\noutput:", 10, 17, "one of auto, 16:9"),
    ("output:", "  resolution: 2\noutput:", 10, 15, "one of 1k, 2k, 4k"),
    ("output:", "  seed: 4\noutput:", 10, 3, "unknown parameter"),
    ("{{ scene }}-{{ index }}", "x-{{ index }}", 10, 9, "would have the path.*does not mention scene"),
    ("-{{ index }}", "", None, None, None),
    ("{{ product.sku }}/", "/{{ product.sku }}/", 10, 9, "absolute path"),
    ("{{ product.sku }}/", "../{{ product.sku }}/", 10, 9, "never leave the output root"),
    ("{{ product.sku }}/", "{{ product.sku }}//", 10, 9, "an empty part"),
    ("{{ product.sku }}/", "con/{{ product.sku }}/", 10, 9, "reserved name"),
    ("{{ product.sku }}/", "16:9/{{ product.sku }}/", 10, 9, "not every file system"),
    ("{{ product.sku }}/", "a./{{ product.sku }}/", 10, 9, "ends with a dot"),
    ("{{ product.sku }}/", "quarantine/{{ product.sku }}/", 10, 9, "flagged pictures"),
    (".{{ ext }}", "", 10, 9, "picture's extension"),
    (".{{ ext }}", ".{{ extension }}", 10, 9, 'did you mean "ext"'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "column", "words"), MISTAKES)
def test_a_mistake_is_reported_where_it_stands(tmp_path, old, new, line, column, words):
    assert old in BASE
    found = problems(tmp_path, BASE.replace(old, new, 1))
    if line is None:
        assert found == []
        return
    import re

    texts = [f"{problem.message} {problem.hint}" for problem in found]
    assert any(
        (problem.line, problem.column) == (line, column) and re.search(words, text)
        for problem, text in zip(found, texts, strict=True)
    ), "\n".join(problem.render() for problem in found)


def test_there_are_more_than_fifty_mistakes_in_the_table():
    assert len(MISTAKES) > 50


def test_all_problems_are_reported_at_once(tmp_path):
    text = BASE.replace("name: hero", "nam: hero").replace("@Image1", "@Image2").replace("/{{ scene }}", "/x")
    text = text.replace("output:", "  resolution: 3k\n  seed: 1\noutput:").replace("photos/{{", "fotos/{{")
    found = " ".join(problem.message for problem in problems(tmp_path, text))
    for fragment in ("unknown key", "unknown parameter", "one of 1k", "no file"):
        assert fragment in found
    text = (
        BASE.replace("name: hero", "nam: hero").replace("@Image1", "@Image2").replace("photos/{{", "fotos/{{")
    )
    found = " ".join(problem.message for problem in problems(tmp_path, text))
    for fragment in ("unknown key", "no file"):
        assert fragment in found


@pytest.mark.parametrize(
    ("content", "line", "fragment"),
    [
        ("", 1, "is empty"),
        ("sku,photo\n", None, "holds no rows"),
        ("sku,photo\nA-1,one.png\nA-2\n", 3, "row 3 has 1 fields, the header has 2"),
        ("sku,photo\nA-1,one.png,x\n", 2, "row 2 has 3 fields"),
        ("sku,sku\nA-1,one.png\n", 1, 'names the column "sku" twice'),
        ("sku,\nA-1,one.png\n", 1, "column 2 has no name"),
        ("sku;photo\nA-1;one.png\n", 1, "separated by semicolons"),
        ('sku,photo\n"A-1,one.png\n', 2, "row 2 cannot be read"),
        ("sku,photo\nA-\x00,one.png\n", 2, "NUL"),
        ("sku,photo\n" + "A" * 200_000 + ",one.png\n", 2, "field larger than field limit"),
    ],
)
def test_a_bad_table_is_reported_with_its_row(tmp_path, content, line, fragment):
    folder(tmp_path)
    (tmp_path / "other.csv").write_bytes(content.encode())
    found = problems(tmp_path, BASE.replace("products.csv", "other.csv"))
    assert fragment in found[0].message
    if line is not None:
        assert found[0].file.endswith("other.csv")
        assert found[0].line == line


def test_a_table_in_utf_16_is_refused(tmp_path):
    (tmp_path / "other.csv").write_bytes("sku,photo\n".encode("utf-16"))
    assert "UTF-8" in problems(tmp_path, BASE.replace("products.csv", "other.csv"))[0].message


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("[1]\n", "row 1 is not a JSON object"),
        ('{"a": 1}\n{"a"\n', "row 2 is not JSON"),
        ('{"a": NaN}', "row 1"),
        ("[" * 100_000, "row 1"),
    ],
)
def test_a_bad_jsonl_file_is_reported_with_its_row(tmp_path, content, fragment):
    (tmp_path / "rows.jsonl").write_text(content)
    found = problems(tmp_path, BASE.replace("csv: products.csv", "jsonl: rows.jsonl"))
    assert fragment in found[0].message


def test_a_missing_picture_names_the_row_of_the_table(tmp_path):
    folder(tmp_path)
    (tmp_path / "other.csv").write_text("sku,photo\nA-1,one.png\nA-2,tow.png\n")
    (found,) = problems(tmp_path, BASE.replace("products.csv", "other.csv"))
    assert found.path == "params.images[0]"
    assert "product.sku=A-2" in found.notes[0]
    assert "other.csv row 3" in found.notes[0]
    assert "two.png" in found.hint


def test_a_link_that_leads_out_is_refused_and_an_input_root_lets_it_in(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    folder(inside)
    (outside / "secret.png").write_bytes(PNG)
    (inside / "photos" / "link.png").symlink_to(outside / "secret.png")
    text = BASE.replace("photos/{{ product.photo }}", "photos/link.png")
    assert "outside" in problems(inside, text)[0].message
    assert problems(inside, text, input_roots=[outside]) == []


def test_a_pipe_is_not_opened(tmp_path):
    folder(tmp_path)
    os.mkfifo(tmp_path / "photos" / "pipe.png")
    text = BASE.replace("photos/{{ product.photo }}", "photos/pipe.png")
    assert "not a regular file" in problems(tmp_path, text)[0].message


def test_a_picture_above_the_size_limit_is_refused(tmp_path):
    folder(tmp_path)
    with (tmp_path / "photos" / "big.png").open("wb") as stream:
        stream.write(PNG)
        stream.truncate(20_000_001)
    text = BASE.replace("photos/{{ product.photo }}", "photos/big.png")
    assert "at most 20 MB" in problems(tmp_path, text)[0].message


def test_a_product_beyond_the_limit_is_refused_with_its_size(tmp_path):
    axes = "".join(f"  a{n}: {{range: [1, 1000]}}\n" for n in range(3))
    text = HEAD + "matrix:\n" + axes + PARAMS
    (found,) = problems(tmp_path, text)
    assert "1,000 a0 x 1,000 a1 x 1,000 a2 x 1 variations = 1,000,000,000 jobs" in found.message


def test_the_limit_can_be_configured(tmp_path):
    found = problems(tmp_path, BASE, jobs_max=3)
    assert "= 4 jobs; at most 3" in found[0].message


def test_the_error_ends_the_command_with_the_code_for_usage(tmp_path):
    with pytest.raises(ProblemsError) as caught:
        manifest(tmp_path, "version: 3\n")
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(caught.value).endswith("Nothing was written and nothing was spent.")


def test_several_pictures_a_job_need_an_index_in_the_path(tmp_path):
    text = BASE.replace("-{{ index }}", "").replace("output:", "  num_images: 2\noutput:")
    assert "has no index" in problems(tmp_path, text)[0].message


def test_paths_that_differ_in_case_only_collide(tmp_path):
    text = BASE.replace("[beach, city]", "[Beach, beach]")
    found = problems(tmp_path, text)
    assert "would have the path" in found[0].message
    assert "capitals do not count" in found[0].message


@pytest.mark.parametrize("key", ["a b", "../x", "", "x" * 200])
def test_a_run_key_that_cannot_name_a_folder_is_refused(tmp_path, key):
    if key:
        with pytest.raises(UsageError, match="run key"):
            manifest(tmp_path, run_key=key)
    else:
        with pytest.raises(UsageError):
            manifest(tmp_path, run_key=key)


@pytest.mark.parametrize("text", ["", "[]", "hello", "- a\n", "1"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert "expected a manifest" in problems(tmp_path, text)[0].message
