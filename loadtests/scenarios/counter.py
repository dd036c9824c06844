"""Guests at the counter: they order, pay, wait for their number, and take their food; some never pay."""

from __future__ import annotations

import asyncio
from typing import Any

from loadtests.scenarios.house import Caller, House, Wrong

LINES_MAX = 4
NEVER_PAYS = 0.1
ANSWER_STEPS_MAX = 600


class Pickup:
    """One order to be fetched."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.order_id, self.number = "", ""
        self.dishes: dict[str, int] = {}

    async def visit(self) -> None:
        """Raises Wrong."""
        lines = [
            {**self.house.selection(priced=True), "quantity": 1}
            for _ in range(self.house.dice.randint(1, LINES_MAX))
        ]
        async with Caller(self.house) as guest:
            await guest.sign_in()
            wanted = {"fulfilment": "pickup", "lines": lines, "payment_channel": "simulated"}
            path = f"/stores/{self.house.store_id}/orders"
            placed = await guest.ask("POST", path, wanted, allowed=("cart_stale", "station_full"))
            if "code" in placed:
                self.house.counts[f"orders refused: {placed['code']}"] += 1
                return
            self.order_id = placed["order_id"]
            if self.house.dice.random() < NEVER_PAYS:
                await guest.ask("POST", f"/orders/{self.order_id}/cancel", {})
                self.house.counts["orders cancelled"] += 1
                return
            payment = placed["payment"]["payment_id"]
            await guest.ask("POST", f"/payments/simulated/{payment}", {"outcome": "paid"})
            order = await self._until(guest, lambda order: bool(order["number"]))
            self.number = order["number"]
            for line in lines:
                self.dishes[line["dish_id"]] = self.dishes.get(line["dish_id"], 0) + 1
            order = await self._until(guest, lambda order: order["kitchen_status"] in ("ready", "served"))
            self.house.counts["orders"] += 1

    async def _until(self, guest: Caller, there: Any) -> dict[str, Any]:
        for _ in range(ANSWER_STEPS_MAX):
            order = await guest.ask("GET", f"/orders/{self.order_id}")
            if there(order):
                return dict(order)
            await asyncio.sleep(0.3)
        raise Wrong(f"O1: a paid order stands still: {order}")
