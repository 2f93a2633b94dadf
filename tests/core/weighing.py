"""Doubts and candidates in few words, and the verdict over them."""

from orchestrator.core.evidence import Candidate, Doubt, inputs_digest, judge

MODEL = "kwaivgi/kling-image-o3/edit"
KEYS = ("images", "prompt")


def inputs(prompt):
    return {"prompt": prompt, "images": ["https://in.example/a.png"]}


def doubt(attempt_id=1, prompt="beach", sent_at=1_000_000, *, settled=True, model=MODEL):
    return Doubt(
        attempt_id=attempt_id,
        model=model,
        digest=inputs_digest(inputs(prompt), KEYS),
        keys=KEYS,
        sent_at=sent_at,
        last_possible_at=sent_at + 130_000,
        settled=settled,
    )


def candidate(name="p1", prompt=None, created_at=1_000_500, model=MODEL):
    return Candidate(
        prediction_id=name,
        model=model,
        created_at=created_at,
        inputs=None if prompt is None else inputs(prompt),
    )


def weigh(doubts, candidates, *, trusted=True):
    return judge(doubts, candidates, inputs_trusted=trusted)
