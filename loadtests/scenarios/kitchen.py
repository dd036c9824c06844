"""The cooks: they take what is queued, make it, and hand it out, each line once."""

from __future__ import annotations

import asyncio
from collections import Counter

from loadtests.scenarios.house import Caller, House

IDLE_SECONDS = 0.05
STEPS = {"queued": "start", "cooking": "ready", "ready": "serve"}


class Kitchen:
    """All stations of one restaurant. ``served``: kitchen line → how often it was handed out."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.served: Counter[str] = Counter()
        self.of_order: dict[str, list[str]] = {}
        """Line of an order → its kitchen lines; a set has several."""
        self.closing = False

    async def cook(self) -> None:
        """Until closing, and then until nothing is left to do. Raises Wrong."""
        path = f"/stores/{self.house.store_id}/kitchen"
        async with Caller(self.house, self.house.staff["cook"]) as cook:
            while True:
                lines = (await cook.ask("GET", path))["lines"]
                todo = [line for line in lines if line["state"] in STEPS]
                if not todo:
                    if self.closing:
                        return
                    await asyncio.sleep(IDLE_SECONDS)
                for line in todo:
                    step = STEPS[line["state"]]
                    done = await cook.ask(
                        "POST", f"{path}/lines/{line['line_id']}/{step}", {}, allowed=("illegal_transition",)
                    )
                    if step == "serve" and "code" not in done:
                        self.served[line["line_id"]] += 1
                        self.of_order.setdefault(line["order_line_id"], []).append(line["line_id"])
                        self.house.counts["dishes handed out"] += line["quantity"]
