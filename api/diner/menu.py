"""The menu, with what is available now: from this silo's memory, as ready bytes."""

from __future__ import annotations

from api.audiences import PUBLIC
from api.call import Call
from api.menu_views import MenuShown
from api.menus import Board
from api.operations import Done, Table
from store_runtime.store.rejections import StoreNotFound

table = Table("Menu, stock, settings")


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu",
    audience=PUBLIC,
    answers={200: MenuShown, 304: None},
    headers={
        "If-None-Match": "The ETag of the menu one has; 304 when it is still the same.",
        "Accept-Encoding": "gzip or zstd; the compressed menu is ready.",
    },
    problems=[StoreNotFound],
)
def show_menu(call: Call, done: Done) -> None:
    """The published menu.

    A change of the menu or of what is left is here within a second. Dishes that are not shown are listed when they
    are parts of a set.
    """
    headers = call.headers

    def answered(board: Board) -> None:
        try:
            whole, unchanged = board.answers(headers.get(b"accept-encoding", b""))
            known = headers.get(b"if-none-match")
            done(unchanged if known is not None and board.has(known) else whole)
        except Exception as error:
            done(error)

    call.door.menus.read(call.params["store_id"], answered, done)
