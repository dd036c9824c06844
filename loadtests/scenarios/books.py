"""The books after an evening: what was ordered, cooked, sold and paid must be the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from loadtests.scenarios.counter import Pickup
from loadtests.scenarios.house import Caller, House, sold
from loadtests.scenarios.kitchen import Kitchen
from loadtests.scenarios.party import Party


async def violations(
    house: House, kitchen: Kitchen, parties: Sequence[Party], pickups: Sequence[Pickup]
) -> list[str]:
    """What does not add up; empty when all does. Raises Wrong: the store's own books do not."""
    async with Caller(house, house.staff["manager"]) as manager:
        now = await sold(manager, house.store_id)
    taken = {dish: count - house.stocked.get(dish, 0) for dish, count in now.items()}
    return [
        *_cooked_once(kitchen, parties),
        *_stock(house, taken, parties, pickups),
        *_numbers(pickups),
    ]


def _cooked_once(kitchen: Kitchen, parties: Sequence[Party]) -> Iterator[str]:
    for line_id, times in kitchen.served.items():
        if times != 1:
            yield f"O1: kitchen line {line_id} was handed out {times} times"
    for party in parties:
        for line_id in party.ordered:
            if line_id not in kitchen.of_order:
                yield f"O1: line {line_id} was ordered and never handed out"


def _stock(
    house: House, taken: dict[str, int], parties: Sequence[Party], pickups: Sequence[Pickup]
) -> Iterator[str]:
    """Dishes that are also parts of sets are counted with the sets, so only the others are compared one by one."""
    in_sets = {
        choice["dish_id"] for dish in house.dishes for slot in dish["slots"] for choice in slot["choices"]
    }
    wanted: Counter[str] = Counter()
    for party in parties:
        for line_id, quantity in party.ordered.items():
            wanted[party.dish_of[line_id]] += quantity
    for pickup in pickups:
        if pickup.number:
            wanted.update(pickup.dishes)
    for dish in house.dishes:
        dish_id = dish["dish_id"]
        if dish_id not in in_sets and taken.get(dish_id, 0) != wanted[dish_id]:
            yield f"D4: {dish_id}: {wanted[dish_id]} ordered, {taken.get(dish_id, 0)} gone from the stock"


def _numbers(pickups: Sequence[Pickup]) -> Iterator[str]:
    """T13: no number twice."""
    given = Counter(pickup.number for pickup in pickups if pickup.number)
    for number, times in given.items():
        if times > 1:
            yield f"T13: the number {number} was given {times} times"
