"""`compare: pixels`: what a picture shows decides whether it is another input, and is worked out once."""

import os

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from orchestrator.manifest import load_manifest

MANIFEST = """\
version: 1
name: nightly
model: kwaivgi/kling-image-o3/edit
compare: {compare}
matrix: {{photo: {{glob: "*.png"}}}}
params: {{prompt: "Place @Image1", images: ["{{{{ photo.path }}}}"]}}
output: "{{{{ photo.stem }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


@pytest.fixture
def keys(tmp_path):
    """The job key of the only photo, and how many photos were decoded for it."""
    Image.radial_gradient("L").resize((400, 400)).convert("RGB").save(tmp_path / "mug.png")

    def found(compare: str = "pixels", *, keep: bool = True) -> tuple[str, int]:
        (tmp_path / "nightly.yaml").write_text(MANIFEST.format(compare=compare))
        kept = tmp_path / "outputs/.orchestrator/pixels.json"
        manifest = load_manifest(tmp_path / "nightly.yaml", today="2026-11-28", kept=kept)
        (spec,) = manifest.jobs()
        if keep:
            manifest.keep_pixels()
        pixels = manifest._blueprint.pictures.pixels
        return spec.key, 0 if pixels is None else pixels.decoded

    found.photo = tmp_path / "mug.png"
    return found


def export_again(path) -> None:
    words = PngInfo()
    words.add_text("Software", "another program")
    with Image.open(path) as image:
        image.load()
        image.save(path, pnginfo=words, compress_level=1)


def retouch(path) -> None:
    with Image.open(path) as image:
        image.load()
        image.putpixel((3, 3), (255, 0, 0))
        image.save(path)


def test_a_re_export_is_the_same_input_by_its_pixels_and_another_by_its_bytes(keys):
    before = keys()[0], keys("bytes")[0]
    export_again(keys.photo)
    assert keys()[0] == before[0]
    assert keys("bytes")[0] != before[1]


def test_one_other_pixel_is_another_input(keys):
    before = keys()[0]
    retouch(keys.photo)
    assert keys()[0] != before


def test_a_photo_is_decoded_once_and_not_again_each_night(keys):
    assert keys()[1] == 1
    assert keys()[1] == 0
    os.utime(keys.photo, ns=(1, 1))
    assert keys()[1] == 1


def test_whoever_only_looks_keeps_nothing(keys):
    assert keys(keep=False)[1] == 1
    assert not (keys.photo.parent / "outputs").exists()


def test_what_was_kept_and_cannot_be_read_costs_only_time(keys):
    key = keys()[0]
    (keys.photo.parent / "outputs/.orchestrator/pixels.json").write_text("{")
    assert keys() == (key, 1)


def test_a_turned_photo_is_what_it_shows(keys, tmp_path):
    key = keys()[0]
    with Image.open(keys.photo) as image:
        image.load()
        turned = image.transpose(Image.Transpose.ROTATE_90)
        exif = turned.getexif()
        exif[0x0112] = 6  # shown turned by 90 degrees to the right
        turned.save(keys.photo, exif=exif)
    assert keys()[0] == key
