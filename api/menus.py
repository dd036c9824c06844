"""The published menus that one silo knows, at most a second old (D1, D4).

A silo asks a store what is new on its menu at most twice a second, and only while somebody reads; the answer is empty
as long as nothing is. What is made of a menu (index, document, compressed bytes) is made once per version.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

import msgspec
import zstandard

from actors.words import Accepted, Query, Rejected, Reply, Unserved
from api.menu_views import Layout
from api.operations import Answer
from api.problems import Problem
from pricing.items import MenuIndex
from pricing.menu import Menu
from store_runtime.store.menu.commands import GetMenuSince
from store_runtime.store.menu.projections import Availability, MenuSince

GOOD_S = 0.9
"""A menu is good this long from the moment it was asked for: a change reaches every reader within a second."""

RENEW_S = 0.4
"""A menu of this age is asked for anew by the next reader, who need not wait for it."""

STORES_MAX = 1_000
"""Stores whose menus are kept; above it the one not read for longest is forgotten."""

COMPRESSIONS: dict[bytes, Callable[[bytes], bytes]] = {
    b"zstd": lambda body: zstandard.compress(body, 6),
    b"gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
"""In the order in which they are preferred. ``mtime=0``: the same menu gives the same bytes on every silo."""

Ask = Callable[[str, Query, Callable[[Reply], None]], None]
"""(entity, query, callback): the way to the store; one reply."""

_decode = msgspec.msgpack.Decoder(MenuSince).decode
_NOTHING = MenuIndex(Menu())


class Board:
    """What one store offers. ``index`` is its published menu; ``stock`` names the keys that are not simply in."""

    __slots__ = (
        "_answers",
        "_body",
        "_etags",
        "_layout",
        "asked_at",
        "asking",
        "index",
        "name",
        "needed_from",
        "stock",
        "store_id",
        "time_zone",
        "version",
        "waiting",
    )

    def __init__(self, store_id: str) -> None:
        self.store_id = store_id
        self.version = 0
        self.index = _NOTHING
        self.stock: dict[str, Availability] = {}
        self.name = ""
        self.time_zone = ""
        self.asked_at = float("-inf")
        self.needed_from = float("-inf")
        """What was asked before is older than a change that this silo made itself."""
        self.asking = False
        self.waiting: list[tuple[Callable[[Board], None], Callable[[Exception], None]]] = []
        self._layout = Layout(_NOTHING)
        self._etags: frozenset[bytes] = frozenset()
        self._body = b""
        self._answers: dict[bytes, tuple[Answer, Answer]] = {}

    def is_good(self, now: float) -> bool:
        """It may be read."""
        return self.asked_at >= self.needed_from and now < self.asked_at + GOOD_S

    def take(self, new: MenuSince, asked_at: float) -> None:
        """The store's answer to a question that was asked then."""
        self.asked_at = asked_at
        if new.menu is not None:
            self.index = MenuIndex(new.menu, new.menu_version)
            self._layout = Layout(self.index)
        elif new.version == self.version:
            return
        self.version = new.version
        self.name, self.time_zone, self.stock = new.name, new.time_zone, new.stock
        self._etags = frozenset(self._etag(encoding) for encoding in (b"", *COMPRESSIONS))
        self._body = b""
        self._answers = {}

    def answers(self, accepted: bytes) -> tuple[Answer, Answer]:
        """200 and 304 in the best encoding that ``accepted`` (Accept-Encoding) allows."""
        encoding = best_encoding(accepted)
        made = self._answers.get(encoding)
        if made is None:
            made = self._answers[encoding] = self._made(encoding)
        return made

    def has(self, if_none_match: bytes) -> bool:
        """Whether If-None-Match names this version, in any encoding; weak and strong alike (RFC 9110, 13.1.2)."""
        if if_none_match in self._etags:
            return True
        names = [name.strip().removeprefix(b"W/") for name in if_none_match.split(b",")]
        return names == [b"*"] or not self._etags.isdisjoint(names)

    def _etag(self, encoding: bytes) -> bytes:
        # Strong ETags name bytes, and each encoding has its own.
        return b'"m%d-%b"' % (self.version, encoding) if encoding else b'"m%d"' % self.version

    def _made(self, encoding: bytes) -> tuple[Answer, Answer]:
        if not self._body:
            self._body = self._layout.body(self.store_id, self.name, self.time_zone, self.version, self.stock)
        body = COMPRESSIONS[encoding](self._body) if encoding else self._body
        headers = [
            (b"etag", self._etag(encoding)),
            (b"cache-control", b"no-cache"),
            (b"vary", b"accept-encoding"),
        ]
        unchanged = Answer(304, None, tuple(headers))
        if encoding:
            headers.append((b"content-encoding", encoding))
        return Answer(200, body, tuple(headers)), unchanged


class Menus:
    """The boards of one silo. Belongs to its loop; ``now`` is monotonic seconds."""

    def __init__(self, ask: Ask, now: Callable[[], float]) -> None:
        self._ask = ask
        self._now = now
        self._boards: OrderedDict[str, Board] = OrderedDict()

    def read(
        self, store_id: str, answered: Callable[[Board], None], failed: Callable[[Exception], None]
    ) -> None:
        """The store's board, from memory or once it is here; a Problem (no such store, an outage) to ``failed``."""
        board = self._boards.get(store_id)
        if board is None:
            board = self._boards[store_id] = Board(store_id)
            if len(self._boards) > STORES_MAX:
                self._boards.popitem(last=False)
        else:
            self._boards.move_to_end(store_id)
        now = self._now()
        if board.is_good(now):
            if now >= board.asked_at + RENEW_S and not board.asking:
                self._question(board)
            answered(board)
            return
        board.waiting.append((answered, failed))
        if not board.asking:
            self._question(board)

    async def board_of(self, store_id: str) -> Board:
        """The same, awaited. Raises Problem."""
        future: asyncio.Future[Board] = asyncio.get_running_loop().create_future()

        def answered(board: Board) -> None:
            if not future.done():
                future.set_result(board)

        def failed(error: Exception) -> None:
            if not future.done():
                future.set_exception(error)

        self.read(store_id, answered, failed)
        return await future

    async def menu_of(self, store_id: str) -> MenuIndex:
        """The published menu, for names, prices and what can be chosen. Raises Problem."""
        return (await self.board_of(store_id)).index

    def changed(self, store_id: str) -> None:
        """This silo has just changed the menu or its stock: the next reader sees it."""
        board = self._boards.get(store_id)
        if board is not None:
            board.needed_from = self._now()

    def _question(self, board: Board) -> None:
        board.asking = True
        asked_at = self._now()

        def heard(reply: Reply) -> None:
            board.asking = False
            if isinstance(reply, Accepted):
                board.take(_decode(reply.answer), asked_at)
                if board.asked_at < board.needed_from and board.waiting:
                    self._question(board)
                    return
                for answered, _ in _taken(board):
                    answered(board)
                return
            assert isinstance(reply, Rejected | Unserved), "the router keeps Moved to itself"
            if isinstance(reply, Rejected):
                self._boards.pop(board.store_id, None)
            for _, failed in _taken(board):
                failed(Problem.from_reply(reply))

        self._ask(
            f"store/{board.store_id}", GetMenuSince(seen=board.version, seen_menu=board.index.version), heard
        )


def _taken(
    board: Board,
) -> list[tuple[Callable[[Board], None], Callable[[Exception], None]]]:
    """Those who wait; whoever comes while they are answered is not among them."""
    waiting, board.waiting = board.waiting, []
    return waiting


@lru_cache(maxsize=256)
def best_encoding(accepted: bytes) -> bytes:
    """The name of the compression that Accept-Encoding prefers and we have; empty for none.

    >>> best_encoding(b"gzip, deflate, br"), best_encoding(b"gzip;q=0, identity"), best_encoding(b"")
    (b'gzip', b'', b'')
    """
    weights: dict[bytes, float] = {}
    for part in accepted.lower().split(b","):
        name, _, parameter = part.partition(b";")
        weights[name.strip()] = _weight(parameter)
    others = weights.get(b"*", 0.0)
    best = max(COMPRESSIONS, key=lambda name: weights.get(name, others))
    return best if weights.get(best, others) > 0 else b""


def _weight(parameter: bytes) -> float:
    name, _, value = parameter.strip().partition(b"=")
    try:
        return float(value) if name.strip() == b"q" else 1.0
    except ValueError:
        return 0.0
