"""The file, the files and the column that were meant."""

import os
from pathlib import Path

import pytest
from manifest_files import BASE, PNG, folder, manifest, problems

from orchestrator.manifest.tables.nearest_files import best_name, closest_file, same_but_for_unicode

NAMES = ["Lampe 287.jpg", "Lampe 027.webp", "Mütze.jpg", "tasse-blau.JPG", "IMG_0012.jpg", "readme.txt"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("lampe 027.jpg", "Lampe 027.webp"),
        ("Lampe 28.jpg", None),
        ("Lampen 27.jpg", "Lampe 027.webp"),
        ("Mutze.jpg", "Mütze.jpg"),
        ("Mu\u0308tze.png", "Mütze.jpg"),
        ("tasse blau.jpg", "tasse-blau.JPG"),
        ("IMG_12.jpg", "IMG_0012.jpg"),
        ("IMG_13.jpg", None),
        ("zzz.png", None),
    ],
)
def test_the_nearest_file_has_the_same_stem_first_and_never_other_digits(wanted, found):
    assert best_name(wanted, NAMES) == found


def test_a_name_that_differs_in_what_nobody_sees_names_the_file(tmp_path):
    (tmp_path / "Bro\u0308t\u00a0chen.png").write_bytes(PNG)
    assert same_but_for_unicode(tmp_path / "Br\u00f6t chen.png") == tmp_path / "Bro\u0308t\u00a0chen.png"
    assert same_but_for_unicode(tmp_path / "Brot chen.png") is None
    assert same_but_for_unicode(tmp_path / "none" / "a.png") is None


def test_a_folder_is_read_once_for_all_the_names_that_it_lacks_and_again_when_it_has_changed(
    tmp_path, monkeypatch
):
    for number in range(20):
        (tmp_path / f"tasse {number}.png").write_bytes(PNG)
    read = []
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: read.append(folder) or listed(folder))
    for number in range(50):
        assert same_but_for_unicode(tmp_path / f"hut {number}.png") is None
        assert closest_file(tmp_path / f"zylinder {number}.jpg").startswith("nothing in")
    assert read == [tmp_path]
    (tmp_path / "hut\u00a07.png").write_bytes(PNG)
    os.utime(tmp_path, ns=(1, 1))  # whatever the file system's clock can tell apart
    assert same_but_for_unicode(tmp_path / "hut 7.png") == tmp_path / "hut\u00a07.png"


def test_a_pattern_takes_its_ending_in_any_case_and_names_the_other_ending(tmp_path):
    folder(tmp_path)
    for name in ("IMG_1.JPG", "IMG_2.jpg", "IMG_3.jpeg"):
        (tmp_path / name).write_bytes(PNG + name.encode())
    text = BASE.replace("product: {csv: products.csv}", 'product: {glob: "IMG*.jpg"}')
    text = text.replace("photos/{{ product.photo }}", "{{ product.path }}").replace(
        "product.sku", "product.stem"
    )
    read = manifest(tmp_path, text)
    assert len(list(read.jobs())) == 4
    assert any('to take all: "IMG*.{jpeg,jpg}"' in warning for warning in read.warnings)
    either = manifest(tmp_path, text.replace("IMG*.jpg", "IMG*.{jpg,jpeg}"))
    assert len(list(either.jobs())) == 6
    assert either.warnings == []


ODD = BASE.replace("{csv: products.csv}", "{csv: odd.csv}").replace("product.photo", "product['Image Src']")


@pytest.mark.parametrize(
    ("written", "part", "hint"),
    [
        ("{{ product.Artikel-Nr. }}", "product.Artikel-Nr.", "write {{ product['Artikel-Nr.'] }}"),
        ("{{ product.Artikel-Nr }}", "product.Artikel-Nr", "write {{ product['Artikel-Nr.'] }}"),
        ("{{ product.Image Src | slug }}", "product.Image Src", "write {{ product['Image Src'] }}"),
        ("{{ product['Image Scr'] }}", "Image Scr", "write {{ product['Image Src'] }}"),
    ],
)
def test_a_column_that_a_dot_does_not_reach_is_pointed_at_with_what_to_write(tmp_path, written, part, hint):
    (tmp_path / "odd.csv").write_text("sku,Artikel-Nr.,Image Src\nA,1,one.png\n")
    text = ODD.replace('"Place @Image1 on a {{ scene }}"', f">-\n    Place @Image1\n    near {written}")
    (found,) = problems(tmp_path, text)
    assert found.hint == hint
    assert found.source is not None
    assert found.source[found.column - 1 :].startswith(part)


def test_columns_in_brackets_are_fine(tmp_path):
    (tmp_path / "odd.csv").write_text("sku,Artikel-Nr.,Image Src\nA,1,one.png\n")
    text = ODD.replace('{{ scene }}"', "{{ scene }} {{ product['Artikel-Nr.'] }}\"")
    assert problems(tmp_path, text) == []


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{{ a b }}", '"b" is not expected here'),
        ("{{ }}", "there is nothing between {{ and }}"),
        ("{{ scene. }}", "a name is expected after the dot"),
        ("{{ scene", "it is not closed by }}"),
        ("{{ scene | }}", "something is missing before }}"),
    ],
)
def test_a_template_that_is_none_is_explained_in_our_words(tmp_path, written, words):
    (found,) = problems(tmp_path, BASE.replace('{{ scene }}"', f'{written}"', 1))
    assert words in found.message
