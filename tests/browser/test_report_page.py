"""A report opened from disk, as a client does: verdicts are kept, saved, and taken by the import."""

import re

import pytest
from playwright.sync_api import expect

from orchestrator.actions.choosing.verdict_file import check_file, read_file
from orchestrator.pages.report import ReportWish, write_report
from orchestrator.store.db.identity import ensure
from orchestrator.store.views.runs.overview import runs


@pytest.fixture
def report(shop, chromium, tmp_path):
    with shop.database.write() as tx:
        ensure(tx)
    shop.apply(["MUG", "SHOE"], ["beach", "alps"])
    shop.make(1, 2, 3)
    with shop.database.read() as tx:
        found = runs(tx)
    wish = ReportWish("spring/hero", client=True)
    made = write_report(shop.database, shop.root, tmp_path / "page.html", runs=found, wish=wish)
    context = chromium.new_context(accept_downloads=True)
    page = context.new_page()
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.goto(made.path.as_uri())
    yield page
    context.close()


def test_verdicts_given_in_a_report_are_saved_as_the_import_wants_them(shop, report):
    report.get_by_role("button", name="Give verdicts").click()
    cells = report.locator(".cell[data-ref]").filter(has=report.locator("img"))
    cells.nth(0).get_by_label("accept").check()
    cells.nth(2).get_by_label("reject").check()
    cells.nth(2).get_by_placeholder("note").fill("zu dunkel – ✕")
    cells.nth(2).get_by_placeholder("note").blur()
    expect(cells.nth(2)).to_have_class(re.compile("rejected"))
    report.reload()
    expect(report.locator(".cell.rejected")).to_have_count(1)
    with report.expect_download() as download:
        report.get_by_role("button", name="Save verdicts.json").click()
    said = read_file(download.value.path().read_text())
    checked = check_file(shop.database, said)
    assert checked.problems == []
    assert {job: (each.verdict, each.note) for job, each in checked.jobs.items()} == {
        1: ("accepted", ""),
        3: ("rejected", "zu dunkel – ✕"),
    }
    assert report.troubles == []


def test_products_are_filtered_by_name(report):
    report.locator("#filter").fill("sho")
    expect(report.locator(".product:visible")).to_have_count(1)
    report.locator("#filter").fill("zzz")
    expect(report.locator("#none")).to_be_visible()
