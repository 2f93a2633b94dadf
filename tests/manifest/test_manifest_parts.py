"""Templates, filters, output paths and the fingerprint set, each by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.paths import fold
from orchestrator.manifest.expanding.fingerprints import Fingerprints
from orchestrator.manifest.expanding.outputs import path_problem
from orchestrator.manifest.templating.filters import slug
from orchestrator.manifest.templating.template_problems import TemplateProblem
from orchestrator.manifest.templating.templates import compile_template

SCOPE = {
    "product": {"sku": "A 1", "items": "x", "photos": ["a", "b"], "n": None},
    "scene": "Città",
    "n": 3,
    "yes": True,
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"), ("", ""), ("{{ product.sku | slug }}", "a-1"), ("{{ product.items }}", "x"),
        ("{{ product['sku'] }}!", "A 1!"), ("{{ n + 1 }}", "4"), ("{{ yes }}", "true"), ("{# c #}ok", "ok"),
        ("{{ product.photos | join('+') }}", "a+b"), ("{{ product.photos[1] }}", "b"),
        ("{{ scene ~ '-' ~ n }}", "Città-3"),
        ("{{ product.badge | default('none') }}", "none"), ("{{ product.n | default('none') }}", "none"),
        ("{{ 'a' if product.badge is defined else 'b' }}", "b"), ("{{ nobody | default('x') }}", "x"),
        ("{{ scene | replace('t', 'T') }}", "CiTTà"), ("{{ product.photos | length }}", "2"),
        ("{{ '7' | int + 1 }}", "8"),
        ("{{ 'big' if n > 2 else 'small' }}", "big"),
        ("{{ product.photos | first }}{{ product.photos | last }}", "ab"),
        ("{{ ' x ' | trim | title }}", "X"),
    ],
)  # fmt: skip
def test_expressions_have_these_values(text, result):
    assert compile_template(text).text(SCOPE) == result


@pytest.mark.parametrize(
    "text",
    [
        "{{ nope }}", "{{ product }}", "{{ product.photos }}", "{{ product.n }}", "{{ product.nope }}",
        "{{ nope.a.b }}",
        "{{ ''.__class__ }}", "{{ ''['__class__'] }}", "{{ scene.upper() }}", "{{ 'a' * 9999999999 }}",
        "{{ 2 ** 99999 }}",
        "{{ '%9999999999d' % 1 }}", "{{ n // 0 }}", "{{ [1] }}", "{{ {} }}", "{{ scene | attr('x') }}",
        "{{ range(9) }}",
        "{% set x = 1 %}", "{% for x in y %}{% endfor %}", "{% include 'x' %}", "{{ self }}",
        "{{ 'x' | int }}",
        "{{ n | first }}", "{{ n | join }}", "{{ scene is string }}", "{{ unclosed", "{{ }}",
        "{{ scene + 1 }}",
        ("{{ 'aaaaaaaaaa' | replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') | replace('a', "
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}"),
        "x" * 9_000 + "{{ scene }}" + "x" * 9_000, "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text):
    with pytest.raises(TemplateProblem):
        compile_template(text).text(SCOPE)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}%#|.()[]'\"+-*/~ abcn_product", max_size=40))
def test_no_template_raises_anything_else(text):
    try:
        result = compile_template(text).text(SCOPE)
    except TemplateProblem as problem:
        result = problem.message
    assert isinstance(result, str)


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_a_slug_is_always_a_safe_part(text):
    assert path_problem(f"x-{slug(text)}.png") is None
    assert slug(slug(text)) == slug(text) or not slug(text).isascii()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("City at Night!", "city-at-night"),
        ("16:9", "16-9"),
        ("Crème_brûlée", "creme-brulee"),
        ("日本", "日本"),
        ("🎉", "u1f389"),
        ("", "empty"),
    ],
)
def test_slugs(text, result):
    assert slug(text) == result


@pytest.mark.parametrize(
    "path",
    [
        "a.png",
        "a/b/c.jpeg",
        "a b/c d.webp",
        "Ä/日本.png",
        "com10/x.png",
        "console.png",
        "a..b.png",
        "quarantined/x.png",
        "x=1,y+2@(3).png",
    ],
)
def test_good_paths(path):
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "path",
    ["", "/a.png", "../a.png", "a/../b.png", "./a.png", "a//b.png", "a/", "a", "a.gif", "a.png/b",
     "a\x00.png", "a\n.png", "a\\b.png", "c:/a.png", "a?.png", "con/a.png", "CON.png", "a/nul.png",
     "com1.png",
     "com¹.png", "lpt9.tar.png", " a.png", "a /b.png", "a./b.png",
     ".hidden/a.png", "quarantine/a.png", "Quarantine/a.png", "x" * 241 + ".png",
     "é" * 130 + ".png", "\ud800.png", "a\u202eb.png", ("x" * 200 + "/") * 6 + "a.png"],
)  # fmt: skip
def test_bad_paths(path):
    assert path_problem(path) is not None


@settings(max_examples=300)
@given(st.text(alphabet="abCON.12/: \\é~", max_size=16).map(lambda text: text + ".png"))
def test_an_accepted_path_stays_inside_and_has_no_odd_part(path):
    if path_problem(path) is None:
        parts = path.split("/")
        assert not path.startswith("/")
        assert all(
            part not in {"", ".", ".."} and part[-1] not in ". " and part[0] not in ". " for part in parts
        )
        assert not any(part.split(".")[0].lower() in {"con", "com1", "com2"} for part in parts)


def test_folding_ignores_case_and_composition():
    assert fold("A/B.png") == fold("a/b.PNG")
    assert fold("caf\u00e9.png") == fold("CAFE\u0301.png")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 50), max_size=6000))
def test_the_fingerprint_set_is_a_set(numbers):
    seen, known = Fingerprints(), {}
    for place, number in enumerate(number or 1 for number in numbers):
        assert seen.add(number, place) == known.get(number)
        known.setdefault(number, place)
    assert len(seen) == len(known)


def test_the_fingerprint_set_grows():
    seen = Fingerprints()
    assert all(seen.add(hash(f"x{n}"), n) is None for n in range(20_000))
    assert all(seen.add(hash(f"x{n}"), 0) == n for n in range(20_000))
