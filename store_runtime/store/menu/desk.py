"""The menu desk: a draft, published now or at a moment, and every version kept (D1)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from actors.entity import Decision, answers, decides, evolves
from actors.turn import Turn
from actors.words import Event
from pricing.menu import DISHES_MAX, Dish, Menu
from pricing.menu_check import problems_of
from store_runtime.audit_log.acts import Facts, act_done
from store_runtime.by import By
from store_runtime.store.books import Desk
from store_runtime.store.menu.commands import (
    CancelPublishing,
    GetCompanions,
    GetDraft,
    GetMenu,
    GetMenuSince,
    GetVersion,
    GetVersions,
    PublishMenu,
    PutDish,
    SaveDraft,
)
from store_runtime.store.menu.events import (
    DishAdded,
    DishChanged,
    DraftSaved,
    MenuPublished,
    MenuScheduled,
    PublishingCancelled,
)
from store_runtime.store.menu.projections import (
    CompanionList,
    DishView,
    DraftView,
    MenuSince,
    MenuView,
    PublishedView,
    VersionList,
    VersionView,
    availability,
    dish_view,
    menu_view,
    shown_version,
    version_list,
)
from store_runtime.store.menu.rejections import (
    MenuFull,
    MenuInvalid,
    NoDraft,
    NothingScheduled,
    VersionNotFound,
)
from store_runtime.store.menu.stock_desk import left_of
from store_runtime.store.rejections import InvalidField
from store_runtime.store.state import StoreBooks
from store_runtime.store.stock import DishStock


class MenuDesk(Desk):
    """Keeps what is offered. What of it is there is the stock desk's."""

    @decides(SaveDraft)
    def save_draft(self, store: StoreBooks, cmd: SaveDraft, turn: Turn) -> Decision[DraftView]:
        """The whole menu or nothing: what can be saved can be published."""
        self.must_exist(store)
        InvalidField.check(cmd)
        if problems := problems_of(cmd.menu):
            raise MenuInvalid(problems=problems)
        menu = store.menu
        if cmd.menu != menu.draft:
            yield DraftSaved(menu=cmd.menu)
        return DraftView(
            menu=cmd.menu,
            saved_at=turn.at if cmd.menu != menu.draft else menu.draft_at,
            published_version=menu.number,
            publish_at=menu.publish_at,
        )

    @decides(PublishMenu)
    def publish(self, store: StoreBooks, cmd: PublishMenu, turn: Turn) -> Decision[PublishedView]:
        """Now, or at a moment to come; a moment that is past is now."""
        self.must_exist(store)
        InvalidField.check(cmd)
        version = cmd.version or 0
        if cmd.version is not None and store.menu.version(version) is None:
            raise VersionNotFound(version=version)
        if cmd.version is None and store.menu.draft is None:
            raise NoDraft()
        by = "" if cmd.by is None else cmd.by.account
        if cmd.at is not None and cmd.at > turn.at:
            yield MenuScheduled(at=cmd.at, again=version, by=by)
            yield from self._told(turn, cmd.by, "menu.schedule", {"at": cmd.at, "again": version})
            return PublishedView(version=store.menu.number, publish_at=cmd.at)
        number = store.menu.number + 1
        yield MenuPublished(number=number, again=version, by=by)
        yield from self._told(turn, cmd.by, "menu.publish", {"version": number, "again": version})
        return PublishedView(version=number, publish_at=store.menu.publish_at)

    @decides(CancelPublishing)
    def cancel_publishing(
        self, store: StoreBooks, cmd: CancelPublishing, turn: Turn
    ) -> Decision[PublishedView]:
        """The menu that stands goes on standing."""
        self.must_exist(store)
        if store.menu.scheduled is None:
            raise NothingScheduled()
        yield PublishingCancelled()
        yield from self._told(turn, cmd.by, "menu.cancel_publishing", {})
        return PublishedView(version=store.menu.number)

    def _told(self, turn: Turn, by: By | None, action: str, after: Facts) -> Iterator[Event]:
        """A1: who let guests see another menu."""
        yield from act_done(self.id, turn, by, action, f"store/{self.id}/menu", after=after)

    @decides(PutDish)
    def put_dish(self, store: StoreBooks, cmd: PutDish, turn: Turn) -> Decision[DishView]:
        """A new dish with its stock, or a new name and price of one that was there."""
        self.must_exist(store)
        InvalidField.check(cmd)
        index = self.menu_index(store)
        dish = index.dishes.get(cmd.dish_id)
        if dish is not None:
            if (dish.name, dish.price_fen) != (cmd.name, cmd.price_fen):
                yield DishChanged(dish_id=cmd.dish_id, name=cmd.name, price_fen=cmd.price_fen)
            changed = replace(dish, name=cmd.name, price_fen=cmd.price_fen)
            return dish_view(changed, store.stock.of(cmd.dish_id), turn.at)
        if len(index.dishes) >= DISHES_MAX:
            raise MenuFull(dishes_max=DISHES_MAX)
        left, out = left_of(cmd.state, cmd.left), cmd.state == "out"
        yield DishAdded(dish_id=cmd.dish_id, name=cmd.name, price_fen=cmd.price_fen, left=left, out=out)
        stock = store.stock.books.get(cmd.dish_id) or DishStock(
            counted=left is not None, left=left or 0, out=out
        )
        added = Dish(dish_id=cmd.dish_id, name=cmd.name, price_fen=cmd.price_fen)
        return dish_view(added, stock, turn.at)

    def menu_due(self, store: StoreBooks, turn: Turn) -> Iterator[Event]:
        """Of a Wake: what was scheduled is published."""
        if 0 < store.menu.publish_at <= turn.at:
            yield MenuPublished(number=store.menu.number + 1, scheduled=True, by=store.menu.scheduled_by)

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetMenu)
    def show_menu(self, store: StoreBooks, query: GetMenu, at: int) -> MenuView:
        """The menu with what is available now."""
        self.must_exist(store)
        return menu_view(store.menu, store.stock, self.id, store.settings.name, at)

    @answers(GetMenuSince)
    def show_menu_since(self, store: StoreBooks, query: GetMenuSince, at: int) -> MenuSince:
        """What the asker does not know of what is offered; asked twice a second by every silo with guests."""
        self.must_exist(store)
        menu, stock = store.menu, store.stock
        version = shown_version(menu, stock, at)
        if version == query.seen and menu.number == query.seen_menu:
            return MenuSince(version=version, menu_version=menu.number)
        return MenuSince(
            version=version,
            menu_version=menu.number,
            name=store.settings.name,
            time_zone=store.settings.time_zone,
            menu=None if menu.number == query.seen_menu and query.seen else menu.published,
            stock={
                key: availability(books, at) for key, books in stock.books.items() if books.state(at) != "in"
            },
        )

    @answers(GetDraft)
    def show_draft(self, store: StoreBooks, query: GetDraft, at: int) -> DraftView:
        """The draft, or what a draft begins from."""
        self.must_exist(store)
        menu = store.menu
        return DraftView(
            menu=menu.published if menu.draft is None else menu.draft,
            saved_at=menu.draft_at,
            published_version=menu.number,
            publish_at=menu.publish_at,
        )

    @answers(GetVersions)
    def show_versions(self, store: StoreBooks, query: GetVersions, at: int) -> VersionList:
        """All versions, newest first."""
        self.must_exist(store)
        return version_list(store.menu)

    @answers(GetVersion)
    def show_version(self, store: StoreBooks, query: GetVersion, at: int) -> VersionView:
        """One version, whole."""
        self.must_exist(store)
        menu = store.menu.version(query.number)
        if menu is None:
            raise VersionNotFound(version=query.number)
        return VersionView(version=query.number, menu=menu)

    @answers(GetCompanions)
    def show_companions(self, store: StoreBooks, query: GetCompanions, at: int) -> CompanionList:
        """What is ordered together with a dish."""
        self.dish_of(store, query.dish_id)
        return CompanionList(items=store.menu.companions.of(query.dish_id))

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(DraftSaved)
    def on_draft_saved(self, store: StoreBooks, e: DraftSaved, at: int) -> None:
        store.menu.draft, store.menu.draft_at = e.menu, at

    @evolves(MenuScheduled)
    def on_menu_scheduled(self, store: StoreBooks, e: MenuScheduled, at: int) -> None:
        menu = store.menu
        menu.scheduled = menu.version(e.again) if e.again else menu.draft
        menu.publish_at, menu.scheduled_by = e.at, e.by

    @evolves(PublishingCancelled)
    def on_publishing_cancelled(self, store: StoreBooks, e: PublishingCancelled, at: int) -> None:
        self._unschedule(store)

    @evolves(MenuPublished)
    def on_menu_published(self, store: StoreBooks, e: MenuPublished, at: int) -> None:
        menu = store.menu
        if e.scheduled:
            published = menu.scheduled
            self._unschedule(store)
        else:
            published = menu.version(e.again) if e.again else menu.draft
        assert published is not None, "decided on a menu that was there"
        if not e.again and not e.scheduled:
            menu.draft, menu.draft_at = None, 0
        self._publish(store, published, at, e.by)

    @evolves(DishAdded)
    def on_dish_added(self, store: StoreBooks, e: DishAdded, at: int) -> None:
        if e.dish_id not in store.stock.books:
            left = e.left or 0
            stock = DishStock(counted=e.left is not None, initial=left, left=left, out=e.out)
            store.stock.books[e.dish_id] = stock
        dish = Dish(dish_id=e.dish_id, name=e.name, price_fen=e.price_fen)
        self._put(store, dish, at)

    @evolves(DishChanged)
    def on_dish_changed(self, store: StoreBooks, e: DishChanged, at: int) -> None:
        dish = self.menu_index(store).dishes[e.dish_id]
        self._put(store, replace(dish, name=e.name, price_fen=e.price_fen), at)

    def _put(self, store: StoreBooks, dish: Dish, at: int) -> None:
        """Onto the published menu, and onto the draft, so that the next publishing does not lose it."""
        menu = store.menu
        if menu.draft is not None:
            menu.draft = _with(menu.draft, dish)
        self._publish(store, _with(menu.published, dish), at, "")

    def _publish(self, store: StoreBooks, published: Menu, at: int, by: str) -> None:
        store.menu.publish(published, at, by)
        store.live.add("menu_published", at, version=store.menu.number)
        for dish in published.dishes:
            store.stock.opened(dish.dish_id)

    def _unschedule(self, store: StoreBooks) -> None:
        store.menu.scheduled, store.menu.publish_at, store.menu.scheduled_by = None, 0, ""


def _with(menu: Menu, dish: Dish) -> Menu:
    """The menu with this dish in the place of the one with its id, or as its last."""
    others = [one.dish_id for one in menu.dishes]
    if dish.dish_id not in others:
        return replace(menu, dishes=(*menu.dishes, dish))
    place = others.index(dish.dish_id)
    return replace(menu, dishes=(*menu.dishes[:place], dish, *menu.dishes[place + 1 :]))
