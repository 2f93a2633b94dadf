"""Deliberate mistakes: each is reported at its place, in words that say what is allowed."""

import pytest
from manifest_files import BASE, problems

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
    ("name: hero", 'name: hero\ntags: {who: "{{ scen }}"}', 3, 17, 'uses "scen".*did you mean "scene"'),
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
    ("params:", "override: [{when: {scene: city}, set: {prompt: '{{ x }}'}}]\nparams:", 7, 52, 'uses "x"'),
    ("params:", "add: [{scene: studio}]\nparams:", 7, 7, "needs a value for product too"),
    ("params:", "add: [{scene: a, product: {sku: B, photo: one.png}, hue: red}]\nparams:", 7, 53,
     "no axis of this name"),
    ("params:", "add: [{scene: a, product: {sku: B}}]\nparams:", 10, 12, 'no column "photo"'),
    ('  prompt: "Place @Image1 on a {{ scene }}"\n', "", 7, 1, "prompt is missing; expected text"),
    ("  prompt:", "  promt:", 8, 3, 'unknown parameter.*did you mean "prompt"'),
    ("@Image1", "@Image3", 8, 11, "@Image3 is used, but there is only 1 image"),
    ('{{ scene }}"', '{{ scen }}"', 8, 34,
     'uses "scen", which does not exist; available.*did you mean "scene"'),
    ("on a {{ scene }}", "{{ sku }}", 8, 29, "write {{ product.sku }}"),
    ("on a {{ scene }}", "{{ product }}", 8, 11, "the value is a row"),
    ("on a {{ scene }}", "{{ scene.name }}", 8, 29, "plain values, not rows with columns"),
    ("on a {{ scene }}", "{{ scene", 8, 11, "is not a template"),
    ("on a {{ scene }}", "{% if x %}{% endif %}", 8, 11, "statements"),
    ("on a {{ scene }}", "{{ scene.upper() }}", 8, 11, "calls are not accepted"),
    ("on a {{ scene }}", "{{ scene | slugg }}", 8, 11, 'unknown filter.*did you mean "slug"'),
    ("on a {{ scene }}", "{{ scene.__class__ }}", 8, 11, "cannot be reached"),
    ("product.photo ", "product.foto ", 9, 23, 'no column "foto" in products.csv.*did you mean "photo"'),
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
    (".{{ ext }}", ".{{ extension }}", 10, 55, 'did you mean "ext"'),
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
