"""Bills of shared tables under faults: split, pay, pay twice, late, refund; half of them pay first (T6, T7, O6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.words import Command
from store_runtime.audit_log.actor import AuditLog
from store_runtime.bill.splitting import SplitPart
from store_runtime.by import By
from store_runtime.store.actor import Store
from store_runtime.store.commands import CreateStore
from store_runtime.store.floor.commands import PutTable, TablePlan
from store_runtime.store.invariants import violations as store_violations
from store_runtime.store.menu.commands import PutDish
from store_runtime.table.actor import Table
from store_runtime.table_session.actor import TableSession
from store_runtime.table_session.bill_commands import LockBill, PayBill, RefundOrdered, SplitBill, TakeDeposit
from store_runtime.table_session.invariants import violations
from store_runtime.table_session.state import Session
from store_runtime.takeout.commands import ReportPayment
from store_runtime.till.actor import Till
from tests.simulation.tables import DISHES, GUESTS, LASTS_S, STORE, TABLES, Tables

CASHIER = By(account="cashier")


def bill_violations(session: Session) -> list[str]:
    """What contradicts itself on a session's bill, after every event of it."""
    found = violations(session)
    in_kitchen = [
        line_id
        for one in session.rounds.values()
        if one.hold_until and one.state in {"waiting", "fired"}
        for line_id in one.lines
    ]
    bill = session.bill
    cooked_fen = sum(bill.lines[key].amount_fen for key in in_kitchen if key in bill.lines)
    if cooked_fen > bill.received_fen:
        found.append(f"T6: {cooked_fen} fen are cooked that are paid first, {bill.received_fen} came")
    return found


class Bills(Tables):
    """Guests order and pay, some twice; a cashier takes money and gives it back; the channel repeats itself."""

    types: Sequence[Any] = (Store, Table, TableSession, Till, AuditLog)
    checks = {"store": store_violations, "table-session": bill_violations}

    def _open(self) -> None:
        for dish_id, price_fen in DISHES.items():
            dish = PutDish(dish_id=dish_id, name=dish_id, price_fen=price_fen, state="in")
            self.clients.send(STORE, dish, self.new_id())
        for number in range(TABLES):
            mode = "pay_first" if number % 2 else "pay_later"
            plan = TablePlan(name=str(number), join_policy="open", pay_mode=mode)  # type: ignore[arg-type]
            self.clients.send(STORE, PutTable(table_id=f"t{number}", plan=plan), self.new_id())
        for number in range(GUESTS):
            self.world.after(self.rng.random(), lambda user=f"u{number}": self._scan(user))  # type: ignore[misc]
        for _ in range(self.rng.randint(60, 100) * self.load):
            self.world.after(0.3 + self.rng.random() * LASTS_S, self._act)

    def begin(self) -> None:
        self.world.state_checks = dict(self.checks)
        self.sessions, self.seats, self.added, self.ops = [], [], {}, 0
        self.clients.send(STORE, CreateStore(name="Bistro"), self.new_id(), lambda reply: self._open())

    def _act(self) -> None:
        if not self.seats:
            return
        session_id, user = self.rng.choice(self.seats)
        chance = self.rng.random()
        if chance < 0.25:
            self._add(session_id, user)
        elif chance < 0.45:
            self._look_and_submit(session_id, user)
        elif (command := self._about_money(session_id, user)) is not None:
            for number in range(self.rng.choice((1, 1, 2))):
                # A phone that heard nothing asks again, and two people pay at the same time.
                self.world.after(
                    number * self.rng.random() * 0.2,
                    lambda: self.clients.send(f"table-session/{session_id}", command, self.new_id()) and None,
                )

    def _about_money(self, session_id: str, user: str) -> Command | None:
        memory = self.world.shadow.get(f"table-session/{session_id}")
        if memory is None:
            return None
        bill = memory.state.bill
        payments, shares = list(bill.payments), [*bill.shares, "rest"]
        match self.rng.randrange(9):
            case 0:
                return SplitBill(mode="equal", parts=(SplitPart(),) * self.rng.randint(1, 4), user_id=user)
            case 1:
                return SplitBill(mode="by_person", user_id=user)
            case 2:
                return PayBill(channel="simulated", share_id=self.rng.choice(shares), user_id=user)
            case 3:
                return PayBill(channel="simulated", user_id=user)
            case 4:
                return PayBill(channel="cash", share_id=self.rng.choice(shares), by=CASHIER)
            case 5 if bill.lines:
                line_id = self.rng.choice(list(bill.lines))
                return RefundOrdered(line_id=line_id, quantity=1, reason="cold", by=CASHIER)
            case 6:
                if self.rng.random() < 0.5:
                    return TakeDeposit(channel="cash", amount_fen=self.rng.randint(1, 9_000), by=CASHIER)
                return LockBill(locked=self.rng.random() < 0.3, by=CASHIER)
            case _ if payments:
                outcome = self.rng.choice(("paid", "paid", "paid", "failed", "late"))
                return ReportPayment(payment_id=self.rng.choice(payments[-4:]), outcome=outcome)
        return None
