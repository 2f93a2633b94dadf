"""Keys of jobs: what makes two jobs the same."""

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.keys import KeyForm, encoded, job_key

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=5), st.integers(1, 99))
def test_the_order_of_inputs_does_not_matter(inputs, variation):
    turned = dict(reversed(list(inputs.items())))
    key = job_key("m", inputs, variation)
    assert key == job_key("m", turned, variation)
    assert len(key) == 32
    assert int(key, 16) >= 0


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=5), st.data())
def test_a_key_does_not_depend_on_which_inputs_are_shared(inputs, data):
    varying = data.draw(st.sets(st.sampled_from(sorted(inputs)))) if inputs else set()
    fixed = {name: value for name, value in inputs.items() if name not in varying}
    stem = KeyForm("m", fixed, varying).stem({name: encoded(inputs[name]) for name in varying})
    document = {"scheme": 1, "provider": "wavespeed", "model": "m", "inputs": inputs, "variation": 7}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert stem.key(7) == hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@given(JSON, JSON)
def test_different_inputs_have_different_keys(a, b):
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (job_key("m", {"x": a}, 1) == job_key("m", {"x": b}, 1)) is same


def test_model_variation_and_order_in_lists_matter():
    keys = {
        job_key("m", {"images": ["a", "b"]}, 1),
        job_key("m", {"images": ["b", "a"]}, 1),
        job_key("m", {"images": ["a", "b"]}, 2),
        job_key("n", {"images": ["a", "b"]}, 1),
        job_key("m", {"images": ["a", "b"], "seed": None}, 1),
    }
    assert len(keys) == 5


def test_text_is_taken_as_it_is():
    assert job_key("m", {"p": "Caf\u00e9"}, 1) != job_key("m", {"p": "Cafe\u0301"}, 1)
    assert job_key("m", {"p": 1}, 1) != job_key("m", {"p": "1"}, 1)
    assert job_key("m", {"p": "\ud800"}, 1)


def test_a_key_is_the_same_for_ever():
    """A changed scheme would make every picture again, and bill it again."""
    inputs = {"prompt": "Caf\u00e9 \U0001f600", "num_images": 2, "images": ["sha256:" + "a" * 64]}
    assert job_key("kwaivgi/kling-image-o3/edit", inputs, 3) == "3a59facb70826df261682462e49672cc"


def test_what_is_not_json_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        job_key("m", {"strength": math.nan}, 1)
