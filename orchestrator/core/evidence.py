"""What became of a request whose reply was lost: decided from webhooks and the provider's list, never by
guessing.

A *doubt* is an attempt whose POST may have created a prediction; a *candidate* is a prediction of the account
that no attempt holds. They are related when the model is the same and the candidate was created while the
request may have been under way. A *report* is a signed webhook with a doubt's own token. The first rule reads
reports alone; the others take the doubts without a report and the candidates that nobody reported, per group
of related ones:

0. The only prediction that was reported for a doubt, and for no other, is that doubt's, at once. A doubt with
   a report has created something: it is never absent. That none has come proves nothing.
1. The inputs of a candidate equal what a doubt sent: it is that doubt's. Doubts that sent the same are alike.
2. A candidate whose inputs are known and equal no doubt's is somebody else's; but only where the list has
   shown the inputs of a task of ours as we sent them, since where a provider rewrites inputs none are equal.
3. After the settle delay, a doubt with no related candidate created nothing; but not while a candidate that
   no window explains lies near it, as far as the two clocks could ever differ.
4. After the settle delay, a listed candidate that shows no inputs, and that no other doubt of its group can
   have created, is the doubt's that can; then the same for what is left. One that is only on the bill is not:
   the list may lag, and then it says whose it is. Nor is one that was looked up because of the bill, until it
   is so old that the list would show it by now. Nor one that a request may have created which is still on its
   way, or was lost a moment ago: that has to be answered or judged first.
5. As many tasks that failed as doubts that may have created them are given out in any order: nobody has
   pictures of them, and the money is the same.
6. Anything else is left to a person: the money stays held and nothing is sent again.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.relation import SKEW_MS, Candidate, Doubt, groups, near, related

__all__ = (
    "SKEW_MS",
    "Candidate",
    "Doubt",
    "Verdict",
    "WeighedReports",
    "clusters",
    "inputs_digest",
    "judge",
    "related",
    "shown_as_sent",
    "weigh_reports",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says."""

    adopt: tuple[tuple[int, str], ...]  # attempt, prediction
    absent: tuple[int, ...]
    ambiguous: tuple[tuple[int, tuple[str, ...]], ...]  # attempt, its possible predictions
    undecided: tuple[int, ...]  # too early to say


@dataclass(frozen=True, slots=True)
class WeighedReports:
    """What the reports about doubts say."""

    adopt: tuple[tuple[int, str], ...]  # attempt, prediction
    contradicted: tuple[tuple[int, tuple[str, ...]], ...]  # attempt, what was reported for it


def weigh_reports(reports: Iterable[tuple[int, str]]) -> WeighedReports:
    """Rule 0, for (attempt, prediction) of each report; every attempt that was reported comes out exactly
    once.
    """
    by_doubt: dict[int, set[str]] = {}
    claimants: dict[str, set[int]] = {}
    for attempt_id, prediction_id in reports:
        by_doubt.setdefault(attempt_id, set()).add(prediction_id)
        claimants.setdefault(prediction_id, set()).add(attempt_id)
    adopt: list[tuple[int, str]] = []
    contradicted: list[tuple[int, tuple[str, ...]]] = []
    for attempt_id, names in sorted(by_doubt.items()):
        if len(names) == 1 and all(len(claimants[name]) == 1 for name in names):
            adopt.extend((attempt_id, name) for name in names)
        else:
            contradicted.append((attempt_id, tuple(sorted(names))))
    return WeighedReports(tuple(adopt), tuple(contradicted))


def inputs_digest(inputs: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Digest of the given parameters as sent; parameters that are absent do not count."""
    chosen = {key: inputs[key] for key in keys if key in inputs}
    canonical = json.dumps(chosen, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def shown_as_sent(
    ours: Iterable[tuple[Mapping[str, Any] | None, str]], shapes: Collection[tuple[str, ...]]
) -> bool:
    """Whether the list shows some task of ours with its inputs as we sent them, so that other inputs mean
    another task.

    `ours`: what the list shows of each (None: nothing), and the digest of what we sent; `shapes`: sets of
    parameters that may have been sent.
    """
    return any(
        inputs is not None and any(inputs_digest(inputs, keys) == sent for keys in shapes)
        for inputs, sent in ours
    )


def judge(doubts: Sequence[Doubt], candidates: Sequence[Candidate], *, inputs_trusted: bool) -> Verdict:
    """Apply the rules; every doubt comes out exactly once, no prediction is adopted twice.

    `inputs_trusted` says that the list was seen to show inputs as they were sent (rule 2).
    """
    adopted, rest = _match_inputs(doubts, candidates, inputs_trusted=inputs_trusted)
    taken = {prediction_id for _, prediction_id in adopted}
    matched = {attempt_id for attempt_id, _ in adopted}
    open_doubts = [doubt for doubt in doubts if doubt.attempt_id not in matched]
    silent = [candidate for candidate in rest if candidate.prediction_id not in taken]
    anothers = [one for one in silent if one.may_be_anothers]
    free = [one for one in silent if not one.may_be_anothers]
    stray = [one for one in free if not any(related(doubt, one) for doubt in open_doubts)]
    adopt = list(adopted)
    absent: list[int] = []
    ambiguous: list[tuple[int, tuple[str, ...]]] = []
    undecided: list[int] = []
    for group in groups(open_doubts, [one for one in free if one not in stray]):
        nearby = [one for one in stray if group.is_near(one)]
        must_wait = any(related(doubt, one) for doubt in group.doubts for one in anothers)
        found = dict(group.pairs()) if group.is_settled and not nearby else {}
        left = [one.prediction_id for one in group.candidates if one.prediction_id not in found.values()]
        left += [one.prediction_id for one in nearby]
        for attempt_id in (doubt.attempt_id for doubt in group.doubts):
            if not group.is_settled or (must_wait and (attempt_id in found or not left)):
                undecided.append(attempt_id)
            elif attempt_id in found:
                adopt.append((attempt_id, found[attempt_id]))
            elif left:
                ambiguous.append((attempt_id, tuple(left)))
            else:
                absent.append(attempt_id)
    return Verdict(
        adopt=tuple(adopt), absent=tuple(absent), ambiguous=tuple(ambiguous), undecided=tuple(undecided)
    )


def clusters(doubts: Iterable[Doubt]) -> list[list[Doubt]]:
    """Doubts whose windows touch, together: each cluster can be read and judged by itself."""
    found: list[list[Doubt]] = []
    ends_at = 0
    for doubt in sorted(doubts, key=lambda doubt: (doubt.sent_at, doubt.attempt_id)):
        if not found or doubt.sent_at - SKEW_MS > ends_at:
            found.append([])
            ends_at = 0
        found[-1].append(doubt)
        ends_at = max(ends_at, doubt.last_possible_at + SKEW_MS)
    return found


def _match_inputs(
    doubts: Sequence[Doubt], candidates: Sequence[Candidate], *, inputs_trusted: bool
) -> tuple[list[tuple[int, str]], list[Candidate]]:
    """Pairs that sent and show the same inputs, and the candidates whose inputs rule nothing out."""
    adopted: list[tuple[int, str]] = []
    unmatched = sorted(doubts, key=lambda doubt: (doubt.sent_at, doubt.attempt_id))
    silent: list[Candidate] = []
    for candidate in sorted(candidates, key=_pickiest_first):
        inputs = candidate.inputs
        if inputs is None:
            silent.append(candidate)
            continue
        match = next(
            (
                doubt
                for doubt in unmatched
                if doubt.digest is not None
                and near(doubt, candidate)
                and inputs_digest(inputs, doubt.keys) == doubt.digest
            ),
            None,
        )
        if match is not None:
            unmatched.remove(match)
            adopted.append((match.attempt_id, candidate.prediction_id))
        elif not inputs_trusted:
            silent.append(candidate)
    return adopted, silent


def _pickiest_first(candidate: Candidate) -> tuple[bool, int, str]:
    """Oldest first; one without a time fits every doubt, so it must not take the only one that another
    fits.
    """
    return (candidate.created_at is None, candidate.created_at or 0, candidate.prediction_id)
