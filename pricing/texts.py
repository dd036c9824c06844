"""Amounts as people read them."""

from __future__ import annotations


def yuan(fen: int) -> str:
    """Fen as yuan.

    >>> yuan(123450), yuan(-5)
    ('1234.50', '-0.05')
    """
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def thousandths(milli: int) -> str:
    """A weight in units.

    >>> thousandths(1355), thousandths(1350), thousandths(2000)
    ('1.355', '1.35', '2')
    """
    return f"{milli // 1000}.{milli % 1000:03d}".rstrip("0").rstrip(".")


def percent(permille: int) -> str:
    """Thousandths as percent.

    >>> percent(100), percent(85)
    ('10%', '8.5%')
    """
    return f"{permille // 10}%" if permille % 10 == 0 else f"{permille / 10:.1f}%"


def minutes_of(time_of_day: str) -> int:
    """Minutes since midnight of ``HH:MM``.

    >>> minutes_of("06:30")
    390
    """
    return int(time_of_day[:2]) * 60 + int(time_of_day[3:])
