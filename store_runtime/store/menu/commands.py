"""What can be asked of a store about its menu. Amounts fen, moments ms."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.words import Command, Query
from flash_sale.commands import Moment
from pricing.menu import Id, Menu, Name, PriceFen
from store_runtime.by import By

LEFT_MAX = 1_000_000
STOCK_KEY = r"^[A-Za-z0-9_.-]{1,64}(#[A-Za-z0-9_.-]{1,64})?$(?!\n)"
BATCH_MAX = 200
"""Keys that one command may set: each is an event, and a turn is bounded."""

StockState = Literal["in", "qty", "out"]
Left = Annotated[int, Meta(ge=0, le=LEFT_MAX)]
StockKey = Annotated[str, Meta(max_length=129, pattern=STOCK_KEY)]
"""``<dish_id>``, or ``<dish_id>#<option_id>`` for an option."""


class PutDish(Command, frozen=True, kw_only=True):
    """A dish is on the published menu with this name and price; its stock stays as it is when it was there before.

    A shortcut beside draft and publish; each is a version of its own. A new dish starts as ``state`` with ``left``.
    Answered with a DishView.
    """

    dish_id: Id
    name: Name
    price_fen: PriceFen
    state: StockState = "in"
    left: Left | None = None


class SaveDraft(Command, frozen=True, kw_only=True):
    """This menu is the draft, whatever it was before. Answered with a DraftView; rejected with MenuInvalid."""

    menu: Menu
    by: By | None = None


class PublishMenu(Command, frozen=True, kw_only=True):
    """The draft, or with ``version`` an earlier version again, is the menu: now, or at a moment to come.

    What is to be published is fixed now; the draft may go on changing. Answered with a PublishedView.
    """

    at: Moment | None = None
    version: int | None = None
    by: By | None = None


class CancelPublishing(Command, frozen=True, kw_only=True):
    """What was to be published at a moment is not. Answered with a PublishedView."""

    by: By | None = None


class StockSetting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """估清 of one key: in (not counted), qty (``left`` to sell), out (until a moment, or until set again).

    ``refill``: counted to this many at every change of the business day; 0 ends that, None leaves it as it is.
    """

    dish_id: StockKey
    state: StockState
    left: Left | None = None
    until: Moment | None = None
    refill: Left | None = None


class SetDishStock(Command, frozen=True, kw_only=True):
    """One StockSetting. Answered with a DishView."""

    dish_id: str
    state: StockState
    left: Left | None = None
    until: Moment | None = None
    refill: Left | None = None
    by: By | None = None

    @property
    def setting(self) -> StockSetting:
        return StockSetting(
            dish_id=self.dish_id, state=self.state, left=self.left, until=self.until, refill=self.refill
        )


class SetStocks(Command, frozen=True, kw_only=True):
    """Several at once, all or none. Answered with a DishViews."""

    items: Annotated[tuple[StockSetting, ...], Meta(min_length=1, max_length=BATCH_MAX)]
    by: By | None = None


class NoteStock(Command, frozen=True, kw_only=True):
    """The store tells a party at one of its tables what runs short; a TableSession decides it.

    ``left``: stock key → how many can be had (0: none), or None: enough. ``change`` counts the store's changes of
    stock, so that an older note is known as such.
    """

    change: int
    left: dict[str, int | None]


class GetMenu(Query, frozen=True, kw_only=True):
    """The menu with what is available now: MenuView; its version changes whenever the view does (ETag)."""


class GetMenuSince(Query, frozen=True, kw_only=True):
    """What is new on the menu for the asker: MenuSince.

    ``seen`` is the version and ``seen_menu`` the menu_version of what it has; 0: none.
    """

    seen: int = 0
    seen_menu: int = 0


class GetDraft(Query, frozen=True, kw_only=True):
    """The draft, or the published menu where there is none: DraftView."""


class GetVersions(Query, frozen=True, kw_only=True):
    """All versions, newest first: VersionList."""


class GetVersion(Query, frozen=True, kw_only=True):
    """One version, whole: VersionView."""

    number: int


class GetCompanions(Query, frozen=True, kw_only=True):
    """What is ordered together with a dish, best first: CompanionList (D6)."""

    dish_id: str


class GetDish(Query, frozen=True, kw_only=True):
    """One dish, or an option by its stock key: DishView."""

    dish_id: str


class GetDishStock(Query, frozen=True, kw_only=True):
    """The books of one stock key, for staff: StockView."""

    dish_id: str


class ListStock(Query, frozen=True, kw_only=True):
    """The books of all keys that have some, for staff: StockList."""
