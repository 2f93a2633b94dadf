"""A month's statement as JSON and as CSV: amounts in US dollars, decimal text."""

from collections.abc import Iterator
from typing import Any

from orchestrator.actions.reconciling.close_month import ClosingAnswer
from orchestrator.actions.reconciling.month_bridge import WORDS
from orchestrator.actions.reconciling.month_rows import StatementRow
from orchestrator.actions.reconciling.month_statement import MonthStatement
from orchestrator.cli.rendering.money.month_text import COUNTS, MONEY, REUSE
from orchestrator.core import spreadsheet
from orchestrator.core.moments import iso_time
from orchestrator.core.spreadsheet import Amount
from orchestrator.store.views.money.month_lines import ClosedMonth

Json = dict[str, Any]


def statement_document(found: MonthStatement) -> Json:
    """Both views, the bridge, the balance, and what does not add up."""
    whole = found.billed_total
    return {
        "month": found.month,
        "timezone": found.timezone,
        "by": list(found.by),
        "over": found.is_over,
        "closed": None if found.closed is None else _closed(found.closed),
        "booked": {
            "rows": [_booked_row(found, row) for row in found.booked],
            "total": {name: _usd(getattr(found.booked_total, name)) for name in MONEY},
        },
        "billed": {
            "rows": [
                {**dict(zip(found.by, row.values, strict=True)), **_billed(row.charged, row.refunded)}
                for row in found.billed
            ],
            "others": [
                {"what": row.what, **_billed(row.charged, row.refunded)}
                for row in (*found.others, *found.parts)
            ],
            "total": _billed(whole.charged, whole.refunded),
        },
        "bridge": [
            {"reason": line.reason, "words": WORDS[line.reason], "usd": _usd(line.micros)}
            for line in found.bridge
        ],
        "balance": _balance(found),
        "wrong": list(found.wrong),
        "next_command": "orchestrator budget audit" if found.wrong else None,
        "spends": False,
    }


def closing_document(answer: ClosingAnswer) -> Json:
    """What came of closing a month."""
    return {
        "month": answer.statement.month,
        "closed": None if answer.closed is None else _closed(answer.closed),
        "already": answer.already,
        "wrong": list(answer.wrong),
        "next_command": "orchestrator budget audit"
        if answer.wrong
        else f"orchestrator report month {answer.statement.month}",
        "spends": False,
    }


def booked_csv(found: MonthStatement) -> Iterator[str]:
    """The booked view: a line for each group, none for the total, so that a column can be summed."""
    yield spreadsheet.MARK + spreadsheet.row([*found.by, "period", *MONEY, *COUNTS, "cost_per_image", *REUSE])
    for row in found.booked:
        amounts = [Amount(getattr(row.amounts, name)) for name in MONEY]
        counts = [getattr(row, name) for name in COUNTS]
        yield spreadsheet.row(
            [*row.values, row.period, *amounts, *counts, _each(row), row.reused, Amount(row.avoided)]
        )


def billed_csv(found: MonthStatement) -> Iterator[str]:
    """The billed view, with what is no job's on lines of its own."""
    yield spreadsheet.MARK + spreadsheet.row([*found.by, "charged", "refunded", "net"])
    blank = [""] * (len(found.by) - 1)
    for row in found.billed:
        yield spreadsheet.row([*row.values, *_amounts(row.charged, row.refunded)])
    for other in (*found.others, *found.parts):
        words = [WORDS[other.what], *blank]
        yield spreadsheet.row([*words, *_amounts(other.charged, other.refunded)])


def _amounts(charged: int, refunded: int) -> list[str]:
    return [Amount(charged), Amount(refunded), Amount(charged - refunded)]


def _booked_row(found: MonthStatement, row: StatementRow) -> Json:
    return {
        **dict(zip(found.by, row.values, strict=True)),
        "period": row.period,
        **{name: _usd(getattr(row.amounts, name)) for name in MONEY},
        **{name: getattr(row, name) for name in COUNTS},
        "cost_per_image": _each(row) or None,
        "reused": row.reused,
        "avoided": _usd(row.avoided),
    }


def _each(row: StatementRow) -> str:
    return "" if row.cost_per_image is None else Amount(row.cost_per_image)


def _billed(charged: int, refunded: int) -> Json:
    return {"charged": _usd(charged), "refunded": _usd(refunded), "net": _usd(charged - refunded)}


def _balance(found: MonthStatement) -> Json | None:
    if found.equation is None:
        return None
    names = ("opening", "top_ups", "billed", "refunded", "closing", "unexplained")
    amounts = {name: _usd(getattr(found.equation, name)) for name in names}
    return {**amounts, "read_at": [iso_time(at) for at in found.equation.read_at]}


def _closed(closed: ClosedMonth) -> Json:
    return {
        "at": iso_time(closed.closed_at),
        "who": closed.who,
        "ledger_to": closed.ledger_to,
        "lines": closed.totals.lines,
        "digest": closed.digest,
    }


def _usd(micros: int) -> str:
    return str(Amount(micros))
