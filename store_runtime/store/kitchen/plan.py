"""A decision of the kitchen in the making: steps are tried on drafts, the books stay as they are."""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec.structs import replace

from store_runtime.by import By
from store_runtime.rejections import InvalidField
from store_runtime.store.kitchen.events import KitchenMoved
from store_runtime.store.kitchen.lines import apply
from store_runtime.store.kitchen.machine import after
from store_runtime.store.kitchen.state import Kitchen, KitchenLine
from store_runtime.store.kitchen.words import Move, Step


class Plan:
    """Collects the moves of one turn and what they do to the stock.

    Args:
        by: who asks; None for guests and for the clock.
    """

    def __init__(self, kitchen: Kitchen, at: int, by: By | None = None) -> None:
        self._kitchen = kitchen
        self._at = at
        self._by = by
        self._drafts: dict[str, KitchenLine] = {}
        self.moves: list[Move] = []
        self.back: Counter[str] = Counter()
        self.waste: Counter[str] = Counter()
        self.again: Counter[str] = Counter()

    def line(self, line_id: str) -> KitchenLine:
        """A line as it stands after the steps so far. Not to be changed."""
        return self._drafts.get(line_id) or self._kitchen.lines[line_id]

    def step(self, line_id: str, step: Step, quantity: int = 0, **facts: Any) -> str:
        """One step of a line, or of ``quantity`` of it, which is split off first. The id of the line that made it.

        Raises:
            IllegalTransition: not from where it stands; ``allowed`` says what is.
            InvalidField: it is not of so many.
        """
        line = self._draft(line_id)
        to = after(line, step)
        if quantity > line.quantity:
            raise InvalidField(path="$.quantity", problem=f"at most {line.quantity}")
        if quantity and quantity < line.quantity:
            line_id = self._split(line_id, quantity)
            line = self._draft(line_id)
        self._move(line, line_id, step, to=to, quantity=line.quantity, **facts)
        return line_id

    def event(self) -> KitchenMoved:
        """All of it as one fact."""
        return KitchenMoved(
            no=self._kitchen.moved + 1,
            moves=tuple(self.moves),
            back=dict(+self.back),
            waste=dict(+self.waste),
            again=dict(+self.again),
        )

    def _split(self, line_id: str, quantity: int) -> str:
        line = self._draft(line_id)
        into = f"{line_id}.s{line.splits + 1}"
        self._move(line, line_id, "SPLIT", to=line.state, quantity=quantity, into=into)
        return into

    def _move(self, line: KitchenLine, line_id: str, step: Step, **facts: Any) -> None:
        move = Move(line_id=line_id, n=line.steps + 1, step=step, by=self._by, **facts)
        apply(self._drafts, move, self._at)
        self.moves.append(move)

    def _draft(self, line_id: str) -> KitchenLine:
        draft = self._drafts.get(line_id)
        if draft is None:
            draft = self._drafts[line_id] = replace(self._kitchen.lines[line_id])
        return draft
