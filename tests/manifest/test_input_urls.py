"""Input pictures that are named by a URL: the provider has to be able to get them."""

import pytest

from orchestrator.actions.planning.walking.manifests import check_all, load_manifests
from orchestrator.settings import Outputs, ProviderSettings, Settings
from orchestrator.yamlio import ProblemsError

MANIFEST = """\
version: 1
name: hero
model: kwaivgi/kling-image-o3/edit
params: {prompt: "Place @Image1", images: ["URL"]}
output: "{{ index }}.{{ ext }}"
"""

PUBLIC, LAN, HERE = "https://api.wavespeed.ai", "https://10.0.0.5", "http://127.0.0.1:8000"


@pytest.fixture
def problems(tmp_path):
    def find(url, provider):
        path = tmp_path / "m.yaml"
        path.write_text(MANIFEST.replace("URL", url))
        settings = Settings("unused", Outputs("unused"), provider=ProviderSettings(base_url=provider))
        try:
            check_all(load_manifests([path], settings, 0))
        except ProblemsError as error:
            return error.problems
        return []

    return find


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("http://127.0.0.1:8000/a.png", PUBLIC),
        ("http://localhost/a.png", PUBLIC),
        ("https://127.0.0.1/a.png", PUBLIC),
        ("https://10.0.0.7/a.png", PUBLIC),
        ("https://nas.local/a.png", PUBLIC),
        ("https://[::ffff:10.0.0.7]/a.png", PUBLIC),
        ("http://localhost/a.png", LAN),
    ],
)
def test_a_url_that_is_nearer_than_the_provider_is_refused_with_its_place(problems, url, provider):
    (problem,) = problems(url, provider)
    assert problem.line == 4
    assert "where the provider cannot get it" in problem.message
    assert "name the local file" in problem.hint


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://images.example.com/a.png", PUBLIC),
        ("https://10.0.0.7/a.png", LAN),
        ("http://127.0.0.1:8000/a.png", HERE),
        ("https://images.example.com/a.png", HERE),
    ],
)
def test_one_that_is_as_far_as_the_provider_is_taken(problems, url, provider):
    assert problems(url, provider) == []
