"""The loader takes YAML 1.2 core scalars, keeps positions, and answers bad text with problems only."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.yamlio import Document, Number, ProblemsError, load, loads


def read(text: str) -> Document:
    return loads(text.encode(), "t.yaml")


def problems(text: str) -> list:
    with pytest.raises(ProblemsError) as caught:
        read(text)
    return caught.value.problems


STAYS_TEXT = [
    "16:9", "9:16", "1:1", "4:3", "21:9", "NO", "no", "on", "Yes", "0123", "012", "12_34", "2026-09-01", "08",
    "1_000", "0b11", "=", "1:1:1", "0x", "12345678901234567890", "é", "+", ".", "1e", "00.5",
]  # fmt: skip


@pytest.mark.parametrize("text", STAYS_TEXT)
def test_what_yaml_1_1_damages_stays_text(text):
    assert read(f"a: {text}").data == {"a": text}
    assert read(f"[{text}]").data == [text]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("~", None), ("null", None), ("", None), ("7", 7), ("-3", -3),
        ("0", 0), ("0x10", 16), ("0o17", 15), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5),
        ("999999999999999999", 10**18 - 1),
    ],
)  # fmt: skip
def test_core_scalars_are_read(text, value):
    found = read(f"a: {text}").data["a"]
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


def test_a_number_with_a_fraction_keeps_its_spelling():
    found = read("a: 40.00").data["a"]
    assert isinstance(found, Number)
    assert str(found) == "40.00"
    assert read("a: 1.0e999999").data["a"] == float("inf")


def test_every_key_and_value_has_its_position():
    document = read("a: 1\nb:\n  - x\n  - {c: d}\n")
    assert document.mark(("b", 1, "c")) == (4, 9)
    assert document.key_mark(("b", 1, "c")) == (4, 6)
    assert document.key_mark(("b",)) == (2, 1)
    assert document.mark(("b", 7, "nothing")) == document.mark(("b",))


def test_merge_keys_fill_in_and_explicit_keys_win():
    document = read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n")
    assert document.data["use"] == {"y": 3, "x": 1}


@pytest.mark.parametrize(
    ("text", "line", "column", "fragment"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1, "stands twice in one mapping, first on line 1"),
        ("prompt: Hello: world", 1, 14, "colon and a space must stand in quotes"),
        ("prompt: {{ name }}", 1, 10, "must stand in quotes"),
        ("prompt: {{ name }} x", 1, 9, "must stand in quotes"),
        ("a:\n\tb: 1", 2, 1, "tab"),
        ("a: @Image1 x", 1, 4, 'starts with "@" must stand in quotes'),
        ("a: *bold", 1, 4, "anchor"),
        ("a: !secret x", 1, 4, "tag !secret is not known"),
        ("a: !!timestamp 2020-01-01", 1, 4, "tag !!timestamp is not known"),
        ("a: !!int x", 1, 4, "does not fit its tag"),
        ("&a [*a]", 1, 1, "refers to itself"),
        ("a: &a {<<: *a}", 1, 4, "refers to itself"),
        ("? [1, 2]\n: 3", 1, 3, "a key must be a single word"),
        ("a: b\x00", 1, 5, "control character"),
        ("---\na: 1\n---\nb: 1", 3, 1, "second document"),
        ("a: 'x", 1, 4, "a quote is opened and never closed"),
        ("a: 1\n  b: 2\n", 2, 4, "further in than the one above"),
        ("a:\n   b: 1\n  c: 2\n", 3, 3, "not indented like the lines of its block"),
        ("a:\n  - 1\n  b: 2\n", 3, 3, "an item of a list is expected here"),
        ("a: [1, 2\nb: 3\n", 2, 2, "a comma or the closing bracket is missing"),
        ('a: "x" y\n', 1, 8, "text after the quote that closes a value"),
        ("a: 1\nname\nb: 2\n", 2, 1, "a colon is missing after a key"),
        ('a: "C:\\photos"\n', 1, 7, "begins an escape"),
        ("a: 1\n---\nb: '{{ x }}'\n", 2, 1, "a second document begins here"),
        ("[" * 3000, 1, 51, "levels deep"),
        ("a: {<<: 3}", 1, 9, "merge key takes a mapping"),
    ],
)
def test_bad_text_is_one_problem_at_its_position(text, line, column, fragment):
    (problem,) = problems(text)
    assert (problem.line, problem.column) == (line, column)
    assert fragment in problem.message


def test_an_alias_bomb_is_refused_by_the_number_of_values():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "once its aliases are expanded" in problems("\n".join(lines))[0].message


def test_a_merge_bomb_is_refused_quickly():
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 2)}], k{n}: v}}" for n in range(1, 30)]
    assert "once its aliases are expanded" in problems("\n".join(lines))[0].message


def test_a_file_that_is_too_large_or_not_utf_8_or_missing_is_a_problem(tmp_path):
    for raw, fragment in [(b"#" * 5_000_001, "larger than 5 MB"), ("a: é".encode("latin-1"), "not UTF-8")]:
        with pytest.raises(ProblemsError, match=fragment):
            loads(raw, "t.yaml")
    with pytest.raises(ProblemsError, match="no such file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ProblemsError, match="is a folder"):
        load(tmp_path)


def test_a_problem_shows_the_line_a_caret_and_the_hint_and_no_control_characters():
    text = problems("prompt: a\u202eb: c")[0].render()
    assert "t.yaml:1:12:" in text
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert text.splitlines()[-1].strip("| ").startswith("^")


def test_twenty_problems_are_shown_and_the_rest_counted():
    with pytest.raises(ProblemsError) as caught:
        read("\n".join(f"k{n}: !x y" for n in range(30)))
    text = str(caught.value)
    assert text.count("is not known here") == 20
    assert "... and 10 more" in text
    assert text.endswith("30 problems. Nothing was written and nothing was spent.")


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="{}[]:,-&*!|>'\"%@` \n\tab01.<~#?"), st.binary()))
def test_any_input_gives_a_document_or_problems_and_nothing_else(data):
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    try:
        document, refused = loads(raw, "t.yaml"), None
    except ProblemsError as error:
        document, refused = None, error.problems
    assert refused or (document and document.root.value == document.data)


_KEYS = st.text(alphabet="abcXYZ_09", min_size=1, max_size=6)
_TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("é日🎉\t\n"), max_size=12
)
_TREES = st.recursive(
    st.one_of(st.booleans(), st.none(), st.integers(-(10**17), 10**17), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_TREES)
def test_json_is_read_as_json(tree):
    import json

    assert loads(json.dumps(tree, ensure_ascii=False).encode(), "t.json").data == tree
