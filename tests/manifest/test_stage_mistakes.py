"""Mistakes in stages: each is reported at its place, in words that say what is allowed, and all at once."""

import re

import jsonschema
import pytest
from manifest_files import BASE, problems

from orchestrator.manifest import manifest_json_schema
from orchestrator.yamlio import load

STAGES = """\
stages:
  cutout:
    params: {prompt: "Cut out @Image1"}
  large:
    take: all
    params:
      prompt: "Larger @Image1"
      images: ["@picture"]
"""
TEXT = BASE + STAGES  # the stages begin in line 11

MISTAKES = [
    # what is replaced, by what, line, column, fragments of message and hint
    (STAGES, "stages: []\n", 11, 9, "a mapping of stages, such as `cutout:.*got a list"),
    (STAGES, "stages: 3\n", 11, 9, "a mapping of stages.*got 3"),
    (STAGES, "stages: {cutout: ~}\n", 11, 18, r"expected a mapping with params, got nothing \(null\)"),
    (STAGES, "stages: {cutout: [a]}\n", 11, 18, "expected a mapping with params, got a list"),
    (STAGES, "stages: {cutout: {}}\n", 11, 18, "the key 'params' is missing"),
    ("  cutout:", "  pictures:", 12, 3, "what the manifest itself asks for.*call it by what it makes"),
    ("  cutout:", "  cut out:", 12, 3, "the key is not a name of letters"),
    ("  large:", "  cutout:", 14, 3, "twice in one mapping, first on line 12"),
    ("take: all", "needs: cutuot", 15, 12, 'no stage "cutuot"; expected pictures, cutout.*mean "cutout"'),
    ("take: all", "needs: large", 15, 12, "needs itself.*write `needs: pictures`"),
    ("take: all", "needs: 3", 15, 12, "expected a name of letters.*in quotes"),
    ("take: all", "needs: [pictures]", 15, 12, "expected a name of letters.*got a list"),
    ("take: all", "take: accept", 15, 11, 'accepted, all, got "accept".*did you mean "accepted"'),
    ("take: all", "takes: all", 15, 5, 'unknown key.*did you mean "take"'),
    ("take: all", "model: kwaivgi/kling", 15, 12, 'a model we know.*got "kwaivgi/kling".*did you mean'),
    ("take: all", 'output: "{{ skene }}"', 15, 17, 'uses "skene".*did you mean "scene"'),
    ("take: all", 'output: "{{ product.zku }}"', 15, 17, 'no column "zku".*did you mean "sku"'),
    ("take: all", 'latest: "new/{{ key }}.png"', 15, 13, 'a stable name cannot have "key"'),
    ("take: all", 'tags: {a: "{{ skene }}"}', 15, 19, 'uses "skene".*did you mean "scene"'),
    ("take: all", 'output: "{{ key }}.txt"', 15, 13, "does not end with a picture's extension"),
    ('["@picture"]', "[]", 18, 15, "1 to 10 local files or https URLs, got 0"),
    ('["@picture"]', '"@picture"', 18, 15, "put it in brackets"),
    ('["@picture"]', '["photos/one.png"]', 18, 15, '"@picture" is not among the images.*add "@picture"'),
    ('["@picture"]', '["@picture", "@picture"]', 18, 28, '"@picture" is among the images already.*once'),
    ('["@picture"]', '["@picture", "photos/three.png"]', 18, 28, 'no file "photos/three.png"'),
    ('["@picture"]', '["@picture", "photos/{{ product.foto }}"]', 18, 39, 'no column "foto"'),
    ('["@picture"]', '["photos/{{ product.photo }}"]', 18, 15, '"@picture" is not among the images'),
    ('["@picture"]', '["@{{ \'picture\' }}", "@picture"]', 18, 36, '"@picture" is among the images already'),
    ('["@picture"]', '["@picture"' + ', "photos/one.png"' * 10 + "]", 18, 15, "1 to 10.*got 11"),
    ("Larger @Image1", "Larger @Image2", 17, 15, "@Image2"),
    ('"Larger @Image1"', "3", 17, 15, "expected text, got 3"),
    ('      prompt: "Larger @Image1"\n', "", 16, 5, "prompt is missing"),
    ('["@picture"]', '["@picture"]\n      size: 3', 19, 7, "unknown parameter"),
    ('["@picture"]', '["@picture"]\n      num_images: 10', 19, 19, "from 1 to 9"),
    ('["@picture"]', '["@picture"]\n      num_images: 2\n    output: "{{ key }}.png"', 20, 13, "no index"),
    ('["photos/{{ product.photo }}"]', '["@picture"]', 9, 12, "this is no stage.*under `stages:`"),
    ("  scene:", "  stage:", 6, 3, 'where there are stages, templates use "stage" already.*another name'),
    ("  scene:", "  picture:", 6, 3, 'templates use "picture" already'),
    (STAGES, "reserve: chain\n", 11, 10, "keeps money for stages, and there are none"),
    (STAGES, "reserve: all\n", 11, 10, "expected one of hop, chain"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "column", "words"), MISTAKES)
def test_a_mistake_is_reported_at_its_place(tmp_path, old, new, line, column, words):
    assert old in TEXT
    found = problems(
        tmp_path, TEXT.replace(old, new, 1) if old != "  scene:" else TEXT.replace("scene", new.strip(" :"))
    )
    told = [f"{problem.message} {problem.hint}" for problem in found]
    places = [
        (problem.line, problem.column)
        for problem, text in zip(found, told, strict=True)
        if re.search(words, text)
    ]
    assert places[:1] == [(line, column)], [
        (problem.line, problem.column, problem.message) for problem in found
    ]


def test_a_circle_is_reported_with_its_way_at_each_stage_of_it(tmp_path):
    text = BASE + (
        "stages:\n"
        '  a: {needs: c, params: {prompt: "x"}}\n'
        '  b: {params: {prompt: "x"}}\n'
        '  c: {params: {prompt: "x"}}\n'
        '  d: {params: {prompt: "x"}}\n'
    )
    found = problems(tmp_path, text)
    assert [(one.line, one.message) for one in found] == [
        (12, "needs itself in the end: a -> c -> b -> a"),
        (13, "needs itself in the end: b -> a -> c -> b"),
        (14, "needs itself in the end: c -> b -> a -> c"),
    ]


def test_fifty_stages_are_too_many(tmp_path):
    text = BASE + "stages:\n" + "".join(f'  s{n}: {{params: {{prompt: "x"}}}}\n' for n in range(50))
    assert [one.message for one in problems(tmp_path, text)] == ["at most 10 stages are taken, got 50"]


def test_more_jobs_than_any_chain_is_meant_to_have_are_refused(tmp_path):
    text = BASE.replace('"]\noutput', '"]\n  num_images: 9\noutput') + "stages:\n"
    text += "".join(f'  s{n}: {{params: {{prompt: "x", num_images: 9}}}}\n' for n in range(5))
    (problem,) = problems(tmp_path, text)
    assert "up to 66,429 jobs would follow from each job" in problem.message


def test_jobs_of_stages_count_towards_the_most_that_are_accepted(tmp_path):
    assert problems(tmp_path, TEXT, jobs_max=12) == []
    (problem,) = problems(tmp_path, TEXT, jobs_max=11)
    assert "with what follows from each of 4 jobs these are 12; at most 11 are accepted" in problem.message


COLLIDING = [
    ('"{{ product.sku }}/{{ scene }}-cut.{{ ext }}"', "A-1/beach-cut.png", 'add "-{{ picture }}"'),
    ('"{{ product.sku }}/{{ picture }}-cut.{{ ext }}"', "A-1/0-cut.png", "does not mention scene"),
    ('"{{ product.sku }}/{{ scene }}-{{ picture }}.{{ ext }}"', "A-1/beach-0.png", 'add "-{{ stage }}"'),
]


@pytest.mark.parametrize(("output", "path", "hint"), COLLIDING)
def test_two_pictures_with_one_path_are_reported_at_the_output_of_the_stage(tmp_path, output, path, hint):
    text = BASE.replace('"]\noutput', '"]\n  num_images: 2\noutput')
    text += f'stages:\n  cutout:\n    params: {{prompt: "x"}}\n    output: {output}\n'
    found = problems(tmp_path, text)
    assert {(one.line, one.column) for one in found} == {(15, 13)}
    assert f'two pictures would have the path "{path}"' in found[0].message
    assert hint in found[0].hint
    assert len(found) <= 3


def test_variations_that_share_a_path_of_a_stage_are_reported_there(tmp_path):
    text = BASE.replace("name: hero", "name: hero\nvariations: 2").replace("-{{ index }}", "-{{ variation }}")
    text += 'stages:\n  cutout:\n    params: {prompt: "x"}\n    output: "{{ scene }}.{{ ext }}"\n'
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.message[:12]) == (15, "2 variations")


def test_everything_is_reported_at_once(tmp_path):
    text = TEXT.replace("Place", "{{ x }}").replace("Cut out", "{{ y }}").replace("take: all", "needs: z")
    text = text.replace("Larger @Image1", "Larger @Image3")
    assert [problem.line for problem in problems(tmp_path, text)] == [8, 13, 15]


def test_a_row_that_only_a_stage_finds_wrong_can_be_left_out(tmp_path):
    text = TEXT.replace('["@picture"]', '["@picture", "photos/{{ product.sku }}.png"]')
    assert {problem.line for problem in problems(tmp_path, text)} == {18}
    (tmp_path / "photos/A-1.png").write_bytes((tmp_path / "photos/one.png").read_bytes())
    assert problems(tmp_path, text)
    assert problems(tmp_path, text, skip_bad_rows=True) == []


@pytest.mark.parametrize(
    ("old", "new", "sound"),
    [
        ("take: all", "take: all", True),
        ("take: all", "take: some", False),
        ("take: all", "makes: all", False),
        ("  cutout:", "  pictures:", False),
        ('      prompt: "Larger @Image1"\n', "", False),
        ('["@picture"]', '["@picture"]\n      resolution: 9k', False),
        (STAGES, STAGES + "reserve: chain\n", True),
        (STAGES, "stages: [cutout]\n", False),
    ],
)
def test_editors_take_what_the_program_takes(tmp_path, old, new, sound):
    text = TEXT.replace(old, new)
    (tmp_path / "hero.yaml").write_text(text)
    validator = jsonschema.Draft7Validator(manifest_json_schema())
    assert validator.is_valid(load(tmp_path / "hero.yaml").data) is sound
    assert (problems(tmp_path, text) == []) is sound
