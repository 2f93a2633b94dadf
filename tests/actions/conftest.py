"""A manifest of two jobs, the first of which has its picture."""

import pytest
from PIL import Image
from support.world import World

from orchestrator.actions.planning.apply import apply
from orchestrator.core.states import AttemptState
from orchestrator.manifest import load_manifest

MANIFEST = """\
version: 1
name: hero
campaign: sale
model: kwaivgi/kling-image-o3/edit
variations: {variations}
matrix: {{scene: [beach, city]}}
params:
  prompt: "{prompt} @Image1 on a {{{{ scene }}}}"
  images: [photo.png]
output: "{{{{ scene }}}}-v{{{{ variation }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


@pytest.fixture
def write(tmp_path):
    Image.new("RGB", (400, 400), "red").save(tmp_path / "photo.png")

    def written(prompt="Place", variations=1):
        file = tmp_path / "hero.yaml"
        file.write_text(MANIFEST.format(prompt=prompt, variations=variations))
        return load_manifest(file, today="2026-11-22")

    return written


@pytest.fixture
def store(world, write) -> World:
    """Two jobs, the first of which has its picture."""
    apply(world.database, [write()])
    world.until(AttemptState.SUCCEEDED)
    return world
