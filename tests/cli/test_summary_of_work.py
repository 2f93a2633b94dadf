"""What `run` says at its end of copies and of the list price."""

from orchestrator.core.errors import ExitCode

TWINS = """\
version: 1
name: twins
campaign: sale
model: kwaivgi/kling-image-o3/edit
matrix:
  label: [left, right, middle]
params:
  prompt: "Place @Image1 on a beach"
  images: [photo.png]
output: "twins/{{ label }}-{{ index }}.{{ ext }}"
"""


def test_the_end_says_how_many_files_are_copies_and_at_how_much_of_the_list_price_was_bought(shell, provider):
    provider.change(discount_rate=50)
    shell.manifest()  # brings the picture
    (shell.folder / "twins.yaml").write_text(TWINS)
    assert shell("run", "twins.yaml", "--yes") == ExitCode.DONE
    assert "1 stored, and 2 made as copies" in shell.said
    assert "$0.014 spent, $0.00 held, at 50 % of the list price" in shell.said
    assert shell("run", "twins.yaml", "--yes", "--json") == ExitCode.DONE


def test_without_copies_and_discounts_neither_is_spoken_of(shell, provider):
    assert shell("run", shell.manifest(), "--yes") == ExitCode.DONE
    assert "3 stored\n" in shell.said
    assert "of the list price" not in shell.said
    assert provider.bill().post_count == 3
