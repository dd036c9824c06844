"""From what an order wants to what it gets: prices, stock on the sum, the kitchen's lines and their promises.

Pure: it reads the books and a menu, and says either what stands against each line or what will be placed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from pricing.items import ItemProblem, MenuIndex, PricedItem, price_item
from store_runtime.store.kitchen.load import Load
from store_runtime.store.kitchen.words import Cooking
from store_runtime.store.orders.commands import ANY_PRICE, PlaceLines, PlaceUnlisted, WantedLine
from store_runtime.store.orders.projections import PlacedLine, PlacedPart
from store_runtime.store.orders.rejections import LineProblem, LineProblemKind

FINGERPRINT_BYTES = 12
_MINUTE_MS = 60_000

Stock = Mapping[str, int | None]
"""How many of each stock key can be given now; None: not counted."""


class Placement(msgspec.Struct, frozen=True):
    """What is placed: the lines with their prices, what one of each takes, and what the kitchen makes."""

    lines: tuple[PlacedLine, ...]
    takes: tuple[tuple[tuple[str, int], ...], ...]
    cooking: tuple[Cooking, ...]


def fingerprint(cmd: PlaceLines | PlaceUnlisted) -> bytes:
    """Tells whether two batches of one number are the same one, said twice."""
    said = (
        cmd.lines
        if isinstance(cmd, PlaceLines)
        else (cmd.line_id, cmd.name, cmd.unit_price_fen, cmd.quantity)
    )
    return hashlib.blake2b(msgspec.msgpack.encode(said), digest_size=FINGERPRINT_BYTES).digest()


def priced(
    index: MenuIndex, wanted: Sequence[WantedLine], weekday: int, minute: int
) -> list[PricedItem | LineProblem]:
    """The price of every line, or what is wrong with it."""
    return [_priced(line, price_item(index, line.selection, weekday, minute)) for line in wanted]


def _priced(line: WantedLine, item: PricedItem | ItemProblem) -> PricedItem | LineProblem:
    dish_id = line.selection.dish_id
    if isinstance(item, ItemProblem):
        return LineProblem(line_id=line.line_id, dish_id=dish_id, problem=item.problem, detail=item.detail)
    if line.quoted_fen in (item.unit_price_fen, ANY_PRICE):
        return item
    return LineProblem(
        line_id=line.line_id,
        dish_id=dish_id,
        problem="price_up" if item.unit_price_fen > line.quoted_fen else "price_down",
        quoted_fen=line.quoted_fen,
        price_fen=item.unit_price_fen,
    )


def shortages(
    wanted: Sequence[tuple[str, str, int, Sequence[tuple[str, int]]]], can_give: Stock
) -> dict[str, LineProblem]:
    """The lines that cannot be had, by id, when all are taken in their order (D3: on the sum per key).

    ``wanted``: (line id, dish id, quantity, what one takes). What cannot be had leaves its stock to the others.

    >>> two = [("l1", "crab", 2, [("crab", 1)]), ("l2", "crab", 2, [("crab", 1)])]
    >>> shortages(two, {"crab": 3})["l2"].left
    1
    """
    taken: Counter[str] = Counter()
    short: dict[str, LineProblem] = {}
    for line_id, dish_id, quantity, takes in wanted:
        least = quantity
        tight = ""
        for key, count in takes:
            limit = can_give[key]
            if limit is not None and (fits := max(0, limit - taken[key]) // count) < least:
                least, tight = fits, key
        if not tight:
            for key, count in takes:
                taken[key] += count * quantity
            continue
        kind: LineProblemKind = "not_enough" if least else "sold_out"
        if "#" in tight:
            kind = "option_sold_out"
        short[line_id] = LineProblem(
            line_id=line_id,
            dish_id=dish_id,
            problem=kind,
            left=least,
            detail="" if tight == dish_id else tight,
        )
    return short


def placement(
    cmd: PlaceLines, items: Sequence[PricedItem], load: Load, at: int
) -> tuple[Placement, dict[str, LineProblem]]:
    """The batch as it will stand, and the lines whose station has too much to do (O7)."""
    cooking: list[Cooking] = []
    lines: list[PlacedLine] = []
    busy: dict[str, LineProblem] = {}
    for wanted, item in zip(cmd.lines, items, strict=True):
        cooked = _cooked(wanted, item, cmd.ready_at, at)
        for number, one in enumerate(cooked):
            if load.too_much(one, cmd.channel, at):
                busy[wanted.line_id] = LineProblem(
                    line_id=wanted.line_id, dish_id=item.dish_id, problem="kitchen_busy", detail=one.station
                )
            promised = max(load.promise(one, at), cmd.ready_at)
            cooked[number] = msgspec.structs.replace(one, promised_at=promised)
        cooking += cooked
        lines.append(_placed(wanted, item, max(one.promised_at for one in cooked)))
    takes = tuple(item.stock for item in items)
    return Placement(tuple(lines), takes, tuple(cooking)), busy


def promised(cooking: tuple[Cooking, ...], load: Load, at: int) -> tuple[Cooking, ...]:
    """What was placed before, with what the kitchen can promise now; not before the moment it was ordered for."""
    return tuple(
        msgspec.structs.replace(
            one, promised_at=max(load.promise(one, at), one.promised_at if one.fire_at else 0)
        )
        for one in cooking
    )


def unlisted(cmd: PlaceUnlisted, load: Load, at: int) -> Placement:
    """临时菜 (D8): on no menu and in no books."""
    cooking = Cooking(
        line_id=cmd.line_id,
        order_line_id=cmd.line_id,
        dish_id="",
        name=cmd.name,
        quantity=cmd.quantity,
        station=cmd.station,
    )
    cooking = msgspec.structs.replace(cooking, promised_at=load.promise(cooking, at))
    line = PlacedLine(
        line_id=cmd.line_id,
        dish_id="",
        name=cmd.name,
        quantity=cmd.quantity,
        unit_price_fen=cmd.unit_price_fen,
        promised_at=cooking.promised_at,
    )
    return Placement((line,), ((),), (cooking,))


def _cooked(wanted: WantedLine, item: PricedItem, ready_at: int, at: int) -> list[Cooking]:
    parts = item.cooked
    fire_at = ready_at - item.make_minutes * _MINUTE_MS if ready_at else 0
    return [
        Cooking(
            line_id=wanted.line_id if not item.parts else f"{wanted.line_id}.k{number}",
            order_line_id=wanted.line_id,
            dish_id=part.dish_id,
            name=part.name,
            name_en=part.name_en,
            quantity=part.quantity * wanted.quantity,
            of_one=part.quantity,
            options_text=part.options_text,
            options_text_en=part.options_text_en,
            note=wanted.note,
            station=part.station,
            course=wanted.course or part.course,
            make_minutes=part.make_minutes,
            allergens=part.allergens,
            allergy=wanted.allergy,
            hold=wanted.hold,
            fire_at=fire_at if fire_at > at else 0,
            set_name=item.name if item.parts else "",
        )
        for number, part in enumerate(parts, 1)
    ]


def _placed(wanted: WantedLine, item: PricedItem, promised_at: int) -> PlacedLine:
    return PlacedLine(
        line_id=wanted.line_id,
        dish_id=item.dish_id,
        name=item.name,
        name_en=item.name_en,
        quantity=wanted.quantity,
        unit_price_fen=item.unit_price_fen,
        options_text=item.options_text,
        box_fen=item.box_fen,
        provisional=item.provisional,
        market=item.kind == "market",
        divisible=item.divisible,
        promised_at=promised_at,
        parts=tuple(
            PlacedPart(
                dish_id=part.dish_id,
                name=part.name,
                name_en=part.name_en,
                quantity=part.quantity,
                amount_fen=part.amount_fen,
                options_text=part.options_text,
            )
            for part in item.parts
        ),
    )
