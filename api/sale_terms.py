"""Whether a sale wants an entry token (F8), remembered for a moment, so that a claim need not ask twice."""

from __future__ import annotations

from collections import OrderedDict

FRESH_S = 1.0
SALES_MAX = 10_000


class SaleTerms:
    """``entry_required`` by sale. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[bool, float]] = OrderedDict()

    def entry_required(self, flash_sale_id: str, now: float) -> bool | None:
        """What was last heard, if that was within FRESH_S; else None: ask the sale."""
        known = self._known.get(flash_sale_id)
        return None if known is None or now - known[1] > FRESH_S else known[0]

    def heard(self, flash_sale_id: str, entry_required: bool, now: float) -> None:
        """The sale said so."""
        self._known[flash_sale_id] = (entry_required, now)
        self._known.move_to_end(flash_sale_id)
        if len(self._known) > SALES_MAX:
            self._known.popitem(last=False)
