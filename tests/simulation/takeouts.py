"""An evening of pickup orders and reservations with the real store: money, holds, numbers and seats under faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actors.testing.simulation import Workload, read
from actors.turn import derived_id
from actors.words import Accepted, Query, Reply
from pricing.selection import Selection
from store_runtime.audit_log.actor import AuditLog
from store_runtime.diner_orders.actor import DinerOrders
from store_runtime.pickup_screen.actor import PickupScreen
from store_runtime.pickup_screen.commands import GetScreen
from store_runtime.reservations.actor import ReservationBook
from store_runtime.reservations.commands import (
    Book,
    CancelReservation,
    GetBook,
    Policy,
    PreorderedLine,
    SlotTerms,
)
from store_runtime.reservations.invariants import violations as book_violations
from store_runtime.reservations.state import DepositState
from store_runtime.store.actor import Store
from store_runtime.store.commands import ChangeSettings, CreateStore
from store_runtime.store.invariants import violations as store_violations
from store_runtime.store.kitchen.commands import GetKitchen
from store_runtime.store.menu.commands import PublishMenu, SaveDraft, SetDishStock
from store_runtime.store.orders.commands import AcceptLines, LinesPlaced, RejectLines, WantedLine
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.state import BatchState
from store_runtime.table_session.commands import Quote
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.takeout.commands import CancelOrder, ChannelTerms, OpenOrder, ReportPayment
from store_runtime.takeout.invariants import ending
from store_runtime.takeout.invariants import violations as order_violations
from store_runtime.takeout.projections import OrderOpening
from store_runtime.takeout.state import OrderState
from store_runtime.waiting_queue.actor import WaitingQueue
from store_runtime.waiting_queue.commands import CallTicket, GetQueue, TakeTicket
from store_runtime.waiting_queue.invariants import violations as queue_violations
from store_runtime.waiting_queue.projections import TicketView
from tests.store_runtime.dining import MENU, PRICES

STORE = "store/s"
BOOK = "reservation-book/s.20270115"
QUEUE = "waiting-queue/s"
EPOCH_MS = 1_800_000_000_000
DISHES = ("noodles", "tea")
STOCK = {"noodles": 9, "tea": 12}
SEATS = 12
DELIVERED = (OrderState.ACCEPTED, OrderState.FULFILLED)


class Takeouts(Workload):
    types = (Store, TakeoutOrder, DinerOrders, PickupScreen, ReservationBook, WaitingQueue, AuditLog)

    def begin(self) -> None:
        self.reported: dict[str, str] = {}
        self.deposits: set[str] = set()
        self.world.state_checks = {
            "store": store_violations,
            "takeout": order_violations,
            "reservation-book": book_violations,
            "waiting-queue": queue_violations,
        }
        self.told: dict[str, str] = {}
        """Queue number → the ticket that was told it."""
        self._tell(STORE, CreateStore(name="Bistro"), self._furnish)

    def _tell(self, entity: str, command: Any, done: Any = None, command_id: bytes = b"") -> None:
        self.clients.send(entity, command, command_id or self.new_id(), done)

    def _furnish(self, reply: Reply) -> None:
        self._tell(STORE, SaveDraft(menu=MENU), lambda _: self._tell(STORE, PublishMenu(), self._stock))

    def _stock(self, reply: Reply) -> None:
        self._tell(STORE, ChangeSettings(auto_accept=self.rng.random() < 0.6))
        for key, left in STOCK.items():
            self._tell(STORE, SetDishStock(dish_id=key, state="qty", left=left))
        self.world.after(0.1, self._evening)

    def _evening(self) -> None:
        for number in range(self.rng.randint(15, 30) * self.load):
            self.world.after(self.rng.random() * 3.0, lambda number=number: self._order(number))
        starts_at = self.starts_at = self._now_ms() + 2_500
        for number in range(self.rng.randint(4, 10) * self.load):
            self.world.after(self.rng.random() * 2.0, lambda number=number: self._reserve(number, starts_at))

        for number in range(self.rng.randint(4, 12) * self.load):
            self.world.after(self.rng.random() * 3.0, lambda number=number: self._wait(number))

    # --- the queue at the door -------------------------------------------------------------------------------

    def _wait(self, number: int) -> None:
        """A number is taken, perhaps twice by one request, and called."""
        command_id, code = self.new_id(), f"q{number}"
        taking = TakeTicket(code=code, store_id="s", day=20270115, party_size=self.rng.randint(1, 4))
        for _ in range(1 + (self.rng.random() < 0.4)):
            self._tell(QUEUE, taking, lambda reply: self._numbered(code, reply), command_id)
        if self.rng.random() < 0.5:
            self._soon(lambda: self._tell(QUEUE, CallTicket(prefix=self.rng.choice("AB"))))

    def _numbered(self, code: str, reply: Reply) -> None:
        """T15: whoever was told a number has it alone, whoever owns the queue by now."""
        ticket: TicketView | None = read(reply, TicketView)
        if ticket is not None and self.told.setdefault(ticket.number, code) != code:
            self.world.violate(f"T15: {ticket.number} was told to {self.told[ticket.number]} and {code}")

    def _now_ms(self) -> int:
        return EPOCH_MS + int(self.world.now * 1_000)

    # --- pickup ----------------------------------------------------------------------------------------------

    def _order(self, number: int) -> None:
        """As the ingress does it: the order, its store, the order again; any step may never be made."""
        order_id, command_id = f"o{number}", self.new_id()
        lines = tuple(
            WantedLine(
                line_id=f"{order_id}.l{count}",
                selection=Selection(dish_id=dish),
                quantity=self.rng.randint(1, 2),
                quoted_fen=PRICES[dish],
            )
            for count, dish in enumerate(DISHES[: self.rng.randint(1, 2)])
        )
        booking = self._seats(number) if self.rng.random() < 0.25 else None
        terms = ChannelTerms(
            store_id="s",
            user_id=f"u{number % 5}",
            fulfilment="pickup" if booking is None else "reservation",
            booking=booking,
            reservation=f"s.20270115.{booking.code}" if booking is not None else "",
            payment_channel="simulated",
            menu_version=1,
            lines=lines,
            hold_ms=self.rng.choice((600, 2_500)),
            grace_ms=self.rng.choice((0, 300)),
        )
        gives_up = self.rng.random() < 0.2

        def opened(reply: Reply) -> None:
            opening: OrderOpening | None = read(reply, OrderOpening)
            if opening is not None and not gives_up:
                place_id = derived_id(command_id, "place")
                self._tell(STORE, opening.place, lambda told: self._held(order_id, told, place_id), place_id)

        self._tell(f"takeout/{order_id}", OpenOrder(terms=terms), opened, command_id)
        self._after(order_id)

    def _seats(self, number: int) -> Book:
        """The seats that come with dishes that are paid."""
        return Book(
            code=f"rp{number}",
            store_id="s",
            slot=self._slot(self.starts_at),
            policy=Policy(),
            party_size=self.rng.randint(1, 3),
            prepaid=True,
        )

    def _slot(self, starts_at: int) -> SlotTerms:
        return SlotTerms(
            slot_id="dinner",
            starts_at=starts_at,
            seats=SEATS,
            kitchen_minutes=60,
            party_max=SEATS,
            version=1,
        )

    def _held(self, order_id: str, reply: Reply, place_id: bytes) -> None:
        placed: PlacedLines | None = read(reply, PlacedLines)
        if placed is not None:
            told = LinesPlaced(placed=placed)
            self._tell(f"takeout/{order_id}", told, None, derived_id(place_id, "placed"))

    def _after(self, order_id: str) -> None:
        """Pay, cancel, accept, reject: some of it, in any order."""
        order = f"takeout/{order_id}"
        for _ in range(self.rng.randint(0, 2)):
            outcome = self.rng.choice(("paid", "paid", "paid", "failed", "late"))
            report = ReportPayment(payment_id=f"{order_id}.p1", outcome=outcome)  # type: ignore[arg-type]
            self._soon(lambda report=report: self._report(order, report))
        if self.rng.random() < 0.2:
            self._soon(lambda: self._tell(order, CancelOrder()))
        if self.rng.random() < 0.5:
            self._soon(lambda: self._tell(STORE, AcceptLines(order=order, batch=1)))
        if self.rng.random() < 0.2:
            self._soon(lambda: self._tell(STORE, RejectLines(order=order, batch=1, reason="busy")))

    def _soon(self, do: Any) -> None:
        self.world.after(0.1 + self.rng.random() * 2.5, do)

    def _report(self, order: str, report: ReportPayment) -> None:
        def reported(reply: Reply) -> None:
            if isinstance(reply, Accepted):
                self.reported[order] = report.outcome

        self._tell(order, report, reported)

    # --- reservations ----------------------------------------------------------------------------------------

    def _reserve(self, number: int, starts_at: int) -> None:
        code = f"r{number}"
        slot = self._slot(starts_at)
        quote = Quote(name="x", unit_price_fen=1, menu_version=1)
        crab = PreorderedLine(selection=Selection(dish_id="noodles"), quantity=2, quote=quote)
        deposit = self.rng.random() < 0.6
        booking = Book(
            code=code,
            store_id="s",
            slot=slot,
            policy=Policy(deposit_per_guest_fen=100 if deposit else 0, hold_minutes_before=0),
            party_size=self.rng.randint(1, 5),
            user_id=f"u{number}",
            lines=(crab,) if self.rng.random() < 0.5 else (),
            hold_ms=self.rng.choice((500, 2_500)),
            grace_ms=0,
        )
        command_id = self.new_id()
        for _ in range(1 + (self.rng.random() < 0.3)):
            self._tell(BOOK, booking, None, command_id)
        if self.rng.random() < 0.7:
            outcome = self.rng.choice(("paid", "paid", "failed", "late"))
            report = ReportPayment(payment_id=f"s.20270115.{code}.p1", outcome=outcome)  # type: ignore[arg-type]
            self._soon(lambda: self._pay_deposit(code, report))
        if self.rng.random() < 0.3:
            self._soon(lambda: self._tell(BOOK, CancelReservation(code=code, user_id=f"u{number}")))

    def _pay_deposit(self, code: str, report: ReportPayment) -> None:
        def reported(reply: Reply) -> None:
            if isinstance(reply, Accepted) and report.outcome == "paid":
                self.deposits.add(code)

        self._tell(BOOK, report, reported)

    # --- at the end ------------------------------------------------------------------------------------------

    def probes(self) -> Mapping[str, Query]:
        return {STORE: GetKitchen(), BOOK: GetBook(), QUEUE: GetQueue(), "pickup-screen/s": GetScreen()}

    def verdict(self) -> Sequence[str]:
        """Money is never stuck, what was accepted is cooked and nothing else, and what is over holds nothing."""
        memory = self.world.shadow.get(STORE)
        if memory is None:
            return []
        broken = []
        numbers: dict[str, str] = {}
        book = self.world.shadow.get(BOOK)
        bookings = book.state.bookings if book is not None else {}
        for key, one in sorted(self.world.shadow.items()):
            if not key.startswith("takeout/") or not one.state.placed:
                continue
            order = one.state
            batch = memory.state.orders.batch(key, 1)
            state = batch.state if batch is not None else None
            ended = ending(order) is not None or state is BatchState.WAITING
            if self.reported.get(key) in {"paid", "failed"} and not ended:
                broken.append(f"O6: {key} was reported {self.reported[key]} and has not ended: {order}")
            if (order.status in DELIVERED) != (state is BatchState.FIRED):
                broken.append(f"O2: {key} is {order.status}, its batch {state}")
            if (
                order.status in (OrderState.CANCELLED, OrderState.REJECTED)
                and state is not None
                and state.holds
            ):
                broken.append(f"D4: {key} is {order.status} and still holds its dishes")
            booking = order.channel.terms.booking
            if booking is not None and order.status in (OrderState.CANCELLED, OrderState.REJECTED):
                made = bookings.get(booking.code)
                if made is not None and made.taking:
                    broken.append(f"T14: {key} is {order.status} and its seats are taken")
            number = order.channel.number
            if number and numbers.setdefault(number, key) != key:
                broken.append(f"T13: {number} belongs to {numbers[number]} and {key}")
        broken += [
            f"O6: the deposit of {code} was paid and is {booking.deposit.value}"
            for code, booking in bookings.items()
            if code in self.deposits and booking.deposit in (DepositState.NONE, DepositState.OPEN)
        ]
        return broken
