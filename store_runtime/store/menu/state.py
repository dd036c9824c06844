"""What a store remembers of its menus."""

from __future__ import annotations

import zlib

import msgspec

from pricing.menu import Menu
from store_runtime.store.menu.companions import Companions

KEPT_FULL = 20
"""Versions that can be read and published again; of older ones the row is left."""

KEPT_ROWS = 500


class KeptMenu(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A version that was published. ``packed``: the menu, compressed; empty once it is one of the old ones."""

    number: int
    published_at: int
    dishes: int
    by: str = ""
    packed: bytes = b""

    def menu(self) -> Menu | None:
        """The whole menu; None when it is no longer kept."""
        return unpacked(self.packed) if self.packed else None


class MenuBooks(msgspec.Struct, kw_only=True):
    """The published menu and those around it.

    Args:
        number: of the published version; what prices are quoted by. 0 before the first.
        published: never changed in place, so its index can be kept by identity.
        scheduled, publish_at: what will be published, and when (ms; 0: nothing).
        kept: every version, oldest first, the published one too.
        companions: what is ordered together (D6).
        changes: grows whenever something changes that the menu shows beside stock.
    """

    number: int = 0
    published: Menu = msgspec.field(default_factory=Menu)
    draft: Menu | None = None
    draft_at: int = 0
    scheduled: Menu | None = None
    publish_at: int = 0
    scheduled_by: str = ""
    kept: list[KeptMenu] = []
    changes: int = 0
    companions: Companions = msgspec.field(default_factory=Companions)

    def version(self, number: int) -> Menu | None:
        """A version by its number; None when there was none, or it is no longer kept."""
        if number == self.number and number:
            return self.published
        return next((kept.menu() for kept in reversed(self.kept) if kept.number == number), None)

    # --- used by evolve only ---------------------------------------------------------------------------

    def publish(self, menu: Menu, at: int, by: str) -> None:
        """This is the menu from now on."""
        self.number += 1
        self.changes += 1
        self.published = menu
        self.companions.keep({dish.dish_id for dish in menu.dishes})
        self.kept.append(
            KeptMenu(number=self.number, published_at=at, dishes=len(menu.dishes), by=by, packed=packed(menu))
        )
        del self.kept[:-KEPT_ROWS]
        for old in self.kept[:-KEPT_FULL]:
            old.packed = b""


def packed(menu: Menu) -> bytes:
    """About a tenth of its size; a version is read seldom, and every snapshot carries it."""
    return zlib.compress(msgspec.msgpack.encode(menu), 1)


def unpacked(raw: bytes) -> Menu:
    """The menu again."""
    return msgspec.msgpack.decode(zlib.decompress(raw), type=Menu)
