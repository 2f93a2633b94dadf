"""`schedule:` in a manifest, and the date and time that its templates see."""

import pytest

from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.core.errors import UsageError
from orchestrator.core.ticks import CatchUp, Overlap, WhenShort
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.yamlio import ProblemsError

MANIFEST = """\
version: 1
name: night
model: kwaivgi/kling-image-o3/edit
run: "{run}"
matrix: {{scene: [beach]}}
params:
  prompt: "a {{{{ scene }}}} of {{{{ date }}}}, {{{{ tick }}}}"
  images: ["https://in.example/a.png"]
{more}
"""
NOON = 1_795_348_800_000  # 2026-11-22T12:00:00Z


@pytest.fixture
def write(tmp_path):
    def written(schedule, *, run="{{ date }}", more=""):
        path = tmp_path / "night.yaml"
        text = f"schedule: {schedule}\n{more}" if schedule else more
        path.write_text(MANIFEST.format(run=run, more=text))
        return path

    return written


def problems(path):
    with pytest.raises(ProblemsError) as caught:
        load_manifest(path, today="2026-11-28")
    return [f"{each.path}: {each.message} {each.hint}".strip() for each in caught.value.problems]


def test_every_word_of_a_schedule_arrives(write):
    path = write(
        '{cron: "30 2  * * MON-FRI", timezone: Europe/Vienna, overlap: queue, '
        "catchup: {mode: all, max_age: 3d}, "
        "budget: 2.50, jitter: 10m, pause_after_failures: 3, when_short: skip, "
        'ping: "https://hc.example/abc"}'
    )
    words = load_manifest(path, today="2026-11-28").schedule
    assert (words.cron, words.timezone) == ("30 2 * * MON-FRI", "Europe/Vienna")
    assert (words.overlap, words.catch_up, words.when_short) == (Overlap.QUEUE, CatchUp.ALL, WhenShort.SKIP)
    assert (words.max_age_ms, words.jitter_ms) == (3 * 86_400_000, 600_000)
    assert (words.budget_micros, words.pause_after_failures) == (2_500_000, 3)
    assert words.ping == "https://hc.example/abc"


def test_a_schedule_of_two_words_has_defaults(write):
    words = load_manifest(write("{cron: 30 2 * * *}"), today="2026-11-28").schedule
    assert (words.timezone, words.overlap, words.catch_up) == ("UTC", Overlap.SKIP, CatchUp.LATEST)
    assert (words.max_age_ms, words.budget_micros, words.ping) == (12 * 3_600_000, None, None)
    everything = load_manifest(write("{cron: 30 2 * * *, catchup: {mode: all}}"), today="2026-11-28").schedule
    assert everything.max_age_ms == 7 * 86_400_000


def test_everything_that_is_wrong_is_said_at_once(write):
    found = problems(
        write(
            '{cron: "61 2 * * *", timezone: Europe/Viena, overlap: queu, '
            'catchup: {max_age: 3}, ping: "ftp:x"}'
        )
    )
    assert found.pop(0).startswith('schedule.cron: the minute "61" cannot be read write minute, hour, day')
    assert found == [
        'schedule.timezone: there is no time zone "Europe/Viena" did you mean "Europe/Vienna"?',
        'schedule.overlap: expected one of skip, queue, got "queu" did you mean "queue"?',
        "schedule.catchup.max_age: expected a length of time such as 12h, got 3",
        "schedule.ping: expected an address such as https://hc-ping.com/UUID",
    ]


def test_an_address_that_is_wrong_is_not_shown(write):
    with pytest.raises(ProblemsError) as caught:
        load_manifest(write('{cron: 30 2 * * *, ping: "hc.example/secret"}'), today="2026-11-28")
    assert "secret" not in str(caught.value)


def test_an_expression_that_never_fires_is_a_mistake(write):
    assert problems(write("{cron: 30 2 30 2 *}")) == [
        'schedule.cron: "30 2 30 2 *" never fires: no day is like that change the day or the month'
    ]


@pytest.mark.parametrize(
    ("run", "cron", "said"),
    [
        ("main", "30 2 * * *", 'write run: "{{ date }}"'),
        ("{{ date }}", "30 2,14 * * *", 'write run: "{{ tick }}"'),
        ("{{ date }}", "0 * * * *", 'write run: "{{ tick }}"'),
    ],
)
def test_a_budget_of_each_tick_needs_a_run_of_each_tick(write, run, cron, said):
    (found,) = problems(write(f'{{cron: "{cron}", budget: 2.00}}', run=run))
    assert found.startswith("schedule.budget: ")
    assert said in found


@pytest.mark.parametrize(("run", "cron"), [("{{ date }}", "30 2 * * *"), ("{{ tick }}", "*/5 * * * *")])
def test_the_run_of_a_tick_is_held_to_the_smaller_of_both_budgets(write, run, cron):
    for own, tick, expected in (("5.00", "2.00", 2_000_000), ("1.00", "2.00", 1_000_000)):
        path = write(f'{{cron: "{cron}", budget: {tick}}}', run=run, more=f"budget: {own}")
        assert load_manifest(path, today="2026-11-28").spec.budget_micros == expected


@pytest.mark.parametrize(("prompt", "refused"), [("a beach", True), ("a beach of {{ date }}", False)])
def test_nights_that_would_ask_for_the_same_are_not_caught_up_one_by_one(write, prompt, refused):
    path = write("{cron: 30 2 * * *, catchup: {mode: all}}", more="regenerate: changed\n")
    text = path.read_text()
    old = next(line for line in text.splitlines() if "prompt:" in line)
    path.write_text(text.replace(old, f'  prompt: "{prompt}"'))
    if not refused:
        assert load_manifest(path, today="2026-11-28").schedule.catch_up is CatchUp.ALL
        return
    said = "each missed tick would ask for the same, and regenerate: changed reuses it write mode: latest"
    assert problems(path) == [f"schedule.catchup: {said}"]


def load(path, **words):
    settings = load_settings(None, {}, path.parent)
    (manifest,) = load_manifests([path], settings, NOON, **words)
    (job,) = manifest.jobs()
    return manifest.spec.run_key, job.params["prompt"].removeprefix("a beach of ")


def test_date_and_tick_are_those_of_the_schedules_zone(write):
    assert load(write("{cron: 30 2 * * *, timezone: Pacific/Auckland}")) == (
        "2026-11-23",
        "2026-11-23, 2026-11-23T01-00",
    )
    assert load(write("")) == ("2026-11-22", "2026-11-22, 2026-11-22T12-00")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-28", "2026-11-28, 2026-11-28T00-00"),
        ("2026-11-28T02:30", "2026-11-28, 2026-11-28T02-30"),
        ("2026-11-28T02:30:59", "2026-11-28, 2026-11-28T02-30"),
        ("2026-11-27T23:30:00Z", "2026-11-28, 2026-11-28T00-30"),
        ("2026-11-28T02:30:00+01:00", "2026-11-28, 2026-11-28T02-30"),
        ("2026-03-29T02:30", "2026-03-29, 2026-03-29T02-30"),
        ("2026-10-25T01:30:00Z", "2026-10-25, 2026-10-25T02-30-2"),
    ],
)
def test_another_moment_is_on_the_wall_of_the_schedule_or_has_an_offset(write, at, expected):
    path = write("{cron: 30 2 * * *, timezone: Europe/Vienna}")
    assert load(path, at=at) == (expected[:10], expected)


@pytest.mark.parametrize("at", ["yesterday", "28.11.2026", "2026-13-01", ""])
def test_what_is_no_moment_is_refused(write, at):
    with pytest.raises(UsageError, match="--at: .* write one such as 2026-11-28T02:30"):
        load(write("{cron: 30 2 * * *}"), at=at)


def test_a_tick_is_what_it_was_whenever_it_is_made(write):
    path = write("{cron: 30 2 * * *, timezone: Europe/Vienna}")
    found = load(path, on=lambda _zone: "2026-11-20T02:30")
    assert found == ("2026-11-20", "2026-11-20, 2026-11-20T02-30")


def test_an_axis_may_not_be_called_tick(tmp_path, write):
    path = write("")
    path.write_text(path.read_text().replace("{scene: [beach]}", "{scene: [beach], tick: [1]}"))
    assert any("the name is taken" in found for found in problems(path))
