"""The static page: whole without a server, by product, the same bytes for the same data."""

import base64
import csv
import hashlib
import json
import re
from html import unescape

import pytest
from sqlalchemy import update

from orchestrator.actions.choosing.verdicts import give
from orchestrator.core.errors import StorageError, UsageError
from orchestrator.core.verdicts import JobVerdict
from orchestrator.pages.report import Form, ReportWish, write_report
from orchestrator.pages.report_files import guarded
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.schema import job_specs
from orchestrator.store.views.runs.named_runs import named_runs, one_run
from orchestrator.store.views.runs.overview import runs


@pytest.fixture
def report(shop, tmp_path):
    def write(name="page.html", **wish):
        with shop.database.read() as tx:
            found = runs(tx)
        wanted = ReportWish(**{"title": "spring/hero", **wish})
        page = write_report(shop.database, shop.root, tmp_path / name, runs=found, wish=wanted)
        return page, page.path.read_text()

    return write


def images(html):
    return re.findall(r'<img src="([^"]+)"', html)


def test_everything_in_the_page_is_inside_it_or_a_relative_link(shop, report):
    shop.apply(["MUG", "SHOE"], ["beach", "alps"])
    shop.make(1, 2, 3)
    page, html = report()
    assert (page.pictures, page.shown, page.missing) == (3, 3, 0)
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", unescape(html))
    assert "default-src 'none'" in unescape(html)
    assert all(each.startswith("data:image/webp") for each in images(html))
    assert len(images(html)) == 5  # three pictures and two sources
    assert 'href="outputs/shop/1.png"' in html


def test_the_policy_admits_exactly_the_script_and_style_of_the_page(shop, report):
    shop.apply(["MUG"], ["beach"])
    html = unescape(report()[1])
    for tag in ("script", "style"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html
    assert " onclick=" not in html
    assert " style=" not in html


def test_the_same_data_gives_the_same_bytes(shop, report):
    shop.apply(["MUG"], ["beach", "alps"])
    shop.make(1)
    assert report("a.html")[1] == report("b.html")[1]
    assert report("c/index.html", form=Form.FOLDER)[1] == report("d/index.html", form=Form.FOLDER)[1]


def test_words_of_a_manifest_cannot_write_into_the_page(shop, report):
    shop.apply(['<script>alert("p")</script>'], ['"><img src=x onerror=alert(1)>'])
    shop.make(1)
    html = report()[1]
    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_of_a_flagged_picture_only_a_blurred_likeness_reaches_the_page(shop, report):
    shop.apply(["MUG"], ["beach"])
    shop.make(1, flagged=True)
    html = report()[1]
    sharp = shop.root / ".orchestrator" / "thumbnails"
    assert [path.name.partition("-")[2] for path in sharp.rglob(f"{shop.sha256(1)}*")] == ["blurred.webp"]
    assert "Flagged picture, blurred" in html
    assert "quarantine/" not in html


def test_a_page_for_clients_holds_no_prompt_price_command_path_or_id(shop, report, tmp_path):
    shop.apply(["MUG"], ["beach", "alps", "city"])
    shop.make(1)
    shop.fail(2)
    html = report("client/index.html", client=True, form=Form.FOLDER)[1]
    files = (
        html + (tmp_path / "client/images.csv").read_text() + (tmp_path / "client/report.json").read_text()
    )
    for word in (
        "MUG at the beach",
        "$",
        "orchestrator run",
        "shop/",
        "moderat",
        "data-job",
        'id="j1',
        "data-row",
    ):
        assert word not in re.sub(r"<(script|style)>.*?</\1>", "", files, flags=re.DOTALL)
    assert not re.search(r"orchestrator (review|redo|accept|jobs|import)", files), "nor in its script"
    assert "MUG" in html
    assert "beach" in html


def test_a_failed_job_stands_in_its_place_with_its_reason(shop, report):
    shop.apply(["MUG", "SHOE"], ["beach", "alps"])
    shop.make(1, 3, 4)
    shop.fail(2)
    html = report()[1]
    order = [html.index(word) for word in (">MUG<", "refused by moderation", ">SHOE<")]
    assert order == sorted(order)
    assert "The content check refused it." in html


def test_what_was_accepted_and_what_it_cost_stands_below_the_pictures(shop, report):
    shop.apply(["MUG", "SHOE"], ["beach"])
    shop.make(1, 2)
    signed = Signature("kim", "here", "accept")
    give(shop.database, [1], JobVerdict.ACCEPTED, signed=signed)
    give(shop.database, [2], JobVerdict.REJECTED, signed=signed)
    html = report()[1]
    assert "1 accepted, 1 rejected" in html
    assert "$0.056 for each accepted picture" in html
    assert "scene: beach" in html
    assert "for each accepted" not in report("client.html", client=True)[1]


def test_a_picture_that_is_gone_says_so_in_its_cell_and_is_counted(shop, report):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)
    shop.path(1).unlink()
    page, html = report()
    assert page.missing == 1
    assert "The file is not there any more." in html


def test_a_page_beside_the_pictures_links_the_small_ones_where_they_are_kept(shop, report):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)
    page, html = report("outputs/hero.html", form=Form.BESIDE)
    assert all((page.path.parent / each).is_file() for each in images(html))


def test_a_folder_holds_all_that_its_page_shows_and_tables_that_no_spreadsheet_runs(shop, report, tmp_path):
    shop.apply(["=cmd()"], ["beach"])
    shop.make(1)
    page, html = report("out/index.html", form=Form.FOLDER)
    assert all((page.path.parent / each).is_file() for each in images(html))
    (row,) = csv.DictReader((tmp_path / "out/images.csv").read_text().splitlines())
    assert row["product"] == "'=cmd()"
    assert row["sha256"] == shop.sha256(1)
    assert json.loads((tmp_path / "out/report.json").read_text())["images"] == 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_cell_that_looks_like_a_formula_is_text(cell):
    assert guarded(cell) == "'" + cell
    assert guarded("plain") == "plain"
    assert guarded(None) == ""


def test_a_limit_shows_whole_products(shop, report):
    shop.apply(["MUG", "SHOE"], ["beach", "alps"])
    shop.make(1, 2, 3, 4)
    page, html = report(limit=1)
    assert (page.shown, page.pictures, page.is_cut) == (2, 4, True)
    assert '<p id="count">2 pictures of 4</p>' in html
    assert ">SHOE<" not in html


def test_a_file_of_somebody_else_is_left_alone(shop, report, tmp_path):
    (tmp_path / "page.html").write_text("<p>mine</p>")
    with pytest.raises(StorageError, match="is no page of this program"):
        report()
    assert (tmp_path / "page.html").read_text() == "<p>mine</p>"


def test_a_name_of_no_run_or_of_several_is_refused_with_those_that_there_are(shop):
    shop.apply(["MUG"], ["beach"], name="hero")
    shop.apply(["MUG"], ["beach"], name="other")
    with shop.database.read() as tx:
        assert one_run(tx, "spring/hero/main").name == "hero"
        with pytest.raises(UsageError, match="There is no run nix.*spring/hero/main, spring/other/main"):
            one_run(tx, "nix")
        with pytest.raises(UsageError, match="main names 2 runs"):
            one_run(tx, "main")
        with pytest.raises(UsageError, match='There is no campaign sprin. Did you mean "spring"'):
            named_runs(tx, campaign="sprin")


def test_a_try_behind_the_one_that_is_shown_is_no_cut_of_the_page(shop, report):
    shop.apply(["MUG", "SHOE"], ["beach"])
    shop.make(1, 2)
    shop.set(2, redo_of=1)
    with shop.database.write() as tx:
        tx.conn.execute(update(job_specs).where(job_specs.c.job_id == 2).values(product="MUG"))
    page, html = report()
    assert (page.pictures, page.shown, page.is_cut) == (2, 1, False)
    assert '<p id="count">1 picture</p>' in html


@pytest.mark.parametrize("client", [False, True])
def test_pictures_of_earlier_runs_are_counted_and_what_they_saved_is_told(shop, report, client):
    shop.apply(["MUG"], ["beach", "alps"], run_key="n1")
    shop.make(1)
    shop.apply(["MUG"], ["beach", "alps"], run_key="n2", name="later")
    shop.set(3, state="reused", queue=None, reused_from=1, finished_at=0)
    shop.make(4)
    facts = re.findall(r'<p class="facts">(.*?)</p>', report(client=client)[1], re.DOTALL)
    assert "earlier runs" not in facts[0]
    assert "reused" not in facts[0]
    assert facts[1].startswith("2 pictures, 1 of them from earlier runs")
    assert ("1 reused, $0.028 avoided" in facts[1]) is not client
    assert report(client=client)[0].pictures == 3
