"""Nights that ask what https inputs serve: what they buy, and what they say."""

import pytest
from support.picture_host import PictureHost, applied, counted, planned, reader
from support.world import World

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.addresses import Addresses
from orchestrator.actions.planning.walking.flood import ChangeFloodError
from orchestrator.cli.rendering.plans.plan_documents import plan_document
from orchestrator.cli.rendering.plans.plan_text import plan_text
from orchestrator.core.states import AttemptState
from orchestrator.core.url_inputs import GONE, SILENT, UNTOLD
from orchestrator.settings import load_settings


@pytest.fixture
def host():
    return PictureHost()


@pytest.fixture
def night(tmp_path):
    return reader(tmp_path)


@pytest.fixture
def first(sqlite_world, night, host, monkeypatch) -> World:
    """Three products, whose pictures the first night has made; no question is asked inside of what reads."""
    database = type(sqlite_world.database)
    for name in ("read", "write"):
        monkeypatch.setattr(database, name, counted(getattr(database, name), host))
    applied(sqlite_world, night("2026-11-01"), host)
    for _ in range(3):
        sqlite_world.until(AttemptState.SUCCEEDED)
    host.asked.clear()
    return sqlite_world


def test_three_nights_with_one_changed_picture_buy_one(first, night, host):
    second = applied(first, night("2026-11-02"), host)
    assert (second.new, second.reused) == (0, 3)
    host.serves["b"] = "v2"
    third = applied(first, night("2026-11-03"), host)
    assert (third.new, third.reused, third.at_address) == (1, 2, 1)
    first.until(AttemptState.SUCCEEDED)
    assert applied(first, night("2026-11-04"), host).reused == 3


def test_each_address_is_asked_once_and_one_that_seems_to_be_another_twice(first, night, host):
    host.serves["b"] = "v2"
    addresses, manifest = Addresses(host), night("2026-11-02")
    settings = load_settings(None, {}, manifest.path.parent)
    plan([manifest], settings, first.database, addresses=addresses)
    apply(first.database, [manifest], addresses=addresses)
    urls = [f"https://in.example/{sku}.png?v=1" for sku in "abcb"]
    assert host.asked == urls


def test_a_plan_says_how_many_pictures_changed_at_their_address(first, night, host):
    host.serves |= {"a": "v2", "b": "v2"}
    found = planned(first, night("2026-11-02"), host)
    (row,) = found.manifests
    assert (row.new, row.reused, row.at_address) == (2, 1, 2)
    assert "1 reused, $0.028 avoided, 2 changed at their address" in plan_text(found)
    assert plan_document(found)["totals"]["changed_at_address"] == 2


def test_a_host_that_answers_each_question_otherwise_buys_nothing_and_is_named(first, night, host):
    host.serves["b"] = "rotating*"
    found = planned(first, night("2026-11-02"), host)
    assert found.manifests[0].reused == 3
    assert (
        "1 address of in.example answered each question otherwise: what is unknown counts as unchanged"
        in " ".join(found.warnings)
    )
    assert applied(first, night("2026-11-02"), host).reused == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SILENT, "did not answer"),
        (UNTOLD, "told neither an ETag nor"),
        (None, "1 address was not asked, for want of time"),
    ],
)
def test_what_is_unknown_has_not_changed_and_is_told(first, night, host, answer, said):
    host.serves["b"] = answer
    found = planned(first, night("2026-11-02"), host)
    assert found.manifests[0].reused == 3
    assert any(said in warning for warning in found.warnings)


def test_what_is_unknown_is_made_anew_once_it_is_old(first, night, host):
    host.serves["b"] = UNTOLD
    words = "regenerate: changed\nolder_than: 12h"
    first.clock.advance(13 * 3600)
    assert applied(first, night("2026-11-02", words=words), host).new == 3


def test_changes_at_addresses_are_changes_for_the_guard(first, night, host):
    host.serves |= dict.fromkeys("abc", "v2")
    manifest = night("2026-11-02", words="regenerate: changed\nmax_changed: 20%")
    with pytest.raises(ChangeFloodError, match="3 of 3 jobs are new or changed"):
        applied(first, manifest, host)
    assert applied(first, manifest, host, accept_changes=True).new == 3


def test_a_picture_that_is_gone_is_not_bought_and_its_row_is_named(first, night, host):
    host.serves |= {"d": GONE, "a": GONE}
    found = planned(first, night("2026-11-02", "abcde"), host)
    (row,) = found.manifests
    assert (row.new, row.reused, row.left_alone) == (1, 3, 1)
    (warning,) = [each for each in found.warnings if "404" in each]
    assert "https://in.example/d.png (product d)" in warning
    assert "v=1" not in warning
    assert applied(first, night("2026-11-02", "abcde"), host).left_alone == 1
    host.serves.clear()
    first.until(AttemptState.SUCCEEDED)
    assert applied(first, night("2026-11-03", "abcde"), host).new == 1


def test_before_there_is_a_database_a_plan_leaves_out_what_is_gone(night, host):
    host.serves["a"] = GONE
    manifest = night("2026-11-01")
    found = plan([manifest], load_settings(None, {}, manifest.path.parent), None, addresses=Addresses(host))
    assert (found.manifests[0].new, found.manifests[0].left_alone) == (2, 1)


def test_the_keys_of_jobs_do_not_depend_on_what_is_served(first, night, host):
    """A database of before goes on: nothing is bought anew because of the word itself."""
    nobody = Addresses()
    (found,) = apply(first.database, [night("2026-11-02")], addresses=nobody)
    assert found.reused == 3
    assert nobody.warnings() == []


def test_always_makes_pictures_at_addresses_anew_each_night(first, night, host):
    found = applied(first, night("2026-11-02", words="regenerate: changed\nurl_inputs: always"), host)
    assert (found.new, found.at_address, host.asked) == (3, 0, [])
