"""What a job sends: one rule for the worker and for whoever looks for a lost task."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.sending import mentions, sent_inputs

NAMES = st.sampled_from(["a.png", "b.png", "photos/c.png", "https://x.example/d.png", "a prompt"])
VALUES = NAMES | st.integers() | st.booleans() | st.none() | st.lists(NAMES | st.integers(), max_size=4)
PARAMS = st.dictionaries(st.text(max_size=4), VALUES, max_size=5)
HOSTED = st.dictionaries(NAMES, st.integers(0, 99).map("https://host.example/{}.png".format), max_size=4)


def leaves(value):
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


@given(PARAMS, HOSTED)
def test_every_hosted_image_is_sent_as_its_url_and_everything_else_as_it_is_written(params, hosted):
    sent = sent_inputs(params, hosted)
    assert list(sent) == list(params)
    for name, value in params.items():
        assert isinstance(sent[name], list) == isinstance(value, list)
        for written, given_value in zip(leaves(value), leaves(sent[name]), strict=True):
            is_image = isinstance(written, str) and written in hosted
            assert given_value == (hosted[written] if is_image else written)
            assert type(given_value) is type(written)


@given(PARAMS, HOSTED, HOSTED)
def test_a_parameter_that_mentions_no_image_is_sent_the_same_wherever_images_are_hosted(params, here, there):
    images = here.keys() | there.keys()
    for name, value in params.items():
        if not mentions(value, images):
            assert sent_inputs(params, here)[name] == sent_inputs(params, there)[name] == value


@given(PARAMS, HOSTED)
def test_a_parameter_that_mentions_an_image_is_changed_by_hosting_it(params, hosted):
    sent = sent_inputs(params, hosted)
    for name, value in params.items():
        assert mentions(value, hosted) == (sent[name] != value)


@given(PARAMS, HOSTED)
def test_the_manifests_parameters_stay_as_they_are(params, hosted):
    before = repr(params)
    sent_inputs(params, hosted)
    assert repr(params) == before
