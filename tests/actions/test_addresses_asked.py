"""When the hosts of https inputs are asked, and what is wrong with words about it."""

from dataclasses import replace

import pytest
from support.night_studio import NightStudio
from support.picture_host import PictureHost, applied, reader

from orchestrator.actions.planning.walking.addresses import Addresses
from orchestrator.core.nights import Regenerate
from orchestrator.core.url_inputs import SILENT
from orchestrator.manifest import load_manifest
from orchestrator.store.db.schema import job_specs
from orchestrator.store.schedules.expanding import TickVerdict
from orchestrator.yamlio import ProblemsError


@pytest.fixture
def host():
    return PictureHost()


@pytest.fixture
def night(tmp_path):
    return reader(tmp_path)


@pytest.mark.parametrize(
    ("words", "more", "asks"),
    [
        ("", {}, False),
        ("", {"regenerate": Regenerate.CHANGED}, True),
        ("regenerate: all", {}, False),
        ("regenerate: changed", {"regenerate": Regenerate.ALL}, True),  # for the nights after it
        ("regenerate: failed", {}, True),
        ("regenerate: changed\nurl_inputs: url", {}, False),
        ("regenerate: changed\nurl_inputs: always", {}, False),
        ('schedule: {cron: "0 2 * * *", timezone: UTC}', {}, True),
    ],
)
def test_hosts_are_asked_where_a_night_goes_by_it_or_a_later_one_will(
    sqlite_world, night, host, words, more, asks
):
    applied(sqlite_world, night("2026-11-01", words=words, **more), host)
    assert len(host.asked) == (3 if asks else 0)
    assert [row.seen_urls is not None for row in sqlite_world.rows(job_specs)] == [asks] * 3


def test_a_run_that_goes_on_asks_nothing_about_the_jobs_it_has(sqlite_world, night, host):
    applied(sqlite_world, night("2026-11-01"), host)
    host.asked.clear()
    applied(sqlite_world, night("2026-11-01", "abcd"), host)
    assert host.asked == ["https://in.example/d.png?v=1"]


@pytest.mark.parametrize(("word", "said"), [("maybe", "etag, url, always"), ("etags", 'did you mean "etag"')])
def test_a_wrong_word_says_which_there_are(night, word, said):
    with pytest.raises(ProblemsError) as caught:
        night("2026-11-01", words=f"url_inputs: {word}")
    (problem,) = caught.value.problems
    assert said in f"{problem.message} {problem.hint}"


def test_an_address_without_a_host_is_told_before_anybody_is_asked(sqlite_world, night, host):
    manifest = night("2026-11-01")
    text = manifest.path.read_text().replace("https://in.example/", "https:///")
    manifest.path.write_text(text)
    with pytest.raises(ProblemsError, match="no host"):
        applied(sqlite_world, load_manifest(manifest.path, today="2026-11-01"), host)
    assert host.asked == []


def test_a_tick_asks_anew_and_says_what_has_changed(sqlite_world, tmp_path, host):
    studio = NightStudio(sqlite_world, tmp_path)
    studio.add()
    studio.path.write_text(studio.path.read_text().replace(" at {{ tick }}", "") + "regenerate: changed\n")
    studio.expander = replace(studio.expander, addresses=lambda: Addresses(host))
    studio.expand()
    studio.nights.succeed()
    studio.nights.settle()
    host.serves["a"] = "v2"
    again = studio.expand(studio.order("2026-11-24T01:30"))
    assert again.verdict is TickVerdict.APPLIED
    assert again.message == "2 new jobs, 0 there already, 2 changed at their address"
    host.serves["a"] = SILENT
    studio.nights.succeed()
    studio.nights.settle()
    last = studio.expand(studio.order("2026-11-25T01:30"))
    assert last.message == (
        "0 new jobs, 0 there already, 2 reused; 1 address of in.example did not answer: what is unknown "
        "counts as unchanged"
    )
