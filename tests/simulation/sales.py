"""A flash sale under storm and faults: store → sale → order → payment, with all the sagas between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from actors.silo import Silo
from actors.testing.simulation import Workload, read
from actors.testing.simulation.clients import AT_THE_DOOR, DEADLINE_S, straight
from actors.turn import derived_id
from actors.turns import rejected
from actors.words import Accepted, Command, Query, Reply
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import Checkout, Claim, GetSale, ReleaseClaim
from flash_sale.edge import Edge
from flash_sale.invariants import violations as sale_violations
from flash_sale.projections import CheckoutAnswer, ClaimView
from flash_sale.rejections import SoldOut
from flash_sale.state import Sale
from store_runtime.diner_orders.actor import DinerOrders
from store_runtime.store.actor import Store
from store_runtime.store.commands import ChangeSettings, CreateFlashSale, CreateStore
from store_runtime.store.invariants import violations as store_violations
from store_runtime.store.menu.commands import GetMenu, PutDish
from store_runtime.store.projections import FlashSaleCreation
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.takeout.commands import CancelOrder, ReportPayment
from store_runtime.takeout.invariants import ending
from store_runtime.takeout.invariants import violations as order_violations

STORE = "store/s"
EPOCH_MS = 1_800_000_000_000
DINERS = 12
REOPENED_S = 3.0
"""A no at the edge so long after the sale was open again is one that nobody took back. It is this long because what
was given back is held back by the owner's clock, and a new owner's may be seconds behind."""


class Edges:
    """The ingress of each silo, as far as sold out is concerned (F9)."""

    edge_class: type[Edge[SoldOut]] = Edge

    def __init__(self, sales: Sales) -> None:
        self._sales = sales
        self._edges: dict[str, Edge[SoldOut]] = {}

    def __call__(
        self,
        silo: Silo,
        entity: str,
        word: Command | Query,
        *,
        command_id: bytes,
        deadline: float,
        callback: Callable[[Reply], None],
    ) -> None:
        if not isinstance(word, Claim):
            straight(silo, entity, word, command_id=command_id, deadline=deadline, callback=callback)
            return
        edge = self._edges.get(silo.address) or self._open(silo)
        sale_id = entity.partition("/")[2]
        if not word.wait and (no := edge.refusal(sale_id, word.user_id, word.quantity)) is not None:
            self._sales.refused_at_the_edge()
            callback(rejected(no, AT_THE_DOOR))
            return

        def replied(reply: Reply) -> None:
            edge.replied(sale_id, reply)
            callback(reply)

        straight(silo, entity, word, command_id=command_id, deadline=deadline, callback=replied)

    def _open(self, silo: Silo) -> Edge[SoldOut]:
        def ask(entity: str, query: Query, told: Callable[[Reply], None]) -> None:
            deadline = silo.clock.monotonic() + DEADLINE_S
            straight(silo, entity, query, command_id=b"", deadline=deadline, callback=told)

        edge = self._edges[silo.address] = self.edge_class(ask, silo.clock.monotonic, lambda no: no)
        return edge


class Sales(Workload):
    types = (Store, FlashSaleItem, TakeoutOrder, DinerOrders)
    checks = {"flash-sale": sale_violations, "store": store_violations, "takeout": order_violations}

    sale_id = ""
    reported: dict[str, str]
    edges_class = Edges

    def begin(self) -> None:
        self.reported = {}
        self.at_the_edge = 0
        self.shut_at = 0.0
        self.was_shut, self.reopens_at = False, 0
        self.world.state_checks = {**self.checks, "flash-sale": self._look_at_sale}
        self.clients.ingress = self.edges_class(self)
        self.clients.send(STORE, CreateStore(name="Bistro"), self.new_id(), self._store_open)

    def _now_ms(self) -> int:
        return EPOCH_MS + int(self.world.now * 1_000)

    def _store_open(self, reply: Reply) -> None:
        self.clients.send(STORE, ChangeSettings(grace_s=0), self.new_id())
        dish = PutDish(dish_id="noodles", name="Noodles", price_fen=900, state="qty", left=100)
        self.clients.send(STORE, dish, self.new_id(), self._dish_there)

    def _dish_there(self, reply: Reply) -> None:
        now, command_id = self._now_ms(), self.new_id()
        create = CreateFlashSale(
            title="Noodles",
            dish_id="noodles",
            price_fen=500,
            stock=self.rng.randint(4, 14) * min(self.load, 5),
            per_user_limit=2,
            starts_at=now,
            ends_at=now + self.rng.randint(1_500, 6_000),
            hold_seconds=1,
            policy=self.rng.choice(("fifo", "fifo", "draw")),
            draw_window_ms=400,
            entry_required=False,
        )
        self.clients.send(STORE, create, command_id, lambda answer: self._created(answer, command_id))

    def _created(self, reply: Reply, command_id: bytes) -> None:
        created: FlashSaleCreation | None = read(reply, FlashSaleCreation)
        if created is None:
            # The outage was longer than the sale: too late to open it.
            return
        self.sale_id = created.flash_sale_id
        self.clients.send(
            f"flash-sale/{self.sale_id}", created.opening, derived_id(command_id, "sale"), self._storm
        )

    @property
    def _sale(self) -> str:
        return f"flash-sale/{self.sale_id}"

    def _storm(self, reply: Reply) -> None:
        for _ in range(self.rng.randint(20, 50) * self.load):
            self.world.after(self.rng.random() * 3.0, self._visit)
        for _ in range(self.rng.randint(0, 4) * self.load):
            self.world.after(self.rng.random() * 3.0, self._crowd)

    def _visit(self) -> None:
        if self.rng.random() < 0.2:
            self.clients.send(self._sale, GetSale())
            return
        self._claim(
            Claim(user_id=self._diner(), quantity=self.rng.randint(1, 2), wait=self.rng.random() < 0.4)
        )

    def _diner(self) -> str:
        return f"u{self.rng.randrange(DINERS)}"

    def _crowd(self) -> None:
        """Many at once who do not wait, while something may be given back: what the edge is for."""
        for number in range(self.rng.randint(10, 30)):
            at = number * self.rng.random() * 0.012
            self.world.after(at, lambda: self._claim(Claim(user_id=self._diner(), quantity=1)))

    def _claim(self, claim: Claim) -> None:
        command_id = self.new_id()
        again = self.rng.random()

        def claimed(reply: Reply) -> None:
            if again < 0.5:
                # The same request once more, perhaps through another silo (F5).
                self.world.after(
                    again * 0.3, lambda: self.clients.send(self._sale, claim, command_id) and None
                )
            self._claimed(reply, claim.user_id)

        self.clients.send(self._sale, claim, command_id, claimed)

    def _look_at_sale(self, sale: Sale) -> Sequence[str]:
        """Notes when it was sold out last, by the world's clock; silos' clocks may be seconds apart."""
        if sale.shut or self.was_shut or sale.reopens_at != self.reopens_at:
            self.shut_at = self.world.now
        self.was_shut, self.reopens_at = sale.shut, sale.reopens_at
        return sale_violations(sale)

    def refused_at_the_edge(self) -> None:
        """F9: the edge may be late by a moment, not by more."""
        self.at_the_edge += 1
        if not self.was_shut and self.world.now - self.shut_at > REOPENED_S:
            self.world.violate("F9: the edge says sold out of a sale that has been open again for long")

    def _claimed(self, reply: Reply, user: str) -> None:
        view: ClaimView | None = read(reply, ClaimView)
        if view is None or view.status not in {"held", "waiting"}:
            return
        chance = self.rng.random()
        if chance < 0.25:
            self.world.after(self.rng.random() * 0.5, lambda: self._release(view.claim_id, user))
        elif chance < 0.7:
            self.world.after(self.rng.random() * 1.2, lambda: self._check_out(view.claim_id, user))

    def _release(self, claim_id: str, user: str) -> None:
        self.clients.send(self._sale, ReleaseClaim(claim_id=claim_id, user_id=user), self.new_id())

    def _check_out(self, claim_id: str, user: str) -> None:
        command_id = self.new_id()
        self.clients.send(
            self._sale,
            Checkout(claim_id=claim_id, user_id=user),
            command_id,
            lambda answer: self._ordered(answer, command_id, user),
        )

    def _ordered(self, reply: Reply, command_id: bytes, user: str) -> None:
        answer: CheckoutAnswer | None = read(reply, CheckoutAnswer)
        if answer is None:
            return
        order = f"takeout/{answer.order_id}"
        self.clients.send(
            order,
            answer.place_order,
            derived_id(command_id, "order"),
            lambda placed: self._pay(placed, order, answer.order_id, user),
        )

    def _pay(self, reply: Reply, order: str, order_id: str, user: str) -> None:
        outcome = self.rng.choice(("paid", "paid", "paid", "failed", "late"))
        report = ReportPayment(payment_id=f"{order_id}.p1", outcome=outcome)
        self.world.after(self.rng.random() * 1.5, lambda: self._report(order, report))
        if self.rng.random() < 0.2:
            cancel = CancelOrder(user_id=user)
            self.world.after(
                self.rng.random() * 1.5, lambda: self.clients.send(order, cancel, self.new_id()) and None
            )

    def _report(self, order: str, report: ReportPayment) -> None:
        def reported(reply: Reply) -> None:
            if isinstance(reply, Accepted):
                self.reported[order] = report.outcome

        self.clients.send(order, report, self.new_id(), reported)

    # --- at the end ------------------------------------------------------------------------------------------

    def probes(self) -> Mapping[str, Query]:
        probes: dict[str, Query] = {STORE: GetMenu()}
        return probes | ({self._sale: GetSale()} if self.sale_id else {})

    def verdict(self) -> Sequence[str]:
        """Money is never stuck (O6), and what the sale sold is what orders were accepted for."""
        broken = []
        accepted = 0
        for key, memory in self.world.shadow.items():
            if not key.startswith("takeout/"):
                continue
            end = ending(memory.state)
            if end is None and self.reported.get(key) in {"paid", "failed"}:
                broken.append(f"O6: {key} was reported {self.reported[key]} and has not ended")
            accepted += sum(line.quantity for line in memory.state.bill.lines) if end == "sold" else 0
        sale = self.world.shadow.get(self._sale)
        if sale is not None and sale.state.sold != accepted:
            broken.append(f"F1: {sale.state.sold} sold, orders were accepted for {accepted}")
        if sale is not None and sale.state.ended:
            books = self.world.shadow[STORE].state.sales[self.sale_id]
            of_sale, of_store = (sale.state.sold, sale.state.returned), (books.sold, books.returned)
            if of_sale != of_store:
                broken.append(
                    f"F10: (sold, returned) are {of_sale} in the sale, {of_store} in the store's books"
                )
        return broken
