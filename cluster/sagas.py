"""What sale, store, order and audit log must say of each other once their messages have arrived.

Rules: F6, F10, D4, O6, A1.

A message that is not acknowledged yet excuses its receiver, never its sender: no effect without a cause, ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from actors.entity_memory import EntityMemory
from flash_sale.claim import ClaimState
from flash_sale.state import Sale
from store_runtime.audit_log.state import Log
from store_runtime.store.state import StoreBooks
from store_runtime.takeout.state import Order, OrderState
from store_runtime.till.state import TillBooks

DELIVERED = (OrderState.ACCEPTED, OrderState.FULFILLED)

Contradiction = tuple[str, int, str]
"""Entity, its sequence, what is wrong."""

IsComplete = Callable[[str], bool]
"""Whether all that this entity names was read, so that what is not there does not exist."""


class Told(msgspec.Struct):
    """Of one entity's documents: the commands it answered, and its sends to audit log and till, with their
    sequence.
    """

    answered: dict[bytes, int] = {}
    acts: list[tuple[str, bytes, int]] = []


class SaleBook(msgspec.Struct):
    """A sale in numbers; ``sold_to``: order → claim; ``unsold``: orders of claims that are not sold (any more);
    ``owed``: entities that a message is under way to."""

    seq: int
    store: str
    sold: int
    returned: int
    sold_to: dict[str, str]
    unsold: frozenset[str]
    owed: frozenset[str]


class OrderBook(msgspec.Struct, gc=False):
    """An order: whose claim, where it stands, whether its money is here and nothing was given for it."""

    seq: int
    sale: str
    claim_id: str
    delivered: bool
    unsettled: bool
    owes_sale: bool


class StoreBook(msgspec.Struct):
    """Per sale: stock carved out, sold, returned; ``owed`` as above."""

    seq: int
    sales: dict[str, tuple[int, int, int]]
    owed: frozenset[str]


class Books:
    """Filled entity by entity, then compared."""

    def __init__(self) -> None:
        self.sales: dict[str, SaleBook] = {}
        self.orders: dict[str, OrderBook] = {}
        self.stores: dict[str, StoreBook] = {}
        self.logs: dict[str, frozenset[bytes]] = {}
        """Audit log or till → the commands it has answered."""
        self.acts: dict[str, list[tuple[str, bytes, int]]] = {}
        """Entity → log or till, command id and sequence of each send to it that was answered."""

    def enter(self, memory: EntityMemory, told: Told) -> None:
        """Keep of this entity what the others are compared with."""
        if arrived := [act for act in told.acts if act[1] not in memory.sends]:
            self.acts[memory.key] = arrived
        owed = frozenset(outstanding.record.to for outstanding in memory.sends.values())
        match memory.state:
            case Sale() as sale if sale.opened:
                self.sales[memory.key] = SaleBook(
                    seq=memory.seq,
                    store=f"store/{sale.store_id}",
                    sold=sale.sold,
                    returned=sale.returned,
                    sold_to={
                        f"takeout/{claim.order_id}": claim_id
                        for claim_id, claim in sale.claims.items()
                        if claim.state is ClaimState.SOLD
                    },
                    unsold=frozenset(
                        f"takeout/{claim.order_id}"
                        for claim in sale.claims.values()
                        if claim.order_id and claim.state is not ClaimState.SOLD
                    ),
                    owed=owed,
                )
            case Order() as order if order.placed and order.channel is None:
                sale_key = f"flash-sale/{order.flash_sale_id}"
                delivered = order.status in DELIVERED
                self.orders[memory.key] = OrderBook(
                    seq=memory.seq,
                    sale=sale_key,
                    claim_id=order.claim_id,
                    delivered=delivered,
                    unsettled=order.payment.unsettled and not delivered,
                    owes_sale=sale_key in owed,
                )
            case StoreBooks() as store if store.created:
                self.stores[memory.key] = StoreBook(
                    seq=memory.seq,
                    sales={
                        f"flash-sale/{sale_id}": (carved.opening.stock, carved.sold, carved.returned)
                        for sale_id, carved in store.sales.items()
                    },
                    owed=owed,
                )
            case Log() | TillBooks():
                self.logs[memory.key] = frozenset(told.answered)

    def keys(self) -> frozenset[str]:
        """All entities in the books."""
        return frozenset((*self.stores, *self.sales, *self.orders, *self.logs, *self.acts))

    def unread_partners(self) -> list[str]:
        """Entities that those in the books name and that are not in them, in order."""
        named: set[str] = set()
        for store in self.stores.values():
            named.update(store.sales)
        for sale in self.sales.values():
            named.update((sale.store,), sale.sold_to, sale.unsold)
        for order in self.orders.values():
            named.add(order.sale)
        for acts in self.acts.values():
            named.update(log for log, _, _ in acts)
        return sorted(named - self.keys())

    def contradictions(self, is_complete: IsComplete) -> Iterator[Contradiction]:
        """All of them. A partner that is not in the books is missed only by who is complete."""
        for key, store in self.stores.items():
            yield from self._store(key, store, is_complete(key))
        for key, sale in self.sales.items():
            yield from self._sale(key, sale, is_complete(key))
        for key, order in self.orders.items():
            yield from self._order(key, order, is_complete(key))
        for key, acts in self.acts.items():
            yield from self._acts(key, acts, is_complete(key))

    def _acts(self, key: str, acts: list[tuple[str, bytes, int]], complete: bool) -> Iterator[Contradiction]:
        for log_key, command_id, seq in acts:
            log = self.logs.get(log_key)
            if command_id not in log if log is not None else complete:
                yield (
                    log_key,
                    0,
                    f"A1, A3: what {key} did at {seq} was entered here, and is not here any more",
                )

    def _store(self, key: str, store: StoreBook, complete: bool) -> Iterator[Contradiction]:
        for sale_key, (stock, sold, returned) in store.sales.items():
            sale = self.sales.get(sale_key)
            if sale is None:
                if complete and sale_key not in store.owed and (sold or returned):
                    yield key, store.seq, f"F10: {sale_key} is booked with {sold} sold and does not exist"
                continue
            if sold > sale.sold or returned > sale.returned:
                yield (
                    key,
                    store.seq,
                    f"F10: {sale_key} is booked with {sold} sold and {returned} returned of {stock}; "
                    f"the sale says {sale.sold} and {sale.returned}",
                )
            elif key not in sale.owed and (sold, returned) != (sale.sold, sale.returned):
                yield (
                    sale_key,
                    sale.seq,
                    f"D4: {sale.sold} sold and {sale.returned} returned; {key} has booked {sold} and {returned}, "
                    "and no message is under way",
                )

    def _sale(self, key: str, sale: SaleBook, complete: bool) -> Iterator[Contradiction]:
        for order_key, claim_id in sale.sold_to.items():
            order = self.orders.get(order_key)
            if order is None:
                if complete:
                    yield key, sale.seq, f"F6: {claim_id} is sold to {order_key}, which does not exist"
            elif (order.sale, order.claim_id) != (key, claim_id):
                yield order_key, order.seq, f"F6: {key} sold it {claim_id}, it is for {order.claim_id}"
            elif not order.delivered and order_key not in sale.owed:
                yield order_key, order.seq, f"O2: {key} sold {claim_id} to it, and it was never accepted"

    def _order(self, key: str, order: OrderBook, complete: bool) -> Iterator[Contradiction]:
        sale = self.sales.get(order.sale)
        if sale is None:
            if complete:
                yield key, order.seq, f"F6: it is for {order.sale}, which does not exist"
            return
        if order.delivered and sale.sold_to.get(key) != order.claim_id:
            yield key, order.seq, f"F1: it was accepted, and {order.sale} has not sold {order.claim_id} to it"
        if order.unsettled and not order.owes_sale and key not in sale.owed:
            yield key, order.seq, "O6: its money is here, and nobody is going to accept it or give it back"
