"""A shop's whole day: from its export to one clean accepted picture a cell, by commands and by keyboard."""

import re
from contextlib import contextmanager
from functools import partial

import pytest
from playwright.sync_api import expect, sync_playwright
from review_thread import CHROMIUM, Served, in_thread
from support.shop import make_shop
from support.times import FakeEntropy

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import open_app
from orchestrator.cli import main
from orchestrator.cli.commands.review import review_site
from orchestrator.core.errors import ExitCode
from orchestrator.store.account.acts import Signature
from orchestrator.web.review.access import Access

SCENES = 2


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("ORCHESTRATOR_DATABASE_URL", "ORCHESTRATOR_CONFIG", "WAVESPEED_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def reviewed(folder):
    """The review of the rehearsal in a browser of its own: while one is open, commands cannot run here."""
    access, where = Access(FakeEntropy(), Signature("kim", "here", "review")), Served()
    with (
        open_app(None, {}, folder, sandbox=True, use=Use.CHANGE) as app,
        in_thread(partial(review_site, app, access), where),
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 860})
        page.set_default_timeout(10_000)
        page.goto(where.url + access.link())
        page.wait_for_url("**/review**")
        page.goto(where.url + "/review")
        yield page
        chromium.close()


def press(page, key):
    """Judge the picture that is on; the next one is on then."""
    job = page.locator(".cell.on").get_attribute("data-job")
    page.keyboard.press(key)
    expect(page.locator(f"#j{job}")).to_have_class(re.compile({"p": "accepted", "x": "rejected"}[key]))
    return job


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_shops_day_ends_with_one_accepted_picture_a_cell_under_its_number(folder, capsys):
    shop = make_shop(folder, 12)
    cells = shop.products * SCENES

    def typed(*words, code=ExitCode.DONE):
        capsys.readouterr()
        assert main.run(words) == code, capsys.readouterr()
        return "".join(capsys.readouterr())

    assert f"{cells} jobs" in typed("init", "--from", "photos", "--csv", "products.csv")
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("level: null", "level: ultra"))
    manifest = folder / "photos.yaml"
    manifest.write_text(re.sub(r"(?m)^budget:.*$", "budget: 1.00", manifest.read_text()))
    said = typed("plan", "photos.yaml", "--sandbox")
    assert f"{shop.products} products x {SCENES} scenes" in said
    assert "photos/lampe 011.tif" in said, "the row whose photo is missing is named"
    typed("run", "photos.yaml", "--sandbox", "--sample", "4", "--yes")
    typed("run", "photos.yaml", "--sandbox", "--yes")

    with reviewed(folder) as page:
        rejected = [press(page, "x") for _ in range(3)]
        for _ in range(cells - 3):
            press(page, "p")
        expect(page.locator("#count")).to_contain_text(f"{cells} of {cells} reviewed")
    typed("redo", *rejected, "--prompt", "the product of @Image1 on a plain white table", "--sandbox")
    typed("run", "photos.yaml", "--sandbox", "--yes")
    with reviewed(folder) as page:
        again = [press(page, "p") for _ in range(3)]
    assert not set(again) & set(rejected)

    said = typed("export", "--accepted", "shop", "--as", "{{ tags.sku }}/{{ stem }}.{{ ext }}", "--sandbox")
    assert f"{cells} pictures written" in said
    handed = sorted(path.relative_to(folder / "shop") for path in (folder / "shop").glob("*/*.png"))
    assert len(handed) == cells
    assert {path.parent.name for path in handed} == {
        f"SE-{1000 + number}" for number in range(1, 13) if f"SE-{1000 + number}" not in shop.missing
    }
    assert not [path for path in handed if "~" in path.name]
