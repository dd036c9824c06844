"""A1: every sensitive act is entered once, and the entries are chained."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.testing.kit import NOON, Given, after
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import ChangeSale, OpenSale, StopSale
from store_runtime.audit_log.actor import AuditLog
from store_runtime.audit_log.acts import Act, RecordAct, record_act
from store_runtime.audit_log.chain import START, chained
from store_runtime.audit_log.commands import GetEntries
from store_runtime.audit_log.events import ActRecorded
from store_runtime.audit_log.invariants import violations
from store_runtime.audit_log.state import RECENT_MAX, Log
from store_runtime.by import By
from store_runtime.store.actor import Store
from store_runtime.store.commands import (
    ChangeSettings,
    CreateFlashSale,
    CreateStore,
)
from store_runtime.store.menu.commands import (
    PublishMenu,
    PutDish,
    SaveDraft,
    SetDishStock,
    SetStocks,
    StockSetting,
)
from store_runtime.store.state import StoreBooks

LI = By("li", device="till-1", approved_by="wang")


def act(number: int = 1, **fields: object) -> Act:
    return Act(**{"by": LI, "action": "line.comp", "subject": f"lines/{number}", "at": NOON, **fields})  # type: ignore[arg-type]


def written(count: int) -> list[ActRecorded]:
    """What a log that was left alone holds."""
    log = after(AuditLog("s1"))
    return [log.when(RecordAct(act=act(n))).events[0] for n in range(1, count + 1)]  # type: ignore[misc]


def replayed(events: list[ActRecorded]) -> Log:
    log = after(AuditLog("s1"))
    for event in events:
        log.then(event)
    return log.state


def store() -> Given[StoreBooks]:
    given = after(Store("s1"))
    given.when(CreateStore(name="小龙虾馆"))
    given.when(PutDish(dish_id="crab", name="蟹", price_fen=9_900, state="qty", left=20))
    return given


# --- the log ---------------------------------------------------------------------------------------------


def test_A1_entries_are_numbered_and_chained() -> None:
    """Each hash covers the entry and the hash before it."""
    first, second = written(2)

    assert (first.number, second.number) == (1, 2)
    assert first.hash == chained(START, 1, NOON, act(1))
    assert second.hash == chained(first.hash, 2, NOON, act(2))


@given(st.integers(0, 4), st.sampled_from(["account", "device", "reason", "amount_fen", "before", "at"]))
def test_A1_a_changed_entry_is_found(place: int, field: str) -> None:
    """Whatever is changed, with the entry's hash left or made to fit."""
    events = written(5)
    old = events[place]
    fields = {"account": {"by": By("forger")}, "device": {"by": By("li", approved_by="wang")}}
    changed = act(place + 1, **fields.get(field, {field: {"was": 1} if field == "before" else 7}))
    if field == "reason":
        changed = act(place + 1, reason="another")

    kept = ActRecorded(number=old.number, act=changed, hash=old.hash)
    before = events[place - 1].hash if place else START
    fitted = ActRecorded(number=old.number, act=changed, hash=chained(before, old.number, NOON, changed))

    assert replayed([*events[:place], kept, *events[place + 1 :]]).broken_at == place + 1
    if place < 4:
        assert replayed([*events[:place], fitted, *events[place + 1 :]]).broken_at == place + 2


@given(st.permutations(range(5)), st.integers(0, 4))
def test_A1_a_missing_or_moved_entry_is_found(order: list[int], left_out: int) -> None:
    """The chain holds in one order only, and only whole (its end is the other books' business)."""
    events = written(5)

    moved = replayed([events[place] for place in order])
    shorter = replayed([event for event in events if event.number != left_out + 1])

    assert bool(violations(moved)) == (list(order) != list(range(5)))
    assert bool(violations(shorter)) == (left_out != 4)


def test_A1_the_state_stays_small_and_the_journal_has_the_rest() -> None:
    """Only the newest entries are at hand; the chain goes on over all."""
    log = after(AuditLog("s1"))
    before = START
    for number in range(1, RECENT_MAX + 3):
        before = chained(before, number, NOON, act(number))
        log.then(ActRecorded(number=number, act=act(number), hash=before))

    view = log.ask(GetEntries(since=0, limit=2))

    assert (view.count, view.oldest, len(log.state.recent)) == (RECENT_MAX + 2, 3, RECENT_MAX)
    assert [item.number for item in view.items] == [3, 4]
    assert view.head == before.hex()
    assert violations(log.state) == []
    assert [item.number for item in log.ask(GetEntries(since=RECENT_MAX + 1)).items] == [RECENT_MAX + 2]
    assert log.ask(GetEntries(since=RECENT_MAX + 2)).items == []


def test_A1_a_log_without_entries_shows_none() -> None:
    """The first entry will be number 1."""
    view = after(AuditLog("s1")).ask(GetEntries())

    assert (view.count, view.oldest, view.items) == (0, 1, [])


# --- who sends -------------------------------------------------------------------------------------------


def test_A1_changed_settings_are_told_with_before_and_after() -> None:
    """Only what differs, and who it was."""
    changed = store().when(ChangeSettings(grace_s=5, pay_mode="pay_first", by=LI))

    sent = Act(
        by=LI,
        action="store.settings",
        subject="store/s1",
        at=changed.at,
        before={"grace_s": 30, "pay_mode": "pay_later"},
        after={"grace_s": 5, "pay_mode": "pay_first"},
    )
    assert changed.sends == [record_act("s1", sent)]
    assert changed.sends[0].to == "audit-log/s1"


def test_A1_settings_that_stay_as_they_are_tell_nothing() -> None:
    """No act, no entry; and what the house does by itself is none of staff's."""
    assert store().when(ChangeSettings(grace_s=30, by=LI)).sends == []
    assert store().when(ChangeSettings(grace_s=5)).sends == []


def test_A1_stock_and_flash_sales_are_told() -> None:
    """估清, and each step of a sale by a manager."""
    books = store()
    counted = books.when(SetDishStock(dish_id="crab", state="out", by=LI))
    books.when(SetDishStock(dish_id="crab", state="qty", left=50, by=LI))
    create = CreateFlashSale(
        title="秒杀",
        dish_id="crab",
        price_fen=3_900,
        stock=5,
        per_user_limit=2,
        starts_at=NOON,
        ends_at=NOON + 60_000,
        by=LI,
    )
    created = books.when(create)
    sale = after(FlashSaleItem(created.reply.flash_sale_id))
    opening: OpenSale = created.reply.opening
    sale.when(opening)
    changed = sale.when(ChangeSale(title="加场", by=LI))
    stopped = sale.when(StopSale(reason="锅坏了", by=LI))

    acts = [
        send.command.act
        for outcome in (counted, created, changed, stopped)
        for send in outcome.sends
        if isinstance(send.command, RecordAct)
    ]
    assert [one.action for one in acts] == [
        "stock.set",
        "flash_sale.create",
        "flash_sale.change",
        "flash_sale.stop",
    ]
    assert (acts[0].before, acts[0].after) == ({"state": "qty", "left": 20}, {"state": "out"})
    assert (acts[2].before, acts[2].after) == ({"title": "秒杀"}, {"title": "加场"})
    assert acts[3].reason == "锅坏了"
    assert {one.subject for one in acts[1:]} == {f"flash-sale/{created.reply.flash_sale_id}"}


def test_A1_many_stocks_at_once_are_an_act_each() -> None:
    """One message per key."""
    books = store()
    books.when(PutDish(dish_id="noodles", name="凉面", price_fen=1_200))
    items = (StockSetting(dish_id="crab", state="out"), StockSetting(dish_id="noodles", state="qty", left=3))

    told = books.when(SetStocks(items=items, by=LI)).sends

    assert [(send.command.act.subject, send.command.act.after) for send in told] == [  # type: ignore[attr-defined]
        ("store/s1/dishes/crab", {"state": "out"}),
        ("store/s1/dishes/noodles", {"state": "qty", "left": 3}),
    ]


def test_A1_a_published_menu_is_told() -> None:
    """Who published which version, now or at a moment to come."""
    books = store()
    books.when(SaveDraft(menu=books.state.menu.published, by=LI))

    later = books.when(PublishMenu(at=NOON + 60_000_000, by=LI))
    now = books.when(PublishMenu(by=LI))

    acts = [send.command.act for outcome in (later, now) for send in outcome.sends]  # type: ignore[attr-defined]
    assert [act.action for act in acts] == ["menu.schedule", "menu.publish"]
    assert acts[1].after["version"] == now.reply.version
