"""退菜 and 赠菜 (O3): which of an order's dishes are off, and what becomes of their stock.

The least advanced go first. Nothing of a plain line binds its dishes together, so those that are not begun are off at
once and the kitchen is asked for the others. A set is one thing: unless none of its parts is begun, the kitchen is
asked for all of them, and one answer is for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from store_runtime.rejections import IllegalTransition
from store_runtime.store.kitchen.lines import parts_of
from store_runtime.store.kitchen.plan import Plan
from store_runtime.store.kitchen.state import Kitchen, KitchenLine
from store_runtime.store.kitchen.words import LineState
from store_runtime.store.orders.state import OrderLine

_LEAST_FIRST: tuple[LineState, ...] = ("on_hold", "queued", "cooking", "ready")
_FURTHEST_FIRST: tuple[LineState, ...] = ("served", "ready", "cooking", "queued", "on_hold")
Pick = tuple[str, int]
"""A kitchen line and how many of it."""


def cancel(plan: Plan, kitchen: Kitchen, ordered: OrderLine, quantity: int, reason: str) -> None:
    """So many of an order's line shall not be served.

    Raises:
        IllegalTransition: not so many are left to cancel; what is served is comped or refunded.
    """
    picks = _picked(kitchen, ordered, quantity, _LEAST_FIRST)
    if picks is None:
        served = any(kitchen.lines[line_id].state == "served" for line_id in ordered.cooked_as)
        raise IllegalTransition(state=ordered.status, allowed=["comp", "refund"] if served else [])
    whole = is_set(kitchen, ordered) and any(kitchen.lines[line_id].begun for line_id, _ in picks)
    for line_id, count in picks:
        if whole or kitchen.lines[line_id].begun:
            plan.step(line_id, "CANCEL_REQUEST", count, reason=reason)
        else:
            plan.step(line_id, "CANCEL_OK", count, reason=reason)
            if not is_set(kitchen, ordered):
                _add(plan, ordered, back=count)
    if is_set(kitchen, ordered) and not whole:
        _add(plan, ordered, back=quantity)


def answer(plan: Plan, kitchen: Kitchen, ordered: OrderLine, line_id: str, agreed: bool, reason: str) -> None:
    """The kitchen agrees, or it is too late. What was begun is waste, the rest is left again (D4)."""
    together = is_set(kitchen, ordered)
    asked = [
        one
        for one in (ordered.cooked_as if together else [line_id])
        if one == line_id or kitchen.lines[one].state == "cancel_requested"
    ]
    for one in asked:
        plan.step(one, "CANCEL_OK" if agreed else "CANCEL_REFUSED", reason=reason)
    if not agreed:
        return
    lines = [kitchen.lines[one] for one in asked]
    if not together:
        count = lines[0].quantity
        _add(plan, ordered, waste=count if lines[0].begun else 0, back=0 if lines[0].begun else count)
        return
    first = next(iter(parts_of(lines).values()))
    sets = sum(line.quantity for line in first) // first[0].cooking.of_one
    parts = {line.cooking.dish_id for line in lines}
    begun = {line.cooking.dish_id for line in lines if line.begun}
    for key, count in ordered.takes:
        dish_id = key.partition("#")[0]
        lost = dish_id in begun or (dish_id not in parts and bool(begun))
        (plan.waste if lost else plan.back)[key] += count * sets


def comp(plan: Plan, kitchen: Kitchen, ordered: OrderLine, quantity: int, reason: str) -> None:
    """So many are on the house; the furthest first, since that is what a guest has seen.

    Raises:
        IllegalTransition: not so many are left that are neither cancelled nor comped.
    """
    picks = _picked(kitchen, ordered, quantity, _FURTHEST_FIRST, comped=False)
    if picks is None:
        raise IllegalTransition(state=ordered.status, allowed=[])
    for line_id, count in picks:
        plan.step(line_id, "COMP", count, reason=reason)


def make_again(plan: Plan, ordered: OrderLine, line: KitchenLine, quantity: int) -> None:
    """What one more of a line takes of the stock; of a set, what this part of it takes."""
    dish_id = line.cooking.dish_id
    for key, count in ordered.takes:
        if key.partition("#")[0] == dish_id:
            plan.again[key] += quantity if line.cooking.set_name else count * quantity


def is_set(kitchen: Kitchen, ordered: OrderLine) -> bool:
    """Whether several things are cooked for one of it."""
    return any(kitchen.lines[line_id].cooking.set_name for line_id in ordered.cooked_as)


def _picked(
    kitchen: Kitchen, ordered: OrderLine, quantity: int, states: Sequence[LineState], *, comped: bool = True
) -> list[Pick] | None:
    """So many of every part, from the states in their order; None when there are not so many."""
    picks: list[Pick] = []
    for part in parts_of(kitchen.lines[line_id] for line_id in ordered.cooked_as):
        needed = quantity * kitchen.lines[part].cooking.of_one
        for line_id in sorted(_of_part(kitchen, ordered, part, states, comped), key=_place(kitchen, states)):
            count = min(needed, kitchen.lines[line_id].quantity)
            if count:
                picks.append((line_id, count))
                needed -= count
        if needed:
            return None
    return picks


def _of_part(
    kitchen: Kitchen, ordered: OrderLine, part: str, states: Sequence[LineState], comped: bool
) -> Iterator[str]:
    for line_id in ordered.cooked_as:
        line = kitchen.lines[line_id]
        if line.cooking.line_id == part and line.state in states and (comped or not line.comped):
            yield line_id


def _place(kitchen: Kitchen, states: Sequence[LineState]) -> Callable[[str], int]:
    return lambda line_id: states.index(kitchen.lines[line_id].state)


def _add(plan: Plan, ordered: OrderLine, back: int = 0, waste: int = 0) -> None:
    for key, count in ordered.takes:
        plan.back[key] += count * back
        plan.waste[key] += count * waste


def asked(plan: Plan, kitchen: Kitchen, ordered: OrderLine) -> int:
    """For how many of an order's line a plan asks the kitchen."""
    first = kitchen.lines[ordered.cooked_as[0]].cooking
    requests = [
        move.quantity
        for move in plan.moves
        if move.step == "CANCEL_REQUEST" and plan.line(move.line_id).cooking.line_id == first.line_id
    ]
    return sum(requests) // first.of_one
