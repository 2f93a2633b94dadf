"""The transition tables, walked exhaustively."""

import pytest

from orchestrator.core.states import (
    ATTEMPT_AT_PROVIDER,
    ATTEMPT_LIVE,
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    RESERVATION_TRANSITIONS,
    TICK_TRANSITIONS,
    AttemptEvent,
    AttemptState,
    IllegalTransitionError,
    JobEvent,
    JobState,
    ReservationEvent,
    ReservationState,
    TickEvent,
    TickState,
    edges,
    sources,
    step,
)

MACHINES = {
    "job": (
        JOB_TRANSITIONS,
        JobState,
        JobEvent,
        {JobState.PENDING, JobState.REUSED},
        {JobState.SUCCEEDED, JobState.REUSED},
    ),
    "attempt": (
        ATTEMPT_TRANSITIONS,
        AttemptState,
        AttemptEvent,
        {AttemptState.LEASED, AttemptState.IN_FLIGHT},
        {AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.ABANDONED},
    ),
    "reservation": (
        RESERVATION_TRANSITIONS,
        ReservationState,
        ReservationEvent,
        {ReservationState.HELD},
        set(),
    ),
    "tick": (
        TICK_TRANSITIONS,
        TickState,
        TickEvent,
        {TickState.DUE, TickState.MISSED},
        {TickState.DONE},
    ),
}
EACH = pytest.mark.parametrize(
    ("table", "states", "events", "starts", "final"), MACHINES.values(), ids=MACHINES.keys()
)

EDGES = """
None -> leased, in_flight
leased -> submitting, abandoned, in_flight
submitting -> in_flight, failed, abandoned, in_doubt
in_flight -> fetching, failed
fetching -> succeeded, failed
in_doubt -> in_flight, abandoned, failed
"""
"""The attempt's edges as the design words them."""


@EACH
def test_every_state_and_so_every_edge_can_be_reached_from_nothing(table, states, events, starts, final):
    reached = {None}
    while more := {after for (before, _), after in table.items() if before in reached} - reached:
        reached |= more
    assert reached == {None, *states}


@EACH
def test_what_begins_begins_where_the_table_says(table, states, events, starts, final):
    assert {after for (before, _), after in table.items() if before is None} == starts


@EACH
def test_final_states_have_no_way_out_and_others_have_one(table, states, events, starts, final):
    assert {state for state in states if not any(before is state for before, _ in table)} == final


@EACH
def test_every_pair_moves_as_the_table_says_or_is_refused(table, states, events, starts, final):
    for state in (None, *states):
        for event in events:
            if (state, event) in table:
                assert step(table, state, event) is table[state, event]
                assert (state in sources(table, event)) is (state is not None)
                assert (state, table[state, event]) in edges(table)
            else:
                assert state not in sources(table, event)
                with pytest.raises(IllegalTransitionError, match=f"{state} cannot accept {event}"):
                    step(table, state, event)


@EACH
def test_every_event_can_happen(table, states, events, starts, final):
    assert {event for _, event in table} == set(events)


def test_the_attempts_edges_are_those_of_the_documentation():
    documented = {
        (before.strip(), after.strip())
        for line in EDGES.strip().splitlines()
        for before, afters in [line.split("->")]
        for after in afters.split(",")
    }
    assert {(str(before), str(after)) for before, after in edges(ATTEMPT_TRANSITIONS)} == documented


def test_live_is_what_has_a_way_out():
    assert {before for before, _ in ATTEMPT_TRANSITIONS} == {None, *ATTEMPT_LIVE}
    assert ATTEMPT_LIVE - {AttemptState.FETCHING} == ATTEMPT_AT_PROVIDER


def test_nothing_leads_back_to_before_the_post():
    assert [pair for pair, after in ATTEMPT_TRANSITIONS.items() if after is AttemptState.LEASED] == [
        (None, AttemptEvent.CLAIMED)
    ]
    assert sources(ATTEMPT_TRANSITIONS, AttemptEvent.SEND_COMMITTED) == {AttemptState.LEASED}
