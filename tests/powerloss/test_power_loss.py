"""Power loss at any moment: what was promised to others is on the disk, and what is on the disk is whole."""

from collections.abc import Iterator

import pytest
from crashes.processes import Processes

from powerloss.plug import pull_the_plug
from powerloss.trace import why_not

pytestmark = pytest.mark.skipif(bool(reason := why_not()), reason=reason)


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as server:
        yield server


def test_every_promise_survives_a_power_loss(processes, tmp_path):
    found = pull_the_plug(processes, tmp_path / "stage")
    assert found.problems == {}
    assert (found.posts, found.answers) == (3, 3)
    assert found.images > 100


@pytest.mark.parametrize(
    ("sabotage", "problems"),
    [
        (
            "synchronous_normal",
            {"a request left whose intent is not durable", "a prediction that was acted on is not durable"},
        ),
        ("no_folder_sync", {"a stored picture has no name"}),
        ("no_picture_sync", {"a picture with a final name is not whole", "a stored picture is not whole"}),
        ("post_first", {"a request left whose intent is not durable"}),
    ],
)
def test_a_broken_promise_is_found(sabotage, problems, processes, tmp_path):
    assert problems <= pull_the_plug(processes, tmp_path / "stage", sabotage, jobs=2).problems.keys()
