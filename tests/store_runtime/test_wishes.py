"""「剩 2，8 号桌正在点」: carts hear who else wants the last ones, and only of those."""

from __future__ import annotations

from store_runtime.store.menu.commands import SetDishStock
from store_runtime.table_session.commands import ClearSession, EditCart, Remove
from tests.store_runtime.tables import WAITER, add
from tests.store_runtime.test_moves import Floor


def put(floor: Floor, session: str, who: str, op_id: str, dish: str = "duck", **more: object) -> str:
    """A dish goes into a cart; its line."""
    command = EditCart(ops=(add(op_id, dish, **more),), user_id=who)  # type: ignore[arg-type]
    outcome = floor.when(f"table-session/{session}", command)
    floor.settle()
    return str(outcome.reply.results[0].line_id)


def scarce(floor: Floor, dish: str = "duck", left: int = 2) -> None:
    assert floor.when("store/s1", SetDishStock(dish_id=dish, state="qty", left=left)).accepted
    floor.settle()


def test_D4_two_carts_that_want_the_last_two_ducks_know_of_each_other() -> None:
    """Each sees the other's table and how many; what nobody else wants is not spoken of."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    put(floor, left, "ann", "a1")
    put(floor, left, "ann", "a2", "tofu")
    put(floor, right, "bob", "b1", quantity=2)
    assert floor.session(left).others == {}

    scarce(floor)

    assert floor.session(left).others == {"duck": {"9": 2}}
    assert floor.session(right).others == {"duck": {"8": 1}}


def test_D4_a_dish_that_is_scarce_already_is_spoken_of_when_it_is_added() -> None:
    """The ingress knows what is left; nobody has to wait for the store to say it again."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    scarce(floor)

    put(floor, left, "ann", "a1", left={"duck": 2})
    put(floor, right, "bob", "b1", left={"duck": 2})

    assert floor.session(left).others == {"duck": {"9": 1}}
    assert floor.session(right).others == {"duck": {"8": 1}}


def test_D4_what_is_taken_out_ordered_or_cleared_is_no_longer_wanted() -> None:
    """The other cart hears it each time."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    scarce(floor, left=5)
    put(floor, left, "ann", "a1", left={"duck": 5})
    line = put(floor, right, "bob", "b1", left={"duck": 5})

    key = f"table-session/{right}"
    floor.when(key, EditCart(ops=(Remove(op_id="b2", line_id=line),), user_id="bob"))
    floor.settle()
    assert floor.session(left).others == {"duck": {}}

    put(floor, right, "bob", "b3", left={"duck": 5})
    assert floor.session(left).others == {"duck": {"9": 1}}
    floor.order(right, "bob")
    assert floor.session(left).others == {"duck": {}}

    put(floor, right, "bob", "b4", left={"duck": 4})
    floor.when(key, ClearSession(by=WAITER, reason="跑单", may_write_off_fen=None))
    floor.settle()
    assert floor.session(left).others == {"duck": {}}
    assert list(floor["store/s1"].state.floor.wishes) == [left]
