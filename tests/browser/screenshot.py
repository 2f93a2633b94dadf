"""Makes docs/review.png, the picture of the review in README: `make screenshot`.

The example batch is run against the sandbox, some pictures are judged, and a browser looks at the page.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from orchestrator.actions.choosing.redo import redo
from orchestrator.actions.choosing.verdicts import give
from orchestrator.actions.planning.apply import Pricing
from orchestrator.app import open_app
from orchestrator.cli import main as cli
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.account.acts import Signature
from orchestrator.web.review.access import Access
from orchestrator.web.review.site import make_review
from orchestrator.web.server import serve

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs" / "review.png"
SIZE = {"width": 1180, "height": 600}


def shoot(link, target, **context):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(**{"viewport": SIZE, **context}).new_page()
        page.goto(link)
        page.wait_for_url("**/review/runs/**")
        page.wait_for_selector(".cell.on")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=target)
        browser.close()


async def main(folder, target, **context):
    signed = Signature("kim", "studio", "review")
    with open_app(folder / "config.yaml", dict(os.environ), folder) as app:
        give(app.database, [1, 5], JobVerdict.ACCEPTED, signed=signed, stars=4)
        give(app.database, [2], JobVerdict.REJECTED, signed=signed, note="too dark")
        redo(app.database, [2], signed=signed)
        access = Access(app.entropy, signed)
        site = make_review(app.database, app.output_root, access, pricing=Pricing, timezone="UTC")
        async with serve(site, "127.0.0.1", 0, connection_seconds=None) as url:
            await asyncio.to_thread(shoot, url + access.link(), target, **context)
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(192).save(target, optimize=True)


if __name__ == "__main__":
    made = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    with tempfile.TemporaryDirectory() as scratch:
        demo = Path(scratch) / "demo"
        assert cli.run(["demo", str(demo)]) == 0
        asyncio.run(main(demo, made))
    print(f"{made}: {made.stat().st_size // 1000} kB")
