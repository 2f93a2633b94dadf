"""What can go wrong in a seed, and how often each fault strikes where it is switched on."""

FAULTS = (
    "connect_failed",
    "throttled",
    "rejected",
    "lost_not_created",
    "lost_created",
    "lost_created_late",
    "slow_reply",
    "task_failed",
    "task_moderated",
    "task_timeout",
    "task_slow",
    "nsfw",
    "fewer_outputs",
    "more_outputs",
    "no_outputs",
    "look_lost",
    "look_missing",
    "look_throttled",
    "list_failed",
    "bill_failed",
    "upload_failed",
    "upload_rejected",
    "download_transient",
    "download_gone",
    "download_bad",
    "disk_full",
    "crash",
    "kill",
    "freeze",
    "freeze_before_post",
    "database_busy",
    "database_full",
    "commit_unknown",
    "read_failed",
)

WEBHOOK_FAULTS = (
    "webhook_lost",
    "webhook_late",
    "webhook_twice",
    "webhook_tampered",
    "webhook_replayed",
)
"""What happens to the reports of a provider that is asked for them."""

BILL_FAULTS = ("bill_slides", "refund_twice", "refund_oversized", "refund_partial")
"""Records that are seen on two pages, and refunds that are not the charge."""

ENDING_FAULTS = ("never_ends", "odd_status", "late_outputs", "upstream_refusal", "look_refused")
"""Tasks that never end, that run under a word nobody knows, whose outputs come after they have completed,
that are refused in the words of the model's own provider; and polls that are answered with 400."""

WINDOWS = ("outage", "no_key", "no_credit", "database_away")
"""What lasts for a while."""

LASTING = ("picture", "bill", "list", "input")
"""What stays broken for ever, when all else is well again: see `lasting`."""

THEMES = (
    "calm",
    "mixed",
    "mixed",
    "mixed",
    "lost",
    "lost",
    "crashes",
    "crashes",
    "caps",
    "caps",
    "zombies",
    "long",
    "restored",
)
"""What a seed is about; the more often it is named, the more often it is drawn. `choosing` is asked
for, and drawn by none."""

USUAL: dict[str, float] = {
    "task_slow": 0.05,
    "crash": 0.004,
    "kill": 0.002,
    "freeze": 0.002,
    "freeze_before_post": 0.02,
    "disk_full": 0.01,
    "rejected": 0.03,
    "upload_rejected": 0.03,
    "download_gone": 0.05,
    "database_busy": 0.01,
    "database_full": 0.001,
    "commit_unknown": 0.01,
    "read_failed": 0.01,
}
"""The usual chance of a fault each time it could strike; 0.08 of one that is not named."""

STRONG: dict[str, dict[str, float]] = {
    "calm": {},
    "mixed": {},
    "lost": {"lost_created": 0.25, "lost_not_created": 0.2, "lost_created_late": 0.15, "kill": 0.002},
    "crashes": {"crash": 0.02, "kill": 0.01},
    "caps": {"task_failed": 0.3},
    "zombies": {"freeze": 0.01, "freeze_before_post": 0.15, "slow_reply": 0.2},
    "long": {},
    "restored": {},
    "alone": {"lost_created_late": 0.4, "crash": 0.0, "kill": 0.0, "freeze": 0.0, "freeze_before_post": 0.0},
    "billed": {"lost_not_created": 0.4, "crash": 0.0, "kill": 0.0, "freeze": 0.0},
    "prices": {"crash": 0.0, "kill": 0.0, "freeze": 0.0, "rejected": 0.0},
    "choosing": {"crash": 0.01},
    "steered": {"crash": 0.01},
    "staged": {"crash": 0.01},
    "nights": {"crash": 0.01},
}
"""The chances that a theme sets, whatever the dice say. A theme that is named here alone is drawn by no dice,
but asked for."""
