"""Entities that only say yes, for measuring one that talks to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from actors.entity import Entity, decides
from actors.turn import Turn
from store_runtime.store.commands import RecordSold, ReturnStock
from store_runtime.takeout.commands import AcceptOrder, CloseOrder, PlaceOrder, RefundPayment


class Nothing(msgspec.Struct):
    """The state of somebody who only says yes."""


class Orders(Entity[Nothing]):
    """Orders as far as the sale is concerned: they say yes. Their own work is not what is measured here."""

    kind = "takeout"

    def blank(self) -> Nothing:
        return Nothing()

    @decides(PlaceOrder)
    @decides(AcceptOrder)
    @decides(CloseOrder)
    @decides(RefundPayment)
    def yes(self, state: Nothing, cmd: Any, turn: Turn) -> Iterator[Any]:
        yield from ()


class Books(Entity[Nothing]):
    """The store that says yes."""

    kind = "store"

    def blank(self) -> Nothing:
        return Nothing()

    @decides(RecordSold)
    @decides(ReturnStock)
    def yes(self, state: Nothing, cmd: Any, turn: Turn) -> Iterator[Any]:
        yield from ()
