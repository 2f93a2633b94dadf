"""What the provider does with time, as far as it says so or was seen to. Every number in ms.

These are facts about somebody else's service, so they are constants and no settings; a rule that adds a
margin of ours to one of them states the margin and its reason where the rule is.
"""

from typing import Final

RETENTION_MS: Final = 7 * 86_400_000
"""How long a task is listed and its pictures can be downloaded, at best (documentation of its predictions
API: the list reaches back seven days, and results are kept as long)."""

REFUND_MS: Final = 3 * 3600 * 1000
"""How long a refund for a failed task may take (its documentation says up to three hours). The setting
`budgets.refund_window_seconds` begins as this and says something else: how long *we* count the money. Whoever
shortens the setting frees money sooner and makes nobody pay faster, so a charge without its refund proves
nothing until this time has passed, whatever the setting says."""

BILL_MARGIN_MS: Final = 3600 * 1000
"""By how much a window for reading the bill is widened at both ends. A record bears the provider's own
time of booking, which its documentation ties to nothing: it was seen before and after the task's own
times, and the two clocks may differ besides. Records outside the window that is meant are matched by task,
so more of them do no harm."""

BILL_SETTLE_MS: Final = 30_000
"""How long after its time a record may still be missing from the bill: only then is what the bill does not
show taken for something that was not booked. A record that is there can be read at once; documentation shows
the charge of a task that has only been created."""
