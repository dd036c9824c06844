"""Who may do what where (C3): one table, one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

ANY_STORE = "*"
"""Roles under this key hold in every store."""

Action = Literal[
    "store.create",
    "store.settings",
    "menu.change",
    "stock.set",
    "flash_sale.manage",
    "order.read",
    "order.handle",
    "money.read",
    "staff.manage",
    "ops.read",
    "ops.manage",
]

MAY: dict[str, frozenset[Action]] = {
    "owner": frozenset(
        {
            "store.create",
            "store.settings",
            "menu.change",
            "stock.set",
            "flash_sale.manage",
            "order.read",
            "order.handle",
            "money.read",
            "staff.manage",
        }
    ),
    "manager": frozenset(
        {
            "store.settings",
            "menu.change",
            "stock.set",
            "flash_sale.manage",
            "order.read",
            "order.handle",
            "money.read",
        }
    ),
    "waiter": frozenset({"order.read", "order.handle"}),
    "cook": frozenset({"stock.set", "order.read"}),
    "cashier": frozenset({"order.read", "order.handle", "money.read"}),
    "ops": frozenset({"ops.read", "ops.manage"}),
}
"""What each role may do. Operators of the system see silos and queues, not a restaurant's orders."""


def allowed(roles: Mapping[str, Sequence[str]], store: str, action: Action) -> bool:
    """Whether somebody with these roles (store id or ``*`` → roles) may do this in this store.

    For what belongs to no store (``store.create``, ``ops.read``) ask with store ``*``.

    >>> allowed({"s1": ["manager"]}, "s1", "flash_sale.manage")
    True
    >>> allowed({"s1": ["manager"]}, "s2", "flash_sale.manage")
    False
    """
    here = (*roles.get(ANY_STORE, ()), *(roles.get(store, ()) if store != ANY_STORE else ()))
    return any(action in MAY.get(role, frozenset()) for role in here)
