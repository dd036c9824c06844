"""Ids in addresses. What cannot be an id names nothing, so it is not found, and no entity is asked."""

from __future__ import annotations

import re

from actors.words import Rejection
from api.rejections import TableTokenInvalid
from brand.rejections import AccountNotFound
from flash_sale.rejections import ClaimNotFound, FlashSaleNotFound
from store_runtime.reservations.rejections import ReservationNotFound
from store_runtime.store.kitchen.rejections import KitchenLineNotFound
from store_runtime.store.menu.rejections import DishNotFound, VersionNotFound
from store_runtime.store.rejections import StoreNotFound
from store_runtime.table.rejections import TableNotFound
from store_runtime.table_session.rejections import CallNotFound, LineNotFound, TableSessionNotFound
from store_runtime.takeout.rejections import OrderNotFound, PaymentNotFound
from store_runtime.waiting_queue.rejections import TicketNotFound

DISH_ID_LENGTH_MAX = 129
"""Of a stock key: ``<dish_id>#<option_id>``."""

ID_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$"
_ID = re.compile(ID_PATTERN.strip("^$"))
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")

NOT_FOUND: dict[str, Rejection] = {
    "store_id": StoreNotFound(),
    "flash_sale_id": FlashSaleNotFound(),
    "claim_id": ClaimNotFound(),
    "order_id": OrderNotFound(),
    "payment_id": PaymentNotFound(),
    "username": AccountNotFound(),
    "reservation_id": ReservationNotFound(),
    "queue_ticket_id": TicketNotFound(),
    "table_token": TableTokenInvalid(),
    "table_id": TableNotFound(),
    "session_id": TableSessionNotFound(),
    "call_id": CallNotFound(),
    "line_id": LineNotFound(),
    "kitchen_line_id": KitchenLineNotFound(),
}
"""Parameters that name an entity, or a part of one by an id that we made."""


def check(params: dict[str, str]) -> None:
    """Raise ``<thing>_not_found`` for the first parameter that cannot be an id."""
    for name, value in params.items():
        if name == "menu_version":
            if not _NUMBER.fullmatch(value):
                raise VersionNotFound(version=0)
        elif name in NOT_FOUND:
            if not _ID.fullmatch(value):
                raise NOT_FOUND[name]
        elif not 1 <= len(value) <= DISH_ID_LENGTH_MAX or not value.isprintable():
            raise DishNotFound(dish_id=value[:DISH_ID_LENGTH_MAX])


SESSION_PREFIX = "ts"
"""Of table sessions; orders' ids begin otherwise."""


def order_of(payment_id: str) -> str:
    """The order that a payment belongs to: a payment's id is its order's and a suffix."""
    return payment_id.rpartition(".")[0]


_DEPOSIT = re.compile(r"(.+\.[0-9]{8})\.r[a-z2-7]{16}\.p[0-9]+")


def owner_of(payment_id: str) -> str:
    """The entity that a payment belongs to, by its id alone: a day's book for a deposit, a table session, an order.

    >>> owner_of("s1.20261124.rabcdefghijklmnop.p1"), owner_of("oabcdefghijklmnop.p1")
    ('reservation-book/s1.20261124', 'takeout/oabcdefghijklmnop')
    >>> owner_of("tsabcdefghijklmnop.p1")
    'table-session/tsabcdefghijklmnop'
    """
    deposit = _DEPOSIT.fullmatch(payment_id)
    if deposit:
        return f"reservation-book/{deposit[1]}"
    owner = order_of(payment_id)
    return f"{'table-session' if owner.startswith(SESSION_PREFIX) else 'takeout'}/{owner}"
