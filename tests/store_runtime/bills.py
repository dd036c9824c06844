"""A bill at work, without the entity around it: decisions are tried, evolved, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from actors.testing.kit import NOON
from actors.words import Event
from pricing.facts import BillTerms, FeeRule
from store_runtime.bill import at_the_till, lines, paying, splitting
from store_runtime.bill.events import BILL_EVENTS, BillTermsSet
from store_runtime.bill.evolution import apply
from store_runtime.bill.invariants import violations
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.payment import Payment
from store_runtime.bill.shares import share_amounts
from store_runtime.bill.splitting import SplitPart
from store_runtime.bill.state import Bill, BillLine
from store_runtime.by import By

WAITER = By(account="waiter")
MANAGER = By(account="manager")
OWNER = "ts1"


def dish(line: str, fen: int, quantity: int = 1, **more: Any) -> BillLine:
    """A line of the first round: ``l1`` is ``ts1.l1``."""
    plain: dict[str, Any] = {
        "line_id": f"{OWNER}.{line}",
        "round_no": 1,
        "dish_id": line,
        "name": line,
        "quantity": quantity,
        "unit_price_fen": fen,
    }
    return BillLine(**(plain | more))


class Desk:
    """Somebody who works on one bill. Every decision is evolved from its stored events, and the bill checked."""

    def __init__(self, *dishes: BillLine, fees: tuple[FeeRule, ...] = (), **terms: Any) -> None:
        self.bill = Bill()
        self.at = NOON
        guests, seated_at = terms.pop("guests", 2), terms.pop("seated_at", 0)
        opened = BillTermsSet(terms=BillTerms(fees=fees, **terms), guests=guests, seated_at=seated_at)
        self._evolve([opened])
        if dishes:
            self.order(*dishes)

    def do(self, decide: Callable[..., Any], *args: Any, **fields: Any) -> Any:
        """One decision; the events of it happen."""
        ledger = Ledger(self.bill, OWNER, self.at)
        answer = decide(ledger, *args, **fields)
        self._evolve(ledger.events)
        assert self.bill == ledger.bill, "what was tried is not what happened"
        found = violations(self.bill, self.at)
        assert not found, found
        return answer

    def _evolve(self, events: list[Event]) -> None:
        kinds = {event.__name__: event for event in BILL_EVENTS}
        for event in events:
            stored = msgspec.msgpack.encode(event)
            apply(self.bill, msgspec.msgpack.decode(stored, type=kinds[type(event).__name__]), self.at)

    # --- words ----------------------------------------------------------------------------------------

    def order(self, *dishes: BillLine, own_share: bool = False) -> None:
        self.do(lines.enter, dishes, own_share=own_share)

    def pay(self, channel: str = "simulated", by: By | None = None, **fields: Any) -> Payment:
        payment: Payment = self.do(paying.pay, channel, by=by, user_id="" if by else "guest", **fields)
        return self.bill.payments[payment.payment_id]

    def cash(self, **fields: Any) -> Payment:
        return self.pay("cash", by=WAITER, **fields)

    def report(self, payment: Payment, outcome: str = "paid") -> Payment:
        self.do(paying.report, payment.payment_id, outcome)
        return self.bill.payments[payment.payment_id]

    def paid(self, **fields: Any) -> Payment:
        """A payment by phone that is paid at once."""
        return self.report(self.pay(**fields))

    def split(
        self, mode: str, *parts: SplitPart, guests: tuple[str, ...] = (), **counts: dict[str, int]
    ) -> dict[str, int]:
        """``counts``: line → guest → how many are theirs."""
        ordered_by = {f"{OWNER}.{line}": of for line, of in counts.items()}
        self.do(splitting.split, mode, parts, guests, ordered_by)
        return self.shares

    def comp(self, line: str, quantity: int = 1) -> int:
        off: int = self.do(lines.comp, f"{OWNER}.{line}", quantity, "凉了", MANAGER)
        return off

    def refund(self, line: str, quantity: int = 1) -> int:
        back: int = self.do(lines.refund, f"{OWNER}.{line}", quantity, "不新鲜", MANAGER)
        return back

    def discount(self, **fields: Any) -> int:
        off: int = self.do(at_the_till.discount, "老客", MANAGER, **fields)
        return off

    def wake(self) -> None:
        deadline = self.bill.next_deadline
        assert deadline is not None
        self.at = max(self.at, deadline)
        self.do(paying.what_is_due)

    # --- questions ------------------------------------------------------------------------------------

    @property
    def shares(self) -> dict[str, int]:
        """Share → fen, in order, by the end of their ids."""
        amounts = share_amounts(self.bill, self.bill.priced(self.at))
        return {share_id.rpartition(".")[2]: fen for share_id, fen in amounts.items()}

    @property
    def due(self) -> int:
        return self.bill.due_fen(self.at)

    @property
    def status(self) -> str:
        return self.bill.status(self.at)


def share(n: int) -> str:
    return f"{OWNER}.s{n}"


def parts(n: int) -> tuple[SplitPart, ...]:
    return (SplitPart(),) * n
