"""The bill's status follows from its lines and payments, whatever their mixture."""

from __future__ import annotations

import pytest

from store_runtime.bill.payment import Payment, PaymentState
from store_runtime.takeout.bill import Bill, Line


def bill(line_fen: list[int], payments: list[tuple[int, PaymentState]], cancelled: bool = False) -> Bill:
    lines = [
        Line(line_id=str(n), dish_id="d", name="n", quantity=1, unit_price_fen=fen, cancelled=cancelled)
        for n, fen in enumerate(line_fen)
    ]
    paid = [
        Payment(payment_id=str(n), channel="simulated", amount_fen=fen, expires_at=0, status=status)
        for n, (fen, status) in enumerate(payments)
    ]
    return Bill(lines=lines, payments=paid)


PAID, PAYING, BACK = PaymentState.PAID, PaymentState.PAYING, PaymentState.REFUNDED


@pytest.mark.parametrize(
    ("lines", "payments", "cancelled", "status", "due_fen"),
    [
        ([500, 300], [], False, "open", 800),
        ([500, 300], [(800, PAYING)], False, "open", 800),
        ([500, 300], [(300, PAID)], False, "part_paid", 500),
        ([500, 300], [(300, PAID), (500, PAID)], False, "settled", 0),
        ([500], [(500, PAID), (500, PAID)], False, "over_paid", -500),
        ([500], [(500, PAID)], True, "over_paid", -500),
        ([500], [(500, PaymentState.REFUNDING)], True, "over_paid", -500),
        ([500, 300], [(300, BACK), (500, PAID)], False, "part_refunded", 300),
        ([500], [(500, BACK)], True, "refunded", 0),
        ([500], [], True, "void", 0),
        ([500], [(500, PaymentState.CLOSED)], True, "void", 0),
        ([0], [], False, "settled", 0),
    ],
)
def test_bill_status_is_derived(
    lines: list[int], payments: list[tuple[int, PaymentState]], cancelled: bool, status: str, due_fen: int
) -> None:
    """open, part_paid, settled, over_paid, part_refunded, refunded and void (§ 0), and what is still due."""
    one = bill(lines, payments, cancelled)

    assert (one.money_status, one.due_fen) == (status, due_fen)
