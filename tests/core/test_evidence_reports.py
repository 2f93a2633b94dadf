"""What webhooks reported of doubts: adopted where it is of one alone, contradicted otherwise."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.evidence import WeighedReports, weigh_reports


def test_what_was_reported_for_one_doubt_alone_is_adopted():
    assert weigh_reports([(1, "p1"), (2, "p2")]).adopt == ((1, "p1"), (2, "p2"))


def test_two_reports_for_one_doubt_or_one_for_two_contradict_each_other():
    assert weigh_reports([(1, "p1"), (1, "p2"), (2, "p3")]) == WeighedReports(
        ((2, "p3"),), ((1, ("p1", "p2")),)
    )
    assert weigh_reports([(1, "p1"), (2, "p1")]) == WeighedReports((), ((1, ("p1",)), (2, ("p1",))))


@given(reports=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["p1", "p2", "p3", "p4"])), max_size=8))
def test_every_reported_doubt_gets_one_verdict_and_no_reported_prediction_is_adopted_twice(reports):
    heard = weigh_reports(reports)
    judged = [*(doubt for doubt, _ in heard.adopt), *(doubt for doubt, _ in heard.contradicted)]
    assert sorted(judged) == sorted({doubt for doubt, _ in reports})
    adopted = [name for _, name in heard.adopt]
    assert len(adopted) == len(set(adopted))
    assert set(heard.adopt) <= set(reports)
    assert heard == weigh_reports([*reports, *reports])
