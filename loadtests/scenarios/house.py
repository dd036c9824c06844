"""A restaurant from the outside: requests that are sent again when the line breaks, and sometimes for no reason."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from loadtests.wire import Answer, ConnectionBroken, HttpConnection

NAMES = ("session_id", "round_no", "payment_id", "order_id", "guest_id")
TRIES_MAX = 20
PAUSE_SECONDS = 0.2
DOUBLED = 0.08
"""This share of all writes is sent twice, as a phone on a bad line would: the second must change nothing."""


class Wrong(Exception):
    """Something that must not be; the message says what and where."""


class Table(msgspec.Struct, frozen=True):
    """A table of the demo, with the token of its code."""

    table_id: str
    token: str


class House:
    """One restaurant. Tokens of staff come from the demo's accounts; each caller has a connection of its own."""

    def __init__(
        self,
        base_url: str,
        store_id: str,
        name: str,
        tables: list[Table],
        staff: Mapping[str, str],
        seed: int,
    ) -> None:
        self.base_url, self.store_id, self.name, self.tables, self.staff = (
            base_url,
            store_id,
            name,
            tables,
            staff,
        )
        self.dice = random.Random(f"{seed} {store_id}")
        self.counts: Counter[str] = Counter()
        self.dishes: list[dict[str, Any]] = []
        self.stocked: dict[str, int] = {}

    async def open(self) -> None:
        """Read the menu, and the books of every dish before the evening."""
        async with Caller(self, self.staff["manager"]) as manager:
            menu = await manager.ask("GET", f"/stores/{self.store_id}/menu")
            self.dishes = [dish for dish in menu["dishes"] if dish["shown"]]
            self.stocked = await sold(manager, self.store_id)

    def selection(self, *, priced: bool = False) -> dict[str, Any]:
        """A dish as a guest could choose it: what must be chosen is, and sometimes more.

        ``priced``: none that gets its price on the scales or from the market (D5).
        """
        there = [one for one in self.dishes if one["availability"]["state"] != "out"]
        dish = self.dice.choice([one for one in there if not priced or one["kind"] in ("plain", "set")])
        options = []
        for group in dish["option_groups"]:
            count = min(group["max"], max(group.get("min", 0), self.dice.randint(0, 1)))
            allowed = [one for one in group["options"] if not one.get("excludes")]
            if len(allowed) >= count:
                options += [one["option_id"] for one in self.dice.sample(allowed, count)]
        chosen: dict[str, Any] = {"dish_id": dish["dish_id"], "options": options}
        if dish.get("slots"):
            chosen["choices"] = [
                {"slot_id": slot["slot_id"], "dish_id": choice["dish_id"]}
                for slot in dish["slots"]
                for choice in self.dice.sample(slot["choices"], slot.get("min", 1))
            ]
        return chosen


class Caller:
    """Somebody with a token and a connection."""

    def __init__(self, house: House, token: str = "") -> None:
        self._house, self._connection = house, HttpConnection(house.base_url)
        self.token = token

    async def __aenter__(self) -> Caller:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._connection.close()

    async def sign_in(self) -> None:
        """As a new guest."""
        self.token = (await self.ask("POST", "/auth/guest", {}))["token"]

    async def ask(self, method: str, path: str, body: object = None, *, allowed: tuple[str, ...] = ()) -> Any:
        """The answer of a yes; of a no whose code is allowed the problem. Sent again until there is one.

        Raises Wrong: any other no, or none at all, or another answer to the same request.
        """
        key = secrets.token_hex(12)
        answer = await self._answer(method, path, body, key)
        if method != "GET" and answer.status < 300 and self._house.dice.random() < DOUBLED:
            again = await self._answer(method, path, body, key)
            self._house.counts["sent twice"] += 1
            if again.status >= 300 or (_named(again) != _named(answer)):
                raise Wrong(
                    f"{method} {path}: {answer.status} {answer.body!r}, and again {again.status} {again.body!r}"
                )
        said = answer.json()
        if answer.status < 300 or said.get("code") in allowed:
            return said
        raise Wrong(f"{method} {path} {body}: {answer.status} {answer.body[:600].decode(errors='replace')}")

    async def _answer(self, method: str, path: str, body: object, key: str) -> Answer:
        headers = {"Idempotency-Key": key} if method != "GET" else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        for number in range(TRIES_MAX):
            try:
                answer = await self._connection.request(method, f"/api/v1{path}", headers=headers, body=body)
            except ConnectionBroken:
                self._house.counts["broken"] += 1
            else:
                if answer.status not in (429, 503):
                    return answer
                self._house.counts[f"answered {answer.status}"] += 1
            await asyncio.sleep(PAUSE_SECONDS * (1 + number))
        raise Wrong(f"{method} {path}: no answer in {TRIES_MAX} tries")


def _named(answer: Answer) -> dict[str, Any]:
    """The ids in an answer: a second one may show a later state, of the same things."""
    said = answer.json()
    return {name: said[name] for name in NAMES if name in said}


async def sold(caller: Caller, store_id: str) -> dict[str, int]:
    """How many of each stock key are sold or wasted by the store's books; checks that the books add up (D4)."""
    found: dict[str, int] = {}
    for row in (await caller.ask("GET", f"/stores/{store_id}/stock"))["items"]:
        went = row["sold"] + row["held"] + row["left"] + row["waste"]
        if went != row["initial"] + row["restocked"]:
            raise Wrong(f"D4: the books of {store_id} do not add up: {row}")
        found[row["dish_id"]] = row["sold"] + row["held"] + row["waste"]
    return found
