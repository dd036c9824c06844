"""Orders and a stage with everybody an order talks to."""

from __future__ import annotations

from typing import Any

from actors.testing.kit import NOON, Given, Outcome, Stage, after
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import Checkout, Claim
from flash_sale.invariants import violations as sale_violations
from store_runtime.diner_orders.actor import DinerOrders
from store_runtime.store.actor import Store
from store_runtime.store.commands import CreateFlashSale, CreateStore
from store_runtime.store.invariants import violations as store_violations
from store_runtime.store.menu.commands import PutDish
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.takeout.commands import CancelOrder, PlaceOrder, ReportPayment
from store_runtime.takeout.invariants import violations as order_violations
from store_runtime.takeout.state import Order

MINUTE = 60_000
HOUR = 60 * MINUTE
PAYMENT = "o1.p1"


def placing(**fields: Any) -> PlaceOrder:
    """The order of two crabs, to be paid within five minutes."""
    plain: dict[str, Any] = {
        "store_id": "store-1",
        "user_id": "guest-1",
        "flash_sale_id": "f1",
        "claim_id": "f1.c1",
        "dish_id": "crab",
        "name": "清蒸大闸蟹",
        "quantity": 2,
        "unit_price_fen": 3_900,
        "fulfilment": "pickup",
        "payment_channel": "simulated",
        "pay_by": NOON + 5 * MINUTE,
    }
    return PlaceOrder(**(plain | fields))


def order(**fields: Any) -> Given[Order]:
    """A placed order."""
    given = after(TakeoutOrder("o1"))
    assert given.when(placing(**fields)).accepted
    return given


def report(given: Given[Order], outcome: str, at: int | None = None) -> Outcome:
    """The channel says how the payment went."""
    reported = given.when(ReportPayment(payment_id=PAYMENT, outcome=outcome), at)  # type: ignore[arg-type]
    sound(given)
    return reported


def money(given: Given[Order]) -> tuple[str, str, str]:
    """Order, money and payment status."""
    state = given.state
    return state.status.value, state.bill.money_status, state.payment.status.value


def sound(given: Given[Order]) -> None:
    """All invariants hold."""
    assert order_violations(given.state) == []


class Restaurant(Stage):
    """A store with a flash sale, and every entity that a send of theirs names."""

    def __init__(self, *, thorough: bool = True, stock: int = 3, **terms: Any) -> None:
        self.thorough = thorough
        self.charged: set[str] = set()
        self.cancelled: set[str] = set()
        store = after(Store("store-1"), thorough=thorough)
        super().__init__(store)
        self.when("store/store-1", CreateStore(name="蟹庄"))
        self.when(
            "store/store-1", PutDish(dish_id="crab", name="清蒸大闸蟹", price_fen=9_900, state="qty", left=20)
        )
        plan: dict[str, Any] = {
            "title": "Crab at noon",
            "dish_id": "crab",
            "price_fen": 3_900,
            "stock": stock,
            "per_user_limit": 2,
            "starts_at": NOON,
            "ends_at": NOON + HOUR,
        }
        created = self.when("store/store-1", CreateFlashSale(**(plan | terms)))
        assert created.accepted, created.rejection
        self.flash_sale_id: str = created.reply.flash_sale_id
        self.sale_key = f"flash-sale/{self.flash_sale_id}"
        self.settle()

    @property
    def sale(self) -> Any:
        return self[self.sale_key].state

    @property
    def orders(self) -> dict[str, Given[Order]]:
        return {key: self[key] for key in self.everybody() if key.startswith("takeout/")}

    def claim(self, user_id: str, quantity: int = 1, *, wait: bool = False) -> str:
        reply = self.when(self.sale_key, Claim(user_id=user_id, quantity=quantity, wait=wait)).reply
        return str(reply.claim_id)

    def checkout(self, claim_id: str) -> str:
        user_id = self.sale.claims[claim_id].user_id
        reply = self.when(self.sale_key, Checkout(claim_id=claim_id, user_id=user_id)).reply
        return str(reply.order_id)

    def report(self, order_id: str, outcome: str) -> Outcome:
        command = ReportPayment(payment_id=f"{order_id}.p1", outcome=outcome)  # type: ignore[arg-type]
        reported = self.when(f"takeout/{order_id}", command)
        if reported.accepted and outcome != "failed":
            self.charged.add(f"takeout/{order_id}")
        return reported

    def cancel(self, order_id: str) -> Outcome:
        cancelled = self.when(f"takeout/{order_id}", CancelOrder())
        if cancelled.accepted:
            self.cancelled.add(f"takeout/{order_id}")
        return cancelled

    def summon(self, key: str) -> Given[Any]:
        """Virtual actors exist as soon as somebody writes to them."""
        kind, _, entity_id = key.partition("/")
        cls = {"flash-sale": FlashSaleItem, "takeout": TakeoutOrder, "diner-orders": DinerOrders}[kind]
        return after(cls(entity_id), thorough=self.thorough)

    def check(self) -> None:
        """Everybody's invariants."""
        assert sale_violations(self.sale) == []
        assert store_violations(self["store/store-1"].state) == []
        for given in self.orders.values():
            assert order_violations(given.state) == []
