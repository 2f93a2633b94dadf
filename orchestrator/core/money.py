"""Money: integer micro-dollars everywhere inside, decimal text at the edges.

A *micro* is one millionth of a US dollar. No float ever holds money: text is parsed digit by digit, because
`float("0.1") + float("0.2")` once refused what a cap allowed in somebody else's ledger.
"""

import re
from typing import Final

MICROS_PER_USD: Final = 1_000_000
MICROS_MAX: Final = 10**15  # a billion dollars: above this it is a typing mistake

_DECIMAL: Final = re.compile(r"^(\d{1,10})(?:\.(\d{1,6}))?$")


class MoneyError(ValueError):
    """Not an amount: plain digits with at most six decimals are, such as 40 or 0.028."""


def parse_usd(text: str | int) -> int:
    """Micros of a plain decimal amount such as `40`, `40.00` or `0.028`; raises MoneyError for anything else.

    Signs, exponents, separators, `inf` and `nan` are refused: an unlimited budget by spelling must not exist.
    """
    match = _DECIMAL.match(str(text).strip()) if not isinstance(text, bool) else None
    if match is None:
        raise MoneyError(
            f"{text!r} is not an amount in US dollars; write plain digits with at most six decimals, such as "
            "40.00"
        )
    whole, fraction = match.group(1), match.group(2) or ""
    micros = int(whole) * MICROS_PER_USD + int(fraction.ljust(6, "0"))
    if micros > MICROS_MAX:
        raise MoneyError(f"{text!r} is more than a billion dollars")
    return micros


def format_usd(micros: int) -> str:
    """Decimal text of an amount: at least two decimals, as many as it needs (`0.028`, `40.00`)."""
    sign, value = ("-", -micros) if micros < 0 else ("", micros)
    whole, fraction = divmod(value, MICROS_PER_USD)
    digits = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{digits}"
