"""A shop that has sold something, as its journal tells it: for the audit and the replay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import msgspec

from actors.codec import encode, read_events, record_event
from actors.journal import Document
from actors.silo import Silo
from actors.testing.local import local_silo, memory_stores
from actors.testing.memory import MemoryJournal
from actors.turn import command_id
from actors.words import Accepted, Command, Event
from cluster.rooms import ENTITIES
from flash_sale.commands import Checkout, Claim
from store_runtime.store.commands import CreateFlashSale, CreateStore
from store_runtime.store.menu.commands import GetDishStock, PutDish
from store_runtime.store.menu.projections import StockView
from store_runtime.store.projections import FlashSaleCreation
from store_runtime.takeout.commands import ReportPayment

STORE = "store/store-1"
HOUR_MS = 3_600_000
PATIENCE_S = 10.0


class Shop:
    """Speaks to a silo in memory and keeps its journal."""

    def __init__(self, silo: Silo, journal: MemoryJournal) -> None:
        self.silo, self.journal = silo, journal
        self.sale = ""
        self.order = ""

    async def ask(self, entity: str, word: Command, step: str) -> bytes:
        reply = await self.silo.router.ask(
            entity, word, command_id=command_id(b"secret", "test", "", "", entity, step)
        )
        assert isinstance(reply, Accepted), reply
        return reply.answer

    async def sell(self) -> None:
        """A store, a sale of five crabs, two claims, one of them paid; returns when the store has booked it."""
        now = self.silo.clock.now_ms()
        await self.ask(STORE, CreateStore(name="蟹庄"), "store")
        crab = PutDish(dish_id="crab", name="清蒸大闸蟹", price_fen=9_900, state="qty", left=20)
        await self.ask(STORE, crab, "dish")
        create = CreateFlashSale(
            title="秒杀",
            dish_id="crab",
            price_fen=3_900,
            stock=5,
            per_user_limit=2,
            starts_at=now - 1,
            ends_at=now + HOUR_MS,
            entry_required=False,
        )
        answer = await self.ask(STORE, create, "sale")
        self.sale = f"flash-sale/{msgspec.msgpack.decode(answer, type=FlashSaleCreation).flash_sale_id}"
        await self._until("the sale is open", lambda: self.sale in self.journal.documents)
        claimed = await self.ask(self.sale, Claim(user_id="guest-1", quantity=2), "claim-1")
        await self.ask(self.sale, Claim(user_id="guest-2", quantity=1), "claim-2")
        claim_id = msgspec.msgpack.decode(claimed)["claim_id"]
        checkout = Checkout(
            claim_id=claim_id, user_id="guest-1", fulfilment="pickup", payment_channel="simulated"
        )
        checked_out = msgspec.msgpack.decode(await self.ask(self.sale, checkout, "checkout"))
        self.order = f"takeout/{checked_out['order_id']}"
        await self._until("the order is placed", lambda: self.order in self.journal.documents)
        paid = ReportPayment(payment_id=f"{checked_out['order_id']}.p1", outcome="paid")
        await self.ask(self.order, paid, "paid")
        await self._until_booked()
        await self._until("the order is accepted", self._accepted)

    def _accepted(self) -> bool:
        return any("OrderAccepted" in document.types for document in self.journal.read_now(self.order))

    async def _until_booked(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            reply = await self.silo.router.ask(STORE, GetDishStock(dish_id="crab"))
            assert isinstance(reply, Accepted), reply
            if msgspec.msgpack.decode(reply.answer, type=StockView).sold == 2:
                return
            assert time.monotonic() < deadline, (
                f"waited {PATIENCE_S} s for: the store has booked what was sold"
            )
            await asyncio.sleep(0.01)

    async def _until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for: {what}"
            await asyncio.sleep(0.005)


class History:
    """The shop's journal, to be read and to be falsified."""

    def __init__(self, journal: MemoryJournal, sale: str, order: str) -> None:
        self.journal, self.sale, self.order = journal, sale, order

    async def all(self) -> AsyncIterator[Document]:
        """As the real store gives them: entity by entity, each in order."""
        for entity in sorted(self.journal.documents):
            for document in self.journal.read_now(entity):
                yield document

    def of(self, entity: str) -> list[Document]:
        return self.journal.read_now(entity)

    def replace(self, document: Document) -> None:
        self.journal.documents[document.entity][document.first_seq] = document

    def remove(self, document: Document) -> None:
        del self.journal.documents[document.entity][document.first_seq]

    def append(self, entity: str, *events: Event) -> Document:
        """A document that nobody decided."""
        last = self.of(entity)[-1]
        at = read_events(last.events)[-1].at + 1
        forged = Document(
            entity=entity,
            first_seq=last.last_seq + 1,
            n=len(events),
            events=encode([record_event(event, at) for event in events]),
            cmds=b"",
            sends=b"",
            types=[],
            silo="forger#1",
            nonce=b"forged",
        )
        self.replace(forged)
        return forged


async def history() -> History:
    """What a silo has really written."""
    stores = memory_stores()
    async with local_silo(*ENTITIES, stores=stores) as silo:
        assert isinstance(stores.journal, MemoryJournal)
        shop = Shop(silo, stores.journal)
        await shop.sell()
    return History(stores.journal, shop.sale, shop.order)
