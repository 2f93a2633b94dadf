"""Sidecars follow what is said of their pictures, whole, and never those of another picture."""

import json

import pytest
from support.studio import Studio

from orchestrator.actions.choosing.sidecar_choices import tell_choices
from orchestrator.artifacts.moving import FolderMover
from orchestrator.artifacts.shelf import FolderShelf
from orchestrator.core.sidecar import SidecarError
from orchestrator.store.choosing.told_choices import told_choice


@pytest.fixture
def shop(world, tmp_path) -> Studio:
    """Two tries of one cell, of which the newer one has its name."""
    studio = Studio(world, tmp_path / "outputs")
    studio.edited("first", b"one")
    studio.edited("second", b"two")
    studio.move()
    return studio


def said(shop: Studio) -> dict[str, dict]:
    found = {path: json.loads(path.read_bytes()) for path in shop.root.rglob("*.png.json")}
    return {str(path.relative_to(shop.root)): each for path, each in found.items()}


def tell(shop: Studio, *ids: int) -> int:
    return tell_choices(shop.world.database, FolderShelf(shop.root), ids or None)


def test_the_last_word_is_beside_the_picture_wherever_it_lies_and_goes_when_it_is_taken_back(shop):
    shop.judge(1, "accepted")
    shop.move()
    assert tell(shop, 1) == 0
    told = said(shop)["shop/mug.png.json"]
    assert (told["job"], told["choice"]["verdict"], told["choice"]["who"]) == (1, "accepted", "ada")
    assert told_choice(told).at == told["choice"]["at_ms"]
    shop.judge(1, None)
    shop.move()
    assert tell(shop) == 0
    assert all("choice" not in each for each in said(shop).values())
    shop.agrees()


def test_what_was_said_where_the_files_are_not_is_written_where_they_are(shop, tmp_path):
    shop.judge(2, "rejected")
    elsewhere = FolderShelf(tmp_path / "another host")
    assert tell_choices(shop.world.database, elsewhere, [2]) == 1
    assert not (tmp_path / "another host").exists()
    assert tell(shop) == 0, "of all that were ever judged"
    assert [each["choice"]["verdict"] for each in said(shop).values() if "choice" in each] == ["rejected"]


def test_the_sidecar_of_another_picture_a_missing_and_a_moving_one_are_left_alone(shop):
    shop.judge(2, "rejected")
    shop.move()
    before = said(shop)
    with FolderMover(shop.root).alone() as mine:
        assert mine
        assert tell(shop, 2) == 1
    (name,) = (name for name, each in before.items() if each["job"] == 2)
    path = shop.root / name
    path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": "0" * 64}))
    assert tell(shop, 2) == 1
    path.unlink()
    assert tell(shop, 2) == 1
    assert not path.exists()
    del before[name]
    assert said(shop) == before


@pytest.mark.parametrize(
    "odd", ["accepted", {}, {"stars": 9}, {"verdict": "lovely"}, {"at_ms": -1}, {"note": 5}, {"source": "x"}]
)
def test_an_odd_word_in_a_sidecar_is_none(odd):
    good = {"verdict": "accepted", "who": "ada", "host": "here", "at_ms": 5, "source": "page"}
    assert told_choice({"choice": good}).opinion.words == "accepted"
    wrong = {**good, **odd} if odd and isinstance(odd, dict) else odd
    with pytest.raises(SidecarError, match="odd `choice`"):
        told_choice({"choice": wrong})
