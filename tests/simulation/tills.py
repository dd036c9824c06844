"""An evening at the till under faults: settings, stock, shifts, cash, bookings, and the audit log of it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.codec import read_sends
from actors.testing.simulation import Workload
from actors.words import Command, Query, Rejected, Reply, Unserved
from store_runtime.audit_log.actor import AuditLog
from store_runtime.audit_log.commands import GetEntries
from store_runtime.audit_log.invariants import violations as log_violations
from store_runtime.by import By
from store_runtime.store.actor import Store
from store_runtime.store.commands import ChangeSettings, CreateStore
from store_runtime.store.invariants import violations as store_violations
from store_runtime.store.menu.commands import PutDish, SetDishStock
from store_runtime.till.actor import Till
from store_runtime.till.bookings import BookToShift
from store_runtime.till.commands import ListShifts, MoveCash, OpenShift
from store_runtime.till.invariants import violations as till_violations

STORE, TILL, LOG = "store/s", "till/s", "audit-log/s"
FAILURES = ("internal_error", "quarantined")
STAFF = (By("li", device="till-1"), By("wang"), By("zhao", approved_by="li"))


class Tills(Workload):
    types = (Store, Till, AuditLog)
    checks = {"store": store_violations, "till": till_violations, "audit-log": log_violations}

    def begin(self) -> None:
        self.moved: dict[bytes, tuple[str, int]] = {}
        """Command → whose drawer it changes, by how much, once it is stored."""
        self.clients.send(STORE, CreateStore(name="Bistro"), self.new_id(), self._store_open)
        for _ in range(self.rng.randint(30, 60) * self.load):
            self.world.after(self.rng.random() * 5.0, self._at_the_till)

    def _store_open(self, reply: Reply) -> None:
        dish = PutDish(dish_id="noodles", name="Noodles", price_fen=900, state="qty", left=100)
        self.clients.send(STORE, dish, self.new_id(), self._dish_there)

    def _dish_there(self, reply: Reply) -> None:
        for _ in range(self.rng.randint(10, 25) * self.load):
            self.world.after(self.rng.random() * 4.0, self._in_the_office)

    def _in_the_office(self) -> None:
        by = self.rng.choice(STAFF)
        word: Command
        if self.rng.random() < 0.5:
            word = ChangeSettings(grace_s=self.rng.randint(0, 60), by=by)
        else:
            word = SetDishStock(dish_id="noodles", state="qty", left=self.rng.randint(0, 50), by=by)
        self.clients.send(STORE, word, self.new_id())

    def _at_the_till(self) -> None:
        by, chance, fen = self.rng.choice(STAFF), self.rng.random(), self.rng.randint(1, 9_000)
        if chance < 0.15:
            self._send(OpenShift(by=by, float_fen=fen), by, fen)
        elif chance < 0.4:
            goes_in = self.rng.random() < 0.5
            kind = "in" if goes_in else "out"
            self._send(MoveCash(by=by, kind=kind, amount_fen=fen, reason="x"), by, fen if goes_in else -fen)  # type: ignore[arg-type]
        else:
            refund, cash = self.rng.random() < 0.3, self.rng.random() < 0.6
            booking = BookToShift(
                by=by,
                kind="refund" if refund else "payment",
                channel="cash" if cash else "wechat",
                amount_fen=fen,
                subject="p",
            )
            self._send(booking, by, (-fen if refund else fen) if cash else 0)

    def _send(self, word: Command, by: By, drawer_fen: int) -> None:
        id = self.new_id()
        self.moved[id] = (by.account, drawer_fen)
        self.clients.send(TILL, word, id, self._booked if isinstance(word, BookToShift) else None)
        if self.rng.random() < 0.2:
            # The same request once more, perhaps through another silo.
            self.world.after(self.rng.random() * 0.3, lambda: self.clients.send(TILL, word, id) and None)

    def _booked(self, reply: Reply) -> None:
        if isinstance(reply, Rejected) or (isinstance(reply, Unserved) and reply.code in FAILURES):
            self.world.violate(f"A3: money that moved was not booked: {reply}")

    # --- at the end ------------------------------------------------------------------------------------------

    def probes(self) -> Mapping[str, Query]:
        return {TILL: ListShifts(), LOG: GetEntries()}

    def verdict(self) -> Sequence[str]:
        """Every act is in the log once; every drawer holds what was put into it (A1, A3)."""
        broken = []
        told = {
            send.id
            for source in (STORE, TILL)
            for document in self.world.journal.read_now(source)
            for send in read_sends(document.sends)
            if send.to == LOG
        }
        log = self.world.shadow.get(LOG)
        entered = 0 if log is None else log.state.count
        if entered != len(told):
            broken.append(f"A1: {len(told)} acts were done, {entered} are in the log")
        till = self.world.shadow.get(TILL)
        drawers = {} if till is None else {who: shift.drawer_fen for who, shift in till.state.open.items()}
        expected = dict.fromkeys(drawers, 0)
        for id, (account, fen) in self.moved.items():
            if (TILL, id) in self.world.stored_at:
                expected[account] = expected.get(account, 0) + fen
        if drawers != expected:
            broken.append(f"A3: the drawers hold {drawers}, {expected} went into them")
        return broken
