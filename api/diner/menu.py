"""The menu, with what is available now."""

from __future__ import annotations

from api.audiences import PUBLIC
from api.call import Call
from api.operations import Answer, Table
from api.views import Menu
from store_runtime.store.menu.commands import GetMenu
from store_runtime.store.menu.projections import MenuView
from store_runtime.store.rejections import StoreNotFound

table = Table("Menu, stock, settings")


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu",
    audience=PUBLIC,
    answers={200: Menu, 304: None},
    headers={"If-None-Match": "The ETag of the menu one has; 304 when it is still the same."},
    problems=[StoreNotFound],
)
async def show_menu(call: Call) -> Answer:
    """The published menu."""
    view = await call.ask(f"store/{call.params['store_id']}", GetMenu(), MenuView)
    etag = b'"m%d"' % view.version
    headers = ((b"etag", etag), (b"cache-control", b"no-cache"))
    if _matches(call.headers.get(b"if-none-match", b""), etag):
        return Answer(304, None, headers)
    return Answer(200, Menu.of(view), headers)


def _matches(wanted: bytes, etag: bytes) -> bool:
    """Whether If-None-Match names this ETag; weak and strong count alike (RFC 9110, 13.1.2)."""
    names = [name.strip().removeprefix(b"W/") for name in wanted.split(b",")]
    return etag in names or names == [b"*"]
