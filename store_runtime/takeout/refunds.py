"""What goes back when lines are refunded (O4): old payable less new payable, at least nothing."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from store_runtime.takeout.bill import Bill, Line
from store_runtime.takeout.commands import RefundedLine
from store_runtime.takeout.rejections import OverRefund


def refund_fen(bill: Bill, lines: Sequence[RefundedLine]) -> int:
    """The amount, priced again without these lines: the box goes with its dish (T19), and a delivery that was free
    is not when too little is left. Never more than is left of what was paid.

    Raises OverRefund for more of a line than still stands.
    """
    without = copy.deepcopy(bill)
    by_id = {line.line_id: line for line in without.lines}
    for one in lines:
        line = by_id.get(one.line_id)
        standing = line.standing if line is not None else 0
        if line is None or one.quantity > standing:
            raise OverRefund(line_id=one.line_id, left=standing)
        line.refunded += one.quantity
    less = max(0, bill.total_fen - without.total_fen)
    return min(less, bill.paid_fen - bill.refunded_fen)


def take_off(lines: list[Line], refunded: Sequence[RefundedLine]) -> None:
    """Nothing is owed for these any more."""
    by_id = {line.line_id: line for line in lines}
    for one in refunded:
        by_id[one.line_id].refunded += one.quantity
