"""A table with its session and its guests, and a stage with everybody whom they talk to."""

from __future__ import annotations

from typing import Any

from actors.testing.kit import Given, Outcome, Stage, after
from actors.turn import derived_id
from cluster.rooms import TYPES
from pricing.selection import Selection
from store_runtime.by import By
from store_runtime.store.actor import Store
from store_runtime.store.commands import CreateStore
from store_runtime.store.floor.commands import PutTable, TablePlan
from store_runtime.table.commands import OpenTable, ScanCode
from store_runtime.table.terms import TableTerms
from store_runtime.table_session.actor import TableSession
from store_runtime.table_session.commands import (
    Add,
    CartOp,
    EditCart,
    JoinSession,
    OpenSession,
    Quote,
    Remove,
    SetQuantity,
)
from store_runtime.table_session.projections import CartAnswer, OpResult
from store_runtime.table_session.state import Session

WAITER = By(account="waiter")
MANAGER = By(account="manager")
PRICES = {"duck": 16_800, "tofu": 2_800, "rice": 300, "tea": 1_800}
SESSION = "ts1"


def terms(**fields: Any) -> TableTerms:
    """Table 8: open, paid later."""
    plain: dict[str, Any] = {"name": "8", "join_policy": "open"}
    return TableTerms(**(plain | fields))


def quote(dish_id: str, **fields: Any) -> Quote:
    """What the menu says of a dish."""
    plain: dict[str, Any] = {"name": dish_id, "unit_price_fen": PRICES[dish_id], "menu_version": 1}
    return Quote(**(plain | fields))


def add(op_id: str, dish_id: str = "duck", quantity: int = 1, **fields: Any) -> Add:
    """One more of a dish."""
    plain: dict[str, Any] = {"selection": Selection(dish_id=dish_id), "quote": quote(dish_id)}
    return Add(op_id=op_id, quantity=quantity, **(plain | fields))


def set_to(op_id: str, line: int, quantity: int, based_on: int) -> SetQuantity:
    return SetQuantity(op_id=op_id, line_id=f"{SESSION}.l{line}", quantity=quantity, based_on=based_on)


def remove(op_id: str, line: int) -> Remove:
    return Remove(op_id=op_id, line_id=f"{SESSION}.l{line}")


def party(*guests: str, thorough: bool = True, **fields: Any) -> Given[Session]:
    """A session with these users as guests, the first of them its host; without any, opened by staff."""
    given = after(TableSession(SESSION), thorough=thorough)
    opening = OpenSession(
        store_id="s1",
        table_id="t8",
        letter="",
        label="8",
        terms=terms(**fields),
        user_id=guests[0] if guests else "",
        by=None if guests else WAITER,
    )
    assert given.when(opening).accepted
    for guest in guests[1:]:
        assert given.when(JoinSession(user_id=guest)).accepted
    return given


def edit(given: Given[Session], who: str | By, *ops: CartOp) -> list[OpResult]:
    """The results of some ops of a guest or of staff."""
    by, user_id = (who, "") if isinstance(who, By) else (None, who)
    outcome = given.when(EditCart(ops=ops, user_id=user_id, by=by))
    assert outcome.rejection is None, outcome.rejection
    answer = outcome.reply
    assert isinstance(answer, CartAnswer)
    assert answer.seq == given.state.live.seq
    return list(answer.results)


def quantities(session: Session) -> dict[str, int]:
    """Dish → how many are in the cart."""
    total: dict[str, int] = {}
    for line in session.cart.lines.values():
        total[line.selection.dish_id] = total.get(line.selection.dish_id, 0) + line.quantity
    return total


class Dining(Stage):
    """A store with tables 8 and 9 (and whoever else is written to)."""

    def __init__(self, *, thorough: bool = True, **plan: Any) -> None:
        self.thorough = thorough
        super().__init__(after(Store("s1"), thorough=thorough))
        self.when("store/s1", CreateStore(name="小龙虾馆"))
        for name in ("8", "9"):
            fields: dict[str, Any] = {"name": name, "join_policy": "open"}
            put = PutTable(table_id=f"t{name}", plan=TablePlan(**(fields | plan)))
            assert self.when("store/s1", put).accepted
        self.settle()

    def summon(self, key: str) -> Given[Any]:
        """Virtual actors exist as soon as somebody writes to them."""
        kind, _, entity_id = key.partition("/")
        cls = TYPES[kind].cls
        return after(cls(entity_id), thorough=self.thorough)

    def scan(self, user_id: str, table: str = "t8", **fields: Any) -> Outcome:
        """A guest scans the table's code and, if let in, joins."""
        key = f"table/s1.{table}"
        rotation = self[key].state.rotation
        fields = {"rotation": rotation} | fields
        outcome = self.when(key, ScanCode(user_id=user_id, **fields))
        self._seat(outcome, user_id)
        return outcome

    def open(self, table: str = "t8", party_size: int = 2) -> str:
        """Staff open a table; the session's id."""
        outcome = self.when(f"table/s1.{table}", OpenTable(by=WAITER, party_size=party_size))
        assert outcome.accepted, outcome.rejection
        self._seat(outcome, "")
        return str(outcome.reply.session_id)

    def _seat(self, outcome: Outcome, user_id: str) -> None:
        if not outcome.accepted:
            return
        session = f"table-session/{outcome.reply.session_id}"
        if outcome.reply.outcome == "opened":
            self.when(session, outcome.reply.opening, derived_id(outcome.command_id, "open"))
        elif outcome.reply.outcome == "joined":
            self.when(session, JoinSession(user_id=user_id))
        self.settle()

    def session(self, session_id: str) -> Session:
        state = self[f"table-session/{session_id}"].state
        assert isinstance(state, Session)
        return state
