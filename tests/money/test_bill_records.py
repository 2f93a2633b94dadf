"""What the records of a bill add up to, however its pages slide while it is read."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.ports import BillingRecord
from orchestrator.ports.paging import Bill, Billed


def test_records_are_summed_by_task():
    bill = Bill()
    bill.add(
        [
            BillingRecord(id="1", prediction_id="a", kind="deduct", micros=20, created_at_ms=0),
            BillingRecord(id="2", prediction_id="a", kind="deduct", micros=8, created_at_ms=0),
            BillingRecord(id="3", prediction_id="a", kind="refund", micros=5, created_at_ms=0),
            BillingRecord(id="4", prediction_id="stranger", kind="deduct", micros=99, created_at_ms=0),
        ]
    )
    assert bill.by_prediction() == {"a": Billed(28, 5), "stranger": Billed(99, 0)}


def test_a_deduct_and_its_refund_are_two_records_even_under_one_id():
    bill = Bill()
    bill.add(
        [
            BillingRecord(id="1", prediction_id="a", kind="deduct", micros=20, created_at_ms=0),
            BillingRecord(id="1", prediction_id="a", kind="refund", micros=20, created_at_ms=1),
        ]
    )
    assert bill.by_prediction() == {"a": Billed(20, 20)}


@given(st.data())
def test_a_list_that_slides_while_it_is_read_adds_up_to_what_it_is(data):
    """With ids and without, and with records that are alike in all but their ids."""
    kinds = st.sampled_from(["deduct", "refund"])
    rows = data.draw(st.lists(st.tuples(st.sampled_from("ab"), kinds, st.integers(1, 9)), max_size=30))
    named = data.draw(st.booleans())
    records = [
        BillingRecord(
            id=f"r{number}" if named else "",
            prediction_id=task,
            kind=kind,
            micros=micros,
            created_at_ms=number,
        )
        for number, (task, kind, micros) in enumerate(rows)
    ]
    whole, read = Bill(), Bill()
    whole.add(records)
    first = 0
    while first < len(records):
        read.add(records[first : first + 5])
        first += data.draw(st.integers(1, 5))
    assert read.by_prediction() == whole.by_prediction()
    assert len(whole.records) == len(read.records) == len(records)


def test_records_without_an_id_that_are_alike_on_one_page_are_as_many():
    bill = Bill()
    page = [BillingRecord(id="", prediction_id="a", kind="refund", micros=5, created_at_ms=0)] * 2
    bill.add(page)
    bill.add(page)
    assert bill.by_prediction() == {"a": Billed(0, 10)}
