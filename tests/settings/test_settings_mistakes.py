"""Every mistake in the configuration is located, and all of them at once."""

import pytest
from settings_files import read

from orchestrator.yamlio import ProblemsError


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("databse_url: x", 1, 1, 'did you mean "database_url"'),
        ("database_url: mysql://x", 1, 15, "expected sqlite:///FILE"),
        ("outputs: x", 1, 10, "expected a mapping"),
        ("outputs: {nsfw: blur}", 1, 17, "one of keep, quarantine, discard"),
        ("outputs: {sidecar: yes}", 1, 20, "write true"),
        ("outputs: {root: ''}", 1, 17, "is empty"),
        ("input_roots: photos", 1, 14, "put it in brackets"),
        ("provider: {base_url: 'http://x.example'}", 1, 22, "use https"),
        ("provider: {base_url: 'https://x.example/api'}", 1, 22, "scheme and host only"),
        ("provider: {base_url: 'https://u:p@x.example'}", 1, 22, "scheme and host only"),
        ("provider: {read_timeout_seconds: 0}", 1, 34, "from 0.1 to 3600"),
        ("provider: {read_timeout_seconds: .inf}", 1, 34, "from 0.1 to 3600"),
        ("limits: {level: platinum}", 1, 17, "one of bronze, silver, gold, ultra"),
        ("limits: {concurrency: 0}", 1, 23, "from 1 to 100000"),
        ("limits: {concurrency: true}", 1, 23, "got true"),
        ("budgets: {account: {day: 0}}", 1, 26, "above 0"),
        ("budgets: {account: {day: 5,00}}", 1, 28, "unknown key"),
        ("budgets: {account: {week: 5}}", 1, 21, "allowed here: total, month, day"),
        ("budgets: {campaigns: {'a b': {total: 5}}}", 1, 23, "not a campaign's name"),
        ("budgets: {on_failed: keep}", 1, 22, "one of hold, release"),
        ("budgets: {timezone: Mars}", 1, 21, "name of a time zone"),
        ("webhook: {url: 'http://hooks.example.com/x'}", 1, 16, "https only"),
        ("webhook: {url: 'https://hooks.example.com'}", 1, 16, "with a path"),
        ("webhook: {url: 'https://u:p@hooks.example.com/x'}", 1, 16, "host and path only"),
        ("webhook: {url: 'https://hooks.example.com/x?a=b'}", 1, 16, "host and path only"),
        ("webhook: {url: 'https://hooks.example.com/x y'}", 1, 16, "host and path only"),
        ("webhook: {url: 'ftp://hooks.example.com/x'}", 1, 16, "with a path"),
        ("webhook: {listen: localhost}", 1, 19, "HOST:PORT"),
        ("webhook: {listen: 'localhost:70000'}", 1, 19, "HOST:PORT"),
        ("webhook: {listen: ':8788'}", 1, 19, "HOST:PORT"),
        ("worker: {poll_min_seconds: 20}", 1, 28, "more than poll_max_seconds"),
        ("retry: {max_attempts: 2.5}", 1, 23, "whole number"),
        ("download: {max_bytes: 1}\ndownload: {}", 2, 1, "twice in one mapping"),
        ("[]", 1, 1, "expected a mapping of settings"),
    ],
)
def test_a_mistake_is_reported_where_it_stands(tmp_path, text, line, column, words):
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, text)
    found = [
        (item.line, item.column) for item in caught.value.problems if words in f"{item.message} {item.hint}"
    ]
    assert (line, column) in found, str(caught.value)


def test_all_mistakes_are_reported_at_once(tmp_path):
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, "outputs: {nsfw: x}\nlimits: {level: y}\nlimts: {}\n")
    assert len(caught.value.problems) == 3
