"""O6, O2, T13, T14, T18: orders and reservations under every fault, and bugs that are planted in them are caught."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from unittest.mock import patch

import pytest
import structlog

from actors.entity import Decision, decides, evolves, reacts
from actors.testing.simulation import Report, simulate
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.reservations.actor import ReservationBook
from store_runtime.reservations.commands import Book
from store_runtime.reservations.state import DayBook
from store_runtime.store.orders.commands import RejectOrder
from store_runtime.takeout import channel
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.takeout.commands import RefundPayment
from store_runtime.takeout.events import LinesRefunded, OrderCancelled, OrderRejected, PaidLate, RefundStarted
from store_runtime.takeout.state import Order
from store_runtime.waiting_queue.actor import WaitingQueue
from store_runtime.waiting_queue.commands import TakeTicket
from store_runtime.waiting_queue.events import TicketTaken
from store_runtime.waiting_queue.projections import TicketView, ticket_view
from store_runtime.waiting_queue.state import Queue
from tests.simulation.takeouts import Takeouts

SEEDS = 40
BLOCKS = 2
MUTANT_SEEDS_MAX = 1_000

LAPSES_MS = -1_200
"""The store forgets holds before their orders give them back, so that what is paid late may be refused."""


def play(seed: int, workload: type[Takeouts] = Takeouts) -> Report:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    margin = LAPSES_MS if seed % 2 else channel.RELEASED_MS
    try:
        with patch.object(channel, "RELEASED_MS", margin):
            return simulate(seed, workload)
    finally:
        structlog.reset_defaults()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_O6_T13_T14_hold_under_every_fault(block: int) -> None:
    """Paid is cooked or refunded, what is over holds nothing, no number and no seat is given twice."""
    share = SEEDS // BLOCKS
    failed = [
        report
        for seed in range(1 + block * share, 1 + (block + 1) * share)
        if (report := play(seed)).violations
    ]

    assert not failed, "\n".join(f"seed {one.seed}: {one.violations}" for one in failed[:2])


def _with(*mutants: type) -> tuple[type, ...]:
    """The rooms of the evening, some of them broken."""
    sound = [one for one in Takeouts.types if not any(issubclass(mutant, one) for mutant in mutants)]
    return (*sound, *mutants)


# The store could not fire what was paid, and nobody gives the money back.
class _KeepsTheMoney(TakeoutOrder):
    @decides(RefundPayment)
    def refund(self, order: Order, cmd: RefundPayment, turn: Turn) -> Decision[None]:
        yield from ()


class KeepsTheMoney(Takeouts):
    types = _with(_KeepsTheMoney)


# What is over holds its dishes until the store forgets them.
class _HoldsOn(TakeoutOrder):
    @reacts(OrderCancelled)
    @reacts(OrderRejected)
    def release(self, order: Order, e: OrderCancelled | OrderRejected, turn: Turn) -> Iterator[Send]:
        yield from ()


class HoldsOn(Takeouts):
    types = _with(_HoldsOn)


# A rejection only says so; the refund is left to somebody else.
class _RejectsOnly(TakeoutOrder):
    @decides(RejectOrder)
    def reject(self, order: Order, cmd: RejectOrder, turn: Turn) -> Decision[None]:
        if order.status == "created" and order.bill.payments and order.payment.unsettled:
            yield OrderRejected(reason=cmd.reason)
            return
        yield from super().reject(order, cmd, turn)


class RejectsOnly(Takeouts):
    types = _with(_RejectsOnly)


# Money that comes late is noted, and its refund started and never confirmed.
class _StartsRefunds(TakeoutOrder):
    def paid_late(self, transaction_id: str) -> list[Event]:
        return [PaidLate(transaction_id=transaction_id, ask_sale=False), RefundStarted(reason="paid_late")]


class StartsRefunds(Takeouts):
    types = _with(_StartsRefunds)


# Seats are counted by whoever looks, not by the book.
class _Overbooks(ReservationBook):
    def _must_fit(self, day: DayBook, cmd: Book, at: int) -> None:
        return


class Overbooks(Takeouts):
    types = _with(_Overbooks)


# The last number is kept by the process, not in the state: who takes over begins again.
class _CountsInMemory(WaitingQueue):
    def __init__(self, entity_id: str) -> None:
        super().__init__(entity_id)
        self.last: dict[str, int] = {}

    @evolves(TicketTaken)
    def on_taken(self, queue: Queue, e: TicketTaken, at: int) -> None:
        super().on_taken(queue, e, at)
        queue.last = {}

    @decides(TakeTicket)
    def take(self, queue: Queue, cmd: TakeTicket, turn: Turn) -> Decision[TicketView]:
        if cmd.code in queue.tickets:
            return ticket_view(queue, cmd.code, (), turn.at)
        prefix = self._band(queue, cmd.party_size).prefix
        self.last[prefix] = self.last.get(prefix, 0) + 1
        events: list[Event] = [TicketTaken(ticket=cmd, prefix=prefix, serial=self.last[prefix])]
        yield from events
        return ticket_view(self._after(queue, events, turn.at), cmd.code, (), turn.at)


class ReusesNumbers(Takeouts):
    types = _with(_CountsInMemory)


# An order that is over keeps the seats that came with it.
class _KeepsSeats(TakeoutOrder):
    @reacts(OrderCancelled)
    @reacts(OrderRejected)
    @reacts(LinesRefunded)
    def free_seats(self, order: Order, e: Event, turn: Turn) -> Iterator[Send]:
        yield from ()


class KeepsSeats(Takeouts):
    types = _with(_KeepsSeats)


MUTANTS = [KeepsTheMoney, HoldsOn, RejectsOnly, StartsRefunds, Overbooks, ReusesNumbers, KeepsSeats]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_O6_T14_a_planted_bug_is_caught(mutant: type[Takeouts]) -> None:
    """Each way in which money, dishes or seats could be lost turns a seed red within 1,000."""
    caught = next((seed for seed in range(1, MUTANT_SEEDS_MAX + 1) if play(seed, mutant).violations), None)

    assert caught is not None, f"{mutant.__name__} got away: the simulator has a hole"
    assert not play(caught).violations
