"""The tables of the demo's stores, and the tokens of their codes."""

from __future__ import annotations

from collections.abc import Iterator

from actors.words import Command
from api.table_tokens import NUMBER_LENGTH, sign
from cluster.demo_data import DemoStore
from store_runtime.store.floor.commands import PutTable, TablePlan
from store_runtime.table.code import NameCode

FIRST_CODE = 1


def plans(store: DemoStore) -> dict[str, TablePlan]:
    """Table id → plan. At the smallest tables every second one is shared by strangers."""
    made: dict[str, TablePlan] = {}
    for area in store.areas:
        for _ in range(area.tables):
            number = len(made) + 1
            made[f"t{number}"] = TablePlan(
                name=str(number),
                area=area.name,
                room=area.room,
                seats=area.seats,
                join_policy=store.join_policy,
                pay_mode=store.pay_mode,
                shared=area.seats == 2 and number % 2 == 0,
            )
    return made


def commands(store: DemoStore, secret: bytes) -> Iterator[tuple[str, Command, str]]:
    """What makes them: entity, command, and the step that it is."""
    store_id = store.store_id
    for table_id, plan in plans(store).items():
        yield f"store/{store_id}", PutTable(table_id=table_id, plan=plan), f"table/{table_id}"
        name = NameCode(store_id=store_id, table_id=table_id, rotation=FIRST_CODE)
        number = sign(secret, store_id, table_id, FIRST_CODE)[:NUMBER_LENGTH]
        yield f"table-code/{number}", name, f"code/{table_id}"


def tokens(store: DemoStore, secret: bytes) -> list[dict[str, str]]:
    """As ``demo.json`` lists them."""
    return [
        {"table_id": table_id, "token": sign(secret, store.store_id, table_id, FIRST_CODE)}
        for table_id in plans(store)
    ]
