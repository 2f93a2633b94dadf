"""What is handed over: exactly the accepted pictures, whole, under their names."""

import csv
import hashlib
import io
from contextlib import suppress
from dataclasses import replace
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from orchestrator.actions.choosing import export, handover_record
from orchestrator.actions.choosing.export import to_archive, to_folder
from orchestrator.actions.choosing.handover_names import named
from orchestrator.core.errors import StorageError, UsageError
from orchestrator.store.views.jobs.accepted import AcceptedPicture


def png(shade: int, size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, shade, 255 - shade)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "outputs"


def accepted(root, job: int = 1, *, data: bytes | None = None, **changes: object) -> AcceptedPicture:
    """A picture that lies in the output root."""
    data = png(job) if data is None else data
    picture = AcceptedPicture(
        job_id=job,
        index=0,
        campaign="sale",
        name="hero",
        run="main",
        variation=1,
        axes=(("p", f"MUG-{job}"), ("scene", "beach")),
        tags={"sku": f"MUG-{job}"},
        path=f"hero/MUG-{job}.png",
        stored_path=f"hero/MUG-{job}.png",
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="image/png",
        width=64,
        height=48,
        nsfw=False,
        recipes={},
        by="ada",
        at=1_000,
    )
    picture = replace(picture, **changes)  # type: ignore[arg-type]
    path = root / picture.stored_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return picture


def files(target) -> dict[str, bytes]:
    return {
        str(path.relative_to(target)): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file() and not path.name.startswith(".handover")
    }


def hand_over(root, target, pictures, **words):
    return to_folder(root, named(pictures, {}, **words), target=target, progress=lambda done: None)


def test_pictures_go_over_byte_by_byte_under_their_clean_names_with_a_list(root, tmp_path):
    picture = accepted(root, stored_path="hero/.superseded/MUG-1~try-2.png")
    done = hand_over(root, tmp_path / "shop", [picture])
    found = files(tmp_path / "shop")
    assert (done.written, done.refused) == (1, [])
    assert found.pop("hero/MUG-1.png") == png(1)
    (line,) = csv.DictReader(io.StringIO(found.pop("handover.csv").decode("utf-8-sig")))
    assert (line["file"], line["p"], line["scene"], line["sku"]) == (
        "hero/MUG-1.png",
        "MUG-1",
        "beach",
        "MUG-1",
    )
    assert (line["sha256"], line["accepted_by"], line["accepted_at"]) == (
        picture.sha256, "ada", "1970-01-01T00:00:01Z",
    )  # fmt: skip
    assert not found


def test_a_second_hand_over_writes_what_is_new_keeps_what_is_there_and_withdraws_the_rest(root, tmp_path):
    first, second, third = (accepted(root, job) for job in (1, 2, 3))
    hand_over(root, tmp_path / "shop", [first, second])
    done = hand_over(root, tmp_path / "shop", [second, third])
    assert (done.written, done.unchanged, list(done.withdrawn)) == (1, 1, ["hero/MUG-1.png"])
    assert set(files(tmp_path / "shop")) == {"hero/MUG-2.png", "hero/MUG-3.png", "handover.csv"}


def test_another_choice_under_the_same_name_replaces_what_was_handed_over(root, tmp_path):
    hand_over(root, tmp_path / "shop", [accepted(root)])
    done = hand_over(root, tmp_path / "shop", [accepted(root, data=png(99))])
    assert (done.written, done.unchanged, done.withdrawn) == (1, 0, {})
    assert files(tmp_path / "shop")["hero/MUG-1.png"] == png(99)


@pytest.mark.parametrize("name", ["hero/MUG-1.png", "handover.csv"])
def test_a_file_of_somebody_else_stops_the_hand_over_before_anything_is_written(root, tmp_path, name):
    theirs = tmp_path / "shop" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"mine")
    with pytest.raises(UsageError, match=f"did not write.*\n  {name}\nNothing was written"):
        hand_over(root, tmp_path / "shop", [accepted(root), accepted(root, 2)])
    assert files(tmp_path / "shop") == {name: b"mine"}


def test_a_retouched_file_is_neither_overwritten_nor_withdrawn(root, tmp_path):
    shop = tmp_path / "shop"
    hand_over(root, shop, [accepted(root), accepted(root, 2)])
    (shop / "hero/MUG-1.png").write_bytes(b"retouched")
    with pytest.raises(UsageError, match="changed since"):
        hand_over(root, shop, [accepted(root, data=png(99)), accepted(root, 2)])
    done = hand_over(root, shop, [accepted(root, 2)])
    assert done.left_alone == ["hero/MUG-1.png"]
    assert files(shop)["hero/MUG-1.png"] == b"retouched"


def test_a_link_is_never_followed_or_replaced(root, tmp_path):
    (tmp_path / "shop/hero").mkdir(parents=True)
    (tmp_path / "far.png").write_bytes(png(1))
    (tmp_path / "shop/hero/MUG-1.png").symlink_to(tmp_path / "far.png")
    with pytest.raises(UsageError, match=r"hero/MUG-1\.png"):
        hand_over(root, tmp_path / "shop", [accepted(root)])


def test_a_changed_or_missing_picture_is_named_and_the_others_go_over(root, tmp_path):
    gone, changed, good = (accepted(root, job) for job in (1, 2, 3))
    (root / gone.stored_path).unlink()
    (root / changed.stored_path).write_bytes(png(2)[:-20])
    done = hand_over(root, tmp_path / "shop", [gone, changed, good])
    assert [each.job_id for each in done.refused] == [1, 2]
    assert all("orchestrator outputs check --fetch" in each.reason for each in done.refused)
    assert set(files(tmp_path / "shop")) == {"hero/MUG-3.png", "handover.csv"}


def test_a_recipe_of_the_manifest_goes_before_one_of_the_configuration_and_a_ready_one(root, tmp_path):
    written = {
        "width": 32,
        "format": "jpeg",
        "metadata": {"title": "{{ tags.sku }} at the beach", "ai": "edited"},
    }
    picture = accepted(root, recipes={"web": written})
    chosen = named([picture], {"web": {"width": 8}}, recipe="web")
    to_folder(root, chosen, target=tmp_path / "shop", progress=lambda done: None)
    made = Image.open(io.BytesIO((tmp_path / "shop/hero/MUG-1.jpg").read_bytes()))
    assert made.size == (32, 24)
    assert b"MUG-1 at the beach" in made.info["xmp"]
    assert named([accepted(root)], {"web": {"width": 8}}, recipe="web")[0].recipe.width == 8
    assert named([accepted(root)], {}, recipe="web")[0].recipe.width == 1600


def test_a_recipe_that_would_enlarge_refuses_each_picture_with_what_helps(root, tmp_path):
    done = to_folder(
        root,
        named([accepted(root)], {}, recipe="marketplace"),
        target=tmp_path / "shop",
        progress=lambda done: None,
    )
    assert "64 x 48 is too small for 2000 x 2000" in done.refused[0].reason
    assert set(files(tmp_path / "shop")) == {"handover.csv"}


def test_an_unknown_recipe_names_those_there_are(root):
    with pytest.raises(UsageError, match=r"No recipe 'shp'.*shop.*did you mean"):
        named([accepted(root, recipes={"shop": {}})], {}, recipe="shp")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ sku }}.{{ ext }}", "available here: .*tags"),
        ("{{ tags.sku }}", "does not end with a picture's extension"),
        ("../{{ stem }}.{{ ext }}", r"never leave the output root"),
        ("same.{{ ext }}", "2 pictures would be called same.png: jobs 1, 2"),
        ("{{ tags.nix }}.{{ ext }}", "nix"),
        ("{{", "template"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_before_anything_is_written(root, template, said):
    with pytest.raises(UsageError, match=said):
        named([accepted(root), accepted(root, 2)], {}, template=template)


def test_an_archive_of_the_same_pictures_has_the_same_bytes(root, tmp_path):
    pictures = [accepted(root, job) for job in (2, 1)]
    for name in ("a.zip", "b.zip", "b.zip"):
        to_archive(
            root, named(pictures, {}, recipe="web"), target=tmp_path / name, progress=lambda done: None
        )
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["handover.csv", "hero/MUG-1.webp", "hero/MUG-2.webp"]
        assert archive.testzip() is None
    (tmp_path / "mine.zip").write_bytes(b"PK mine")
    with pytest.raises(StorageError, match="left alone"):
        to_archive(root, named(pictures, {}), target=tmp_path / "mine.zip", progress=lambda done: None)


def test_a_cell_that_a_spreadsheet_would_run_is_text(root, tmp_path):
    hand_over(root, tmp_path / "shop", [accepted(root, tags={"sku": '=cmd|"/c calc"!A1'})])
    assert b"'=cmd" in files(tmp_path / "shop")["handover.csv"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    nights=st.lists(
        st.tuples(st.dictionaries(st.integers(1, 4), st.integers(0, 3), max_size=4), st.integers(0, 12)),
        min_size=1,
        max_size=4,
    )
)
def test_however_often_it_was_cut_off_the_folder_ends_as_the_last_choice(tmp_path_factory, nights):
    """`nights` are what is accepted (job: which try) and after how many writes the disk is full."""
    tmp_path = tmp_path_factory.mktemp("nights")
    root, shop = tmp_path / "outputs", tmp_path / "shop"
    write = handover_record.write_whole
    for choice, writes in nights:
        pictures = [accepted(root, job, data=png(10 * job + each)) for job, each in choice.items()]
        left = iter(range(writes))

        def until_full(path, data, left=left):
            if next(left, None) is None:
                raise OSError(28, "No space left on device", str(path))
            write(path, data)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(export, "write_whole", until_full)
            patched.setattr(handover_record, "write_whole", until_full)
            with suppress(StorageError):
                hand_over(root, shop, pictures)
    hand_over(root, shop, pictures)
    found = files(shop)
    found.pop("handover.csv")
    assert found == {f"hero/MUG-{job}.png": png(10 * job + each) for job, each in choice.items()}
