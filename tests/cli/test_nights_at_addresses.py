"""Three nights whose pictures are at addresses of a real host, against the sandbox."""

import io

import pytest
from PIL import Image
from support.input_host import input_host

from orchestrator.core.errors import ExitCode

MANIFEST = """\
version: 1
name: nightly
run: "{{{{ date }}}}"
regenerate: changed
model: kwaivgi/kling-image-o3/edit
matrix: {{product: [mug, shoe, hat]}}
params: {{prompt: "a {{{{ product }}}}", images: ["{url}/{{{{ product }}}}.png"]}}
output: "{{{{ run }}}}/{{{{ product }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


@pytest.fixture
def night(shell, provider):
    """Runs the manifest under the key of a night; the summary."""
    with input_host() as host:
        (shell.folder / "nightly.yaml").write_text(MANIFEST.format(url=host.url))

        def run(key: str) -> dict:
            assert shell("run", "nightly.yaml", "--run", key, "--yes", "--json") == ExitCode.DONE
            return shell.document["jobs"]

        def serve(product: str, color: str) -> None:
            picture = io.BytesIO()
            Image.new("RGB", (400, 400), color).save(picture, "PNG")
            host.serves(f"/{product}.png", f'"{color}"', body=picture.getvalue())

        run.shell, run.host, run.serve = shell, host, serve
        run.bought = lambda: len(provider.bill().tasks)
        for product in ("mug", "shoe", "hat"):
            serve(product, "red")
        yield run


def test_three_nights_with_one_picture_changed_at_its_address_buy_one(night):
    assert night("n1")["succeeded"] == 3
    second = night("n2")
    assert (second["succeeded"], second["reused"], night.bought()) == (0, 3, 3)
    night.shell("work", "--drain")
    assert "3 reused, $0.084 avoided" in night.shell.said
    night.serve("shoe", "teal")
    night.shell("plan", "nightly.yaml", "--run", "n3")
    assert "2 reused, $0.056 avoided, 1 changed at their address" in night.shell.said
    third = night("n3")
    assert (third["succeeded"], third["reused"], night.bought()) == (1, 2, 4)
    assert night("n4")["reused"] == 3
    assert night.shell("budget", "audit") == ExitCode.DONE


def test_a_command_asks_each_address_once_and_what_is_gone_is_named(night):
    night("n1")
    heads = sorted(path for method, path in night.host.asked if method == "HEAD")
    assert heads == ["/hat.png", "/mug.png", "/shoe.png"]
    text = (night.shell.folder / "nightly.yaml").read_text()
    (night.shell.folder / "nightly.yaml").write_text(text.replace("hat]", "cap]"))
    assert night.shell("apply", "nightly.yaml", "--run", "n2") == ExitCode.DONE
    assert "2 reused, $0.056 avoided, 1 left alone" in night.shell.said
    assert "nothing is there at 1 address (404 or 410)" in night.shell.said
    assert "cap.png (product cap)" in night.shell.said


def test_a_saved_plan_is_refused_once_an_address_serves_another_picture(night):
    night("n1")
    assert night.shell("plan", "nightly.yaml", "--run", "n2", "--out", "n2.plan") == ExitCode.DONE
    night.serve("hat", "teal")
    assert night.shell("apply", "n2.plan") == ExitCode.USAGE
    assert night.bought() == 3


def test_a_plain_run_asks_nothing(night):
    path = night.shell.folder / "nightly.yaml"
    path.write_text(path.read_text().replace("regenerate: changed\n", ""))
    night("n1")
    assert {method for method, _path in night.host.asked} <= {"GET"}
