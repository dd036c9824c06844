"""The tables of the demo's stores, and the tokens of their codes."""

from __future__ import annotations

from collections.abc import Iterator

from actors.words import Command
from api.table_tokens import NUMBER_LENGTH, sign
from store_runtime.store.floor.commands import PutTable, TablePlan
from store_runtime.table.code import NameCode

FIRST_CODE = 1
AREAS = (("大厅 Hall", 14, 4), ("露台 Terrace", 4, 2), ("包间 Private rooms", 2, 12))
"""Area, how many tables it has, and the seats of each: twenty tables, joined by scanning and paid later."""


def plans() -> dict[str, TablePlan]:
    """Table id → plan."""
    made: dict[str, TablePlan] = {}
    for area, count, seats in AREAS:
        room = seats > 8
        for _ in range(count):
            number = len(made) + 1
            made[f"t{number}"] = TablePlan(
                name=str(number),
                area=area,
                room=room,
                seats=seats,
                join_policy="open",
                pay_mode="pay_later",
                shared=seats == 2 and number % 2 == 0,
            )
    return made


def commands(store_id: str, secret: bytes) -> Iterator[tuple[str, Command, str]]:
    """What makes them: entity, command, and the step that it is."""
    for table_id, plan in plans().items():
        yield f"store/{store_id}", PutTable(table_id=table_id, plan=plan), f"table/{table_id}"
        name = NameCode(store_id=store_id, table_id=table_id, rotation=FIRST_CODE)
        number = sign(secret, store_id, table_id, FIRST_CODE)[:NUMBER_LENGTH]
        yield f"table-code/{number}", name, f"code/{table_id}"


def tokens(store_id: str, secret: bytes) -> list[dict[str, str]]:
    """As ``demo.json`` lists them."""
    return [
        {"table_id": table_id, "token": sign(secret, store_id, table_id, FIRST_CODE)} for table_id in plans()
    ]
