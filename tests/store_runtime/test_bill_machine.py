"""A bill under any order of acts: money is conserved, and never stuck.

The test counts by itself what people put down and what they got back; the bill must come to the same.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.words import Rejection
from pricing.facts import FeeRule
from store_runtime.bill import at_the_till, lines, paying, splitting
from store_runtime.bill.events import TenderPaid, TenderReturned, TenderTaken
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.splitting import LineClaim, SplitPart
from tests.store_runtime.bills import MANAGER, OWNER, WAITER, Desk, dish

FEES = (
    FeeRule(rule_id="seat", kind="per_head", name="餐位费", amount_fen=200),
    FeeRule(rule_id="service", kind="service", name="服务费", permille=100),
    FeeRule(rule_id="minimum", kind="minimum", name="低消", amount_fen=6_000),
)
AMOUNTS = strategies.integers(1, 9_000)
PICK = strategies.integers(0, 30)


class CountingDesk(Desk):
    """A desk beside which somebody counts the money that people hand over and get back."""

    def __init__(self) -> None:
        self.came_fen = 0
        self.went_fen = 0
        super().__init__(fees=FEES, rounding="jiao")

    def do(self, decide: Any, *args: Any, **fields: Any) -> Any:
        """What is refused changes nothing."""
        try:
            return super().do(decide, *args, **fields)
        except Rejection:
            return None

    def _evolve(self, events: list[Any]) -> None:
        super()._evolve(events)
        for event in events:
            match event:
                case TenderTaken(channel="write_off"):
                    self.came_fen += event.amount_fen
                case TenderTaken():
                    self.came_fen += (event.tendered_fen or event.amount_fen) - event.change_fen
                case TenderPaid():
                    self.came_fen += self.bill.payments[event.payment_id].amount_fen
                case TenderReturned():
                    (refund,) = (one for one in self.bill.refunds if one.refund_id == event.refund_id)
                    self.went_fen += refund.amount_fen


class Bills(RuleBasedStateMachine):
    """Guests, a waiter, a channel and a clock at one bill."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = CountingDesk()
        self.made = 0

    @initialize(fen=AMOUNTS, shares=strategies.integers(2, 4))
    def sit_down(self, fen: int, shares: int) -> None:
        for quantity in (1, 2, 3):
            self.order(fen * quantity, quantity, weighed=False, own=False)
        self.split("equal", shares)

    # --- what people do --------------------------------------------------------------------------------

    @rule(
        fen=AMOUNTS,
        quantity=strategies.integers(1, 4),
        weighed=strategies.booleans(),
        own=strategies.booleans(),
    )
    def order(self, fen: int, quantity: int, weighed: bool, own: bool) -> None:
        self.made += 1
        line = dish(f"l{self.made}", fen, quantity, provisional=weighed)
        self.desk.do(lines.enter, (line,), own_share=own)

    @rule(guests=strategies.integers(0, 9))
    def count_guests(self, guests: int) -> None:
        self.desk.do(at_the_till.count_guests, guests)

    @rule(pick=PICK, cancelled=strategies.integers(1, 4))
    def cancel(self, pick: int, cancelled: int) -> None:
        if line := self._line(pick):
            self.desk.do(lines.take_off, line, cancelled)

    @rule(pick=PICK, quantity=strategies.integers(1, 4))
    def comp(self, pick: int, quantity: int) -> None:
        if line := self._line(pick):
            self.desk.do(lines.comp, line, quantity, "x", MANAGER)

    @rule(pick=PICK, quantity=strategies.integers(1, 4))
    def refund(self, pick: int, quantity: int) -> None:
        if line := self._line(pick):
            before = self.desk.bill.due_fen(self.desk.at)
            back = self.desk.do(lines.refund, line, quantity, "x", MANAGER)
            assert back is None or back >= 0
            assert back is None or self.desk.bill.due_fen(self.desk.at) <= max(before, 0)

    @rule(pick=PICK, weight=strategies.integers(0, 3_000))
    def weigh(self, pick: int, weight: int) -> None:
        if line := self._line(pick):
            self.desk.do(lines.weigh, line, WAITER, weight_milli=weight)

    @rule(amount=AMOUNTS, pick=PICK, on_line=strategies.booleans())
    def discount(self, amount: int, pick: int, on_line: bool) -> None:
        line = self._line(pick) if on_line else ""
        self.desk.do(at_the_till.discount, "x", MANAGER, line_id=line, amount_fen=amount)

    @rule(
        mode=strategies.sampled_from(["equal", "by_amount", "by_line", "by_person"]),
        n=strategies.integers(1, 4),
    )
    def split(self, mode: str, n: int) -> None:
        keys = list(self.desk.bill.lines)
        part = {
            "equal": lambda k: SplitPart(),
            "by_amount": lambda k: SplitPart(amount_fen=1 + 700 * k),
            "by_line": lambda k: SplitPart(lines=(LineClaim(line_id=keys[k % len(keys)]),) if keys else ()),
            "by_person": lambda k: SplitPart(guest_id=f"g{k % 3}"),
        }[mode]
        self.desk.do(splitting.split, mode, tuple(part(k) for k in range(n)), ("g0", "g1", "g2"))

    @rule(channel=strategies.sampled_from(["simulated", "cash", "deposit"]), amount=AMOUNTS, over=AMOUNTS)
    def pay(self, channel: str, amount: int, over: int) -> None:
        due = self.desk.due
        if due > 0:
            amount = min(amount, due)
            self.desk.do(paying.pay, channel, by=WAITER, amount_fen=amount, tendered_fen=amount + over)

    @rule(pick=PICK, channel=strategies.sampled_from(["simulated", "cash"]))
    def pay_share(self, pick: int, channel: str) -> None:
        if shares := [*self.desk.bill.shares, "rest"]:
            self.desk.do(paying.pay, channel, by=WAITER, share_id=shares[pick % len(shares)])

    @rule(pick=PICK, outcome=strategies.sampled_from(["paid", "paid", "failed", "late"]))
    def report(self, pick: int, outcome: str) -> None:
        if payments := list(self.desk.bill.payments):
            self.desk.do(paying.report, payments[pick % len(payments)], outcome)

    @rule(pick=PICK)
    def two_pay_one_share(self, pick: int) -> None:
        for _ in range(2):
            self.pay_share(pick, "simulated")

    @rule()
    def everybody_pays(self) -> None:
        for payment in self.desk.bill.pending:
            self.desk.do(paying.report, payment.payment_id, "paid")

    @rule(amount=AMOUNTS, channel=strategies.sampled_from(["simulated", "cash"]))
    def deposit(self, amount: int, channel: str) -> None:
        self.desk.do(paying.take_deposit, channel, amount, by=WAITER)

    @rule(pick=PICK, kept=strategies.booleans())
    def end_deposit(self, pick: int, kept: bool) -> None:
        if payments := list(self.desk.bill.payments):
            end = paying.forfeit_deposit if kept else paying.return_deposit
            self.desk.do(end, payments[pick % len(payments)], "x", MANAGER)

    @rule()
    def reopen(self) -> None:
        self.desk.do(at_the_till.reopen, "x", MANAGER, True)

    @rule(on=strategies.booleans())
    def lock(self, on: bool) -> None:
        self.desk.do(at_the_till.lock if on else at_the_till.unlock, MANAGER)

    @precondition(lambda self: self.desk.bill.next_deadline is not None)
    @rule()
    def time_passes(self) -> None:
        before = self.desk.bill.next_deadline
        self.desk.wake()
        after = self.desk.bill.next_deadline
        assert after is None or before is None or after > before or after > self.desk.at

    # --- what must hold --------------------------------------------------------------------------------

    @invariant()
    def money_is_conserved(self) -> None:
        bill = self.desk.bill
        forfeited = sum(p.kept_fen for p in bill.payments.values() if p.deposit == "forfeited")
        assert self.desk.came_fen - self.desk.went_fen == bill.applied_fen + bill.held_fen + forfeited

    def teardown(self) -> None:
        """Whatever happened, the visit ends: nothing is owed, nothing is over, nothing waits."""
        for line in list(self.desk.bill.unconfirmed):
            self.desk.do(lines.weigh, line, WAITER, weight_milli=500)
        self.desk.do(paying.write_off, "x", MANAGER)
        self.desk.do(paying.finish)
        for _ in range(len(self.desk.bill.payments) + 1):
            if self.desk.bill.next_deadline is not None:
                self.desk.wake()
        assert self.desk.bill.next_deadline is None
        assert self.desk.due == 0
        assert self.desk.bill.held_fen == 0
        self.money_is_conserved()

    def _line(self, pick: int) -> str:
        keys = list(self.desk.bill.lines)
        return keys[pick % len(keys)] if keys else ""


TestBills = Bills.TestCase
TestBills.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_a_ledger_that_decides_nothing_changes_nothing() -> None:
    desk = Desk(dish("l1", 100))

    assert Ledger(desk.bill, OWNER, desk.at).events == []
