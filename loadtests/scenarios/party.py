"""A party at a table: they sit down, fill one cart together, order in rounds, call, pay in several ways, and go."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from loadtests.scenarios.house import Caller, House, Table, Wrong

GUESTS_MAX = 8
ROUNDS_MAX = 3
OPS_PER_GUEST = 3


class Party:
    """One visit. What it ordered and paid is for the books."""

    def __init__(self, house: House, table: Table, number: int) -> None:
        self.house, self.table, self.number = house, table, number
        self.session_id = ""
        self.ordered: dict[str, int] = {}
        """Line id → quantity, as the rounds answered."""
        self.dish_of: dict[str, str] = {}
        self.paid_fen = 0
        self._ops = itertools.count()

    async def visit(self) -> None:
        """From the door to the door. Raises Wrong."""
        house = self.house
        guests = [Caller(house) for _ in range(house.dice.randint(1, GUESTS_MAX))]
        try:
            await asyncio.gather(*(guest.sign_in() for guest in guests))
            await self._sit_down(guests)
            for _ in range(house.dice.randint(1, ROUNDS_MAX)):
                await self._round(guests)
            if house.dice.random() < 0.3:
                await guests[0].ask(
                    "POST", self._path("calls"), {"kind": "bill"}, allowed=("call_cooling_down",)
                )
            async with Caller(house, house.staff["waiter"]) as waiter:
                await self._weigh(guests[0], waiter)
                await self._pay(guests)
                await self._served(guests[0])
                await waiter.ask("POST", self._path("clear"), {})
            closed = await guests[-1].ask(
                "POST", self._path("rounds"), {"seen_seq": 0}, allowed=("session_closed",)
            )
            if closed.get("code") != "session_closed":
                raise Wrong(f"T1: a cleared session took a round: {closed}")
        finally:
            for guest in guests:
                await guest.__aexit__()

    def _path(self, what: str) -> str:
        return f"/table-sessions/{self.session_id}/{what}"

    async def _sit_down(self, guests: list[Caller]) -> None:
        path = f"/tables/{self.table.token}/sessions"
        sat = [await guests[0].ask("POST", path, {"new": True})]
        sat += [await guest.ask("POST", path, {"join": sat[0]["session_id"]}) for guest in guests[1:]]
        ids = {one["session_id"] for one in sat}
        if len(ids) != 1:
            raise Wrong(f"T1: the guests of one table are in {ids}")
        self.session_id = ids.pop()

    async def _round(self, guests: list[Caller]) -> None:
        """Everybody changes the cart at once; one of them orders what is there then."""
        wished = await asyncio.gather(*(self._wish(guest) for guest in guests))
        view = await guests[0].ask("GET", f"/table-sessions/{self.session_id}")
        cart = {line["line_id"]: line["quantity"] for line in view["cart"]}
        if sum(cart.values()) != sum(wished):
            raise Wrong(f"T2: the cart has {cart}, the guests were told {wished}")
        if not cart:
            return
        placed = await guests[-1].ask(
            "POST", self._path("rounds"), {"seen_seq": view["seq"]}, allowed=("cart_stale",)
        )
        if "code" in placed:
            self.house.counts["rounds that were short"] += 1
            await self._drop(guests[0], placed)
            return
        lines = {line["line_id"]: line["quantity"] for line in placed["lines"]}
        if lines != cart:
            raise Wrong(f"T4: seen {cart}, ordered {lines}")
        self.ordered |= lines
        self.dish_of |= {line["line_id"]: line["dish_id"] for line in placed["lines"]}
        self.house.counts["rounds"] += 1
        self.house.counts["lines"] += len(lines)

    async def _wish(self, guest: Caller) -> int:
        """Adds, and sometimes takes one back; how many more are in the cart for it."""
        net = 0
        for _ in range(self.house.dice.randint(1, OPS_PER_GUEST)):
            quantity = self.house.dice.randint(1, 2)
            result = await self._op(guest, op="add", quantity=quantity, **self.house.selection())
            if result["status"] == "rejected":
                self.house.counts[f"add: {result['code']}"] += 1
                continue
            net += quantity
        return net

    async def _op(self, guest: Caller, **op: Any) -> dict[str, Any]:
        op["op_id"] = f"o{next(self._ops)}"
        answer = await guest.ask("POST", self._path("cart/ops"), {"ops": [op], "seen_seq": 0})
        self.house.counts["cart ops"] += 1
        return dict(answer["results"][0])

    async def _drop(self, host: Caller, stale: dict[str, Any]) -> None:
        """The host takes out what cannot be had; the rest waits for the next round."""
        for line_id in {line["line_id"] for line in stale["lines"]}:
            await self._op(host, op="remove", line_id=line_id)
        view = await host.ask("GET", f"/table-sessions/{self.session_id}")
        for line in view["cart"]:
            await self._op(host, op="remove", line_id=line["line_id"])

    async def _pay(self, guests: list[Caller]) -> None:
        """All at once, in equal shares, or in amounts: what is due is paid to the fen."""
        if not self.ordered:
            return
        payer = guests[0]
        bill = await payer.ask("GET", self._path("bill"))
        total = bill["total_fen"]
        if sum(one["amount_fen"] for one in (*bill["lines"], *bill["adjustments"])) != total:
            raise Wrong(f"M5: the parts of the bill are not its total: {bill}")
        if bill["due_fen"] > 0:
            match self.house.dice.choice(("whole", "equal", "amounts")):
                case "equal" if len(guests) > 1:
                    asked = {"mode": "equal", "parts": len(guests)}
                    shares = (await payer.ask("POST", self._path("split"), asked))["shares"]
                    if sum(share["amount_fen"] for share in shares) != bill["due_fen"]:
                        raise Wrong(f"T7: {shares} of {bill['due_fen']} fen")
                    wanted = [{"share_id": share["share_id"]} for share in shares if share["amount_fen"]]
                    await asyncio.gather(
                        *(self._paid(guest, one) for guest, one in zip(guests, wanted, strict=False))
                    )
                case "amounts" if bill["due_fen"] > 1:
                    first = bill["due_fen"] // 2
                    await self._paid(payer, {"amount_fen": first})
                    await self._paid(guests[-1], {"amount_fen": bill["due_fen"] - first})
                case _:
                    await self._paid(payer, {"amount_fen": bill["due_fen"]})
        after = await payer.ask("GET", self._path("bill"))
        if (after["due_fen"], after["paid_fen"]) != (0, total):
            raise Wrong(f"T7: not settled after all was paid: {after}")
        self.paid_fen = total
        self.house.counts["bills"] += 1
        self.house.counts["fen"] += total

    async def _paid(self, guest: Caller, what: dict[str, Any]) -> None:
        payment = await guest.ask("POST", self._path("payments"), {**what, "channel": "simulated"})
        await guest.ask("POST", f"/payments/simulated/{payment['payment_id']}", {"outcome": "paid"})

    async def _weigh(self, guest: Caller, waiter: Caller) -> None:
        """D5: what has no price until it is weighed, or until the market is asked."""
        if not self.ordered:
            return
        kinds = {dish["dish_id"]: dish.get("kind", "plain") for dish in self.house.dishes}
        bill = await guest.ask("GET", self._path("bill"))
        shown_fen = {line["line_id"]: line["unit_price_fen"] for line in bill["lines"]}
        for line_id in bill.get("unconfirmed", ()):
            weight = {"weight_milli": self.house.dice.randint(400, 2_000)}
            # Below the shown price it would be a discount, which a waiter does not give.
            price = {"unit_price_fen": max(1, shown_fen[line_id]) + self.house.dice.randint(0, 40_000)}
            confirmed = price if kinds[self.dish_of[line_id]] == "market" else weight
            await waiter.ask("POST", self._path(f"lines/{line_id}/weigh"), confirmed)
            self.house.counts["lines weighed"] += 1

    async def _served(self, guest: Caller) -> None:
        """Nobody is cleared while their food is on the way."""
        for _ in range(240):
            view = await guest.ask("GET", f"/table-sessions/{self.session_id}")
            states = {line["line_id"]: line["status"] for round in view["rounds"] for line in round["lines"]}
            if all(states.get(line_id) == "served" for line_id in self.ordered):
                return
            await asyncio.sleep(0.5)
        raise Wrong(f"O1: not all was served: {states}")
