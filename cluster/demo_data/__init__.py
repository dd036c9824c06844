"""The demo's restaurants as data: a dining room, a fast-food counter and a café, one file each.

The first one, ``demo``, has the most tables: anybody joins by scanning and it is paid at the end; at the others the
kitchen begins when it is paid. The dining room takes reservations, the counter delivers. ``menu`` is what
``PUT …/menu/draft`` takes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from pricing.menu import Menu
from store_runtime.delivery.commands import ChangeDelivery
from store_runtime.reservations.commands import ChangePlan
from store_runtime.store.commands import JoinPolicy, PayMode
from store_runtime.store.kitchen.terms import StationTerms
from store_runtime.store.menu.commands import StockSetting

FILES = ("dining_room.json", "counter.json", "cafe.json")


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``tables`` tables of ``seats`` seats; ``room``: each is a room of its own."""

    name: str
    tables: int
    seats: int
    room: bool = False


class DemoStore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One restaurant. ``stock`` is what it counts and refills every day.

    ``delivery`` and ``reservations`` are None where it has neither.
    """

    store_id: str
    name: str
    pay_mode: PayMode
    join_policy: JoinPolicy
    areas: tuple[Area, ...]
    stations: tuple[StationTerms, ...]
    stock: tuple[StockSetting, ...]
    menu: Menu
    delivery: ChangeDelivery | None = None
    reservations: ChangePlan | None = None


@cache
def stores() -> tuple[DemoStore, ...]:
    """All of them, the dining room first."""
    return tuple(
        msgspec.json.decode(files(__name__).joinpath(name).read_bytes(), type=DemoStore) for name in FILES
    )
