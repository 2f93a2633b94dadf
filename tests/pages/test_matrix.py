"""The matrix: a row a product, a column a combination, a cell with every try and, without a picture, the
reason.
"""

from orchestrator.pages.matrix import build, differences
from orchestrator.pages.reasons import Reasons
from orchestrator.store.views.jobs.job_outputs import OutputRow
from orchestrator.store.views.jobs.products import TryRow
from orchestrator.store.views.jobs.waiting import LaneWait


def output(path="a.png", *, state="stored", nsfw=None):
    return OutputRow(
        index=0, kept_from=None, state=state, planned_path="a.png", path=path, sha256="ab" * 32, bytes=9,
        media_type="image/png", width=64, height=48, nsfw=nsfw,
    )  # fmt: skip


def job(number, product="MUG", scene="beach", **more):
    values = {
        "id": number, "run_id": 1, "product": product, "axes": (("sku", product), ("scene", scene)),
        "variation": 1, "ordinal": number, "state": "succeeded", "reason": None, "message": None, "lane_id":
        1, "due_at": None, "images": 1, "price_micros": 28_000, "cost_micros": 0, "created_at": 0,
        "finished_at": 1, "verdict": None, "stars": 0, "note": None, "redo_of": None, "tags": {},
        "local_images": {}, "params": {"prompt": scene}, "outputs": [output()],
    }  # fmt: skip
    return TryRow(**{**values, **more})


def waiting(number, **more):
    return job(number, state="pending", outputs=[output(None, state="planned")], **more)


def test_rows_are_products_and_columns_the_other_axes_in_the_order_of_the_manifest():
    matrix = build([job(1), job(2, scene="alps"), job(3, "SHOE"), job(4, "SHOE", scene="alps")], Reasons())
    assert [row.product for row in matrix.rows] == ["MUG", "SHOE"]
    assert [column.labels for column in matrix.columns] == [("beach",), ("alps",)]
    assert [[cell.choice.id for cell in row.cells] for row in matrix.rows] == [[1, 2], [3, 4]]
    assert matrix.axes == ("sku", "scene")


def test_a_product_without_a_combination_has_an_empty_cell_in_its_place():
    matrix = build([job(1), job(2, scene="alps"), job(4, "SHOE", scene="alps")], Reasons())
    assert [cell.choice and cell.choice.id for cell in matrix.rows[1].cells] == [None, 4]


def test_a_further_try_and_one_after_an_edit_stand_in_the_cell_of_the_first():
    rows = [job(1), job(2, scene="alps"), job(5, redo_of=1, axes=(), variation=2), job(6, redo_of=5), job(7)]
    matrix = build(rows, Reasons())
    assert [[each.id for each in cell.tries] for cell in matrix.rows[0].cells] == [[7, 6, 5, 1], [2]]


def test_the_choice_is_the_accepted_try_else_the_newest_with_a_picture():
    def chosen(*tries):
        return build(tries, Reasons()).rows[0].cells[0].choice.id

    assert chosen(job(1), job(2, redo_of=1)) == 2
    assert chosen(job(1, verdict="accepted"), job(2, redo_of=1)) == 1
    assert chosen(job(1), waiting(2, redo_of=1)) == 1
    assert chosen(waiting(1), waiting(2, redo_of=1)) == 2


def test_a_try_that_is_coming_is_told_beside_the_picture():
    cell = build([job(1), waiting(2, redo_of=1)], Reasons()).rows[0].cells[0]
    assert cell.coming.id == 2
    assert build([job(1)], Reasons()).rows[0].cells[0].coming is None


def test_an_empty_cell_says_why():
    reasons = Reasons({1: LaneWait("budget", "the cap of run x is used up")})
    told = {
        reasons(waiting(1)),
        reasons(waiting(1, lane_id=2)),
        reasons(job(1, state="running", outputs=[])),
        reasons(job(1, state="failed", reason="moderated", message="refused")),
        reasons(job(1, state="failed", reason="bad_input", message="too small")),
        reasons(job(1, state="cancelled", outputs=[])),
        reasons(job(1, outputs=[output(None, state="discarded")])),
        reasons(job(1, outputs=[output(None, state="lost")])),
    }
    assert told == {
        "waits for money: the cap of run x is used up",
        "waits for its turn",
        "being made",
        "refused by moderation: refused",
        "failed: bad_input: too small",
        "cancelled",
        "no picture: flagged, and discarded as the configuration says",
        "no picture: made, and lost before it could be stored",
    }


def test_a_failed_job_keeps_its_labels_and_its_place():
    matrix = build(
        [job(1), job(2, scene="alps", state="failed", outputs=[]), job(3, scene="city")], Reasons()
    )
    assert [cell.column.labels for cell in matrix.rows[0].cells] == [("beach",), ("alps",), ("city",)]
    assert [cell.choice.kind for cell in matrix.rows[0].cells] == ["unseen", "failed", "unseen"]


def test_jobs_from_before_axes_had_names_are_cells_of_their_own():
    matrix = build([job(1, axes=()), job(2, axes=()), job(3, "SHOE", axes=())], Reasons())
    assert [column.labels for column in matrix.columns] == [("#1",), ("#2",)]
    assert matrix.rows[1].cells[1].choice is None


def test_what_lies_in_quarantine_is_shown_blurred_whatever_its_flag_says():
    rows = [job(1, outputs=[output("quarantine/a.png")]), job(2, scene="b", outputs=[output(nsfw=True)])]
    cells = build(rows, Reasons()).rows[0].cells
    assert [cell.choice.pictures[0].flagged for cell in cells] == [True, True]


def test_only_what_differs_is_compared():
    first, second = job(1), job(2, scene="alps", params={"prompt": "alps", "resolution": "2k"}, variation=2)
    assert differences([first, second]) == [
        ("scene", ["beach", "alps"]),
        ("prompt", ["beach", "alps"]),
        ("variation", ["1", "2"]),
        ("resolution", ["", "2k"]),
    ]
