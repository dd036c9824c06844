"""A table with dishes on its bill, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.house import House, fresh_key
from tests.api.test_tables import add, new_table, ops, sit, token_of, view

Headers = dict[str, str]


class Party:
    """One party at a table of its own; ``ann`` is its host."""

    def __init__(self, house: House, session: str, ann: Headers) -> None:
        self.house, self.session, self.ann = house, session, ann
        self.staff: dict[str, Headers] = {}
        self.path = f"/api/v1/table-sessions/{session}"

    async def post(self, who: Headers | str, what: str, key: str = "", **body: Any) -> httpx.Response:
        """A request of a guest or of staff (by role) about this party's bill."""
        if isinstance(who, str):
            # One login each: the door limits how often somebody may try.
            if who not in self.staff:
                self.staff[who] = await self.house.staff(who)
            who = self.staff[who]
        headers = {**who, "Idempotency-Key": key or fresh_key()}
        return await self.house.http.post(f"{self.path}/{what}", json=body, headers=headers)

    async def bill(self) -> dict[str, Any]:
        answer = await self.house.http.get(f"{self.path}/bill", headers=self.ann)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def order(self, *dishes: str) -> httpx.Response:
        """A round of these dishes."""
        changes = [add(fresh_key(), dish) for dish in dishes]
        assert (await ops(self.house, self.session, self.ann, *changes)).status_code == 200
        seen = (await view(self.house, self.session, self.ann))["seq"]
        return await self.post(self.ann, "rounds", seen_seq=seen)

    async def pays(self, payment_id: str, outcome: str = "paid") -> dict[str, Any]:
        """What the simulated channel says."""
        path = f"/api/v1/payments/simulated/{payment_id}"
        answer = await self.house.http.post(path, json={"outcome": outcome}, headers=self.ann)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


async def party(house: House, *dishes: str, **plan: Any) -> Party:
    """A party that has ordered these dishes."""
    ann = await house.diner()
    joined = await sit(house, ann, await token_of(house, await new_table(house, **plan)), party_size=2)
    made = Party(house, joined.json()["session_id"], ann)
    if dishes:
        ordered = await made.order(*dishes)
        assert ordered.status_code == 201, ordered.text
    return made
