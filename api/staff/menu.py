"""The menu as a manager keeps it: a draft, publishing, versions (D1)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.bodies import moment_field
from api.call import Call
from api.moments import MomentField, MomentText, maybe_rfc3339, rfc3339
from api.operations import Answer, Table
from pricing.menu import Menu
from store_runtime.store.menu.commands import (
    CancelPublishing,
    GetDraft,
    GetVersion,
    GetVersions,
    PublishMenu,
    SaveDraft,
)
from store_runtime.store.menu.projections import DraftView, PublishedView, VersionList, VersionView
from store_runtime.store.menu.rejections import MenuInvalid, NoDraft, NothingScheduled, VersionNotFound
from store_runtime.store.rejections import InvalidField, StoreNotFound

table = Table("Menu, stock, settings")

CHANGE = store_staff("menu.change")

EXAMPLE = {
    "categories": [{"category_id": "noodles", "name": "面", "name_en": "Noodles"}],
    "dishes": [
        {
            "dish_id": "beef-noodles",
            "name": "红烧牛肉面",
            "name_en": "Braised beef noodles",
            "category_ids": ["noodles"],
            "price_fen": 3_200,
            "allergens": ["gluten", "soy"],
            "option_groups": [
                {
                    "group_id": "size",
                    "name": "份量",
                    "min": 1,
                    "options": [
                        {"option_id": "regular", "name": "标准", "default": True},
                        {"option_id": "large", "name": "大份", "price_delta_fen": 600},
                    ],
                }
            ],
        }
    ],
}


class PublishBody(msgspec.Struct, forbid_unknown_fields=True):
    """``at`` a moment to come, else now; ``version``: an earlier version again instead of the draft."""

    at: MomentField | None = None
    version: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The draft; without one the published menu, and ``saved_at`` is null.

    ``publish_at``: when a menu that was scheduled is published; it no longer changes with the draft.
    """

    menu: Menu
    saved_at: MomentText | None
    published_version: int
    publish_at: MomentText | None

    @classmethod
    def of(cls, view: DraftView) -> Draft:
        return cls(
            menu=view.menu,
            saved_at=maybe_rfc3339(view.saved_at or None),
            published_version=view.published_version,
            publish_at=maybe_rfc3339(view.publish_at or None),
        )


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """``version`` is the published one; ``publish_at`` when the next one is due, if any."""

    version: int
    publish_at: MomentText | None

    @classmethod
    def of(cls, view: PublishedView) -> Published:
        return cls(version=view.version, publish_at=maybe_rfc3339(view.publish_at or None))


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version; only a ``whole`` one can be read and published again."""

    version: int
    published_at: MomentText
    dishes: int
    by: str
    whole: bool


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """All versions, newest first."""

    items: list[Version]
    next_cursor: str | None = None


class MenuVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version, whole."""

    version: int
    menu: Menu


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/menu/draft",
    audience=CHANGE,
    body=Menu,
    answers={200: Draft},
    problems=[StoreNotFound, MenuInvalid, InvalidField],
    headers=WHO_HEADERS,
    example=EXAMPLE,
)
async def save_draft(call: Call) -> Answer:
    """Save the draft of the menu.

    The whole menu: what is left out of it is off the menu once it is published. A menu whose parts do not fit
    together is refused with one problem per place.
    """
    view = await call.tell(_store(call), SaveDraft(menu=call.body, by=who(call)), DraftView)
    return Answer(200, Draft.of(view))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu/draft",
    audience=CHANGE,
    answers={200: Draft},
    problems=[StoreNotFound],
)
async def show_draft(call: Call) -> Answer:
    """The draft of the menu."""
    return Answer(200, Draft.of(await call.ask(_store(call), GetDraft(), DraftView)))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/menu/publish",
    audience=CHANGE,
    body=PublishBody,
    answers={200: Published},
    problems=[StoreNotFound, NoDraft, VersionNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={},
)
async def publish_menu(call: Call) -> Answer:
    """Publish the draft, or an earlier version again.

    With at it happens at that moment, and what is published is fixed now. Carts that quoted an older version are
    checked line by line when they are sent; nothing is dropped silently.
    """
    body = call.body
    at = None if body.at is None else moment_field(body.at, "$.at")
    command = PublishMenu(at=at, version=body.version, by=who(call))
    view = await call.tell(_store(call), command, PublishedView)
    call.door.menus.changed(call.params["store_id"])
    return Answer(200, Published.of(view))


@table.route(
    "DELETE",
    "/api/v1/stores/{store_id}/menu/publish",
    audience=CHANGE,
    answers={200: Published},
    problems=[StoreNotFound, NothingScheduled],
    headers=WHO_HEADERS,
)
async def cancel_publishing(call: Call) -> Answer:
    """Do not publish what was scheduled."""
    view = await call.tell(_store(call), CancelPublishing(by=who(call)), PublishedView)
    return Answer(200, Published.of(view))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu/versions",
    audience=CHANGE,
    answers={200: Versions},
    problems=[StoreNotFound],
)
async def list_versions(call: Call) -> Answer:
    """All versions of the menu, newest first."""
    view = await call.ask(_store(call), GetVersions(), VersionList)
    rows = [
        Version(
            version=row.version,
            published_at=rfc3339(row.published_at),
            dishes=row.dishes,
            by=row.by,
            whole=row.whole,
        )
        for row in view.items
    ]
    return Answer(200, Versions(items=rows))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu/versions/{menu_version}",
    audience=CHANGE,
    answers={200: MenuVersion},
    problems=[StoreNotFound, VersionNotFound],
)
async def show_version(call: Call) -> Answer:
    """One version of the menu."""
    number = int(call.params["menu_version"])
    view = await call.ask(_store(call), GetVersion(number=number), VersionView)
    return Answer(200, MenuVersion(version=view.version, menu=view.menu))


def _store(call: Call) -> str:
    return f"store/{call.params['store_id']}"
