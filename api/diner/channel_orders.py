"""Orders of the channels as a diner places them: pickup and delivery (T12, T13).

The ingress resolves the lines against the menu and takes the order from entity to entity, under the ids of the
entities' own messages: whichever arrives first does it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from actors.turn import derived_id, readable
from api.addressed import Address, Person
from api.audiences import DINER, PUBLIC
from api.bodies import moment_field
from api.call import Call
from api.menus import Board
from api.moments import MomentField, MomentText
from api.operations import Answer, Key, Table
from api.order_views import moment
from api.problems import Problem
from api.reserving import Wanted, plan_of, preorder, slot_of
from api.views import PaymentShown
from flash_sale.commands import PaymentChannel
from pricing.items import ItemProblem, price_item
from pricing.selection import CHOICES_MAX, Chosen, LineQuantity, Options, Selection
from store_runtime.delivery import quote
from store_runtime.delivery.rejections import QuoteInvalid
from store_runtime.pickup_screen.commands import GetScreen
from store_runtime.pickup_screen.projections import ScreenRow, ScreenView
from store_runtime.reservations.commands import Book, PartySize, SlotTerms
from store_runtime.reservations.projections import PlanView, ReservationView
from store_runtime.reservations.rejections import BookFull, PartyTooLarge, SlotFull, SlotNotFound
from store_runtime.store.commands import GetStore
from store_runtime.store.orders.commands import LINES_MAX, LinesPlaced, Note, WantedLine
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import CartStale, LineProblem, StoreClosed
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound
from store_runtime.takeout.commands import ChannelTerms, GetOpening, Going, OpenOrder
from store_runtime.takeout.projections import HeldAnswer, OrderOpening
from store_runtime.takeout.rejections import (
    IllegalTransition,
    InvalidField,
    MinimumNotReached,
    NotPriced,
)

table = Table("Orders and money")

AHEAD_MS_MAX = 7 * 86_400_000
"""A pickup is ordered a week ahead at most: its dishes are held from now on."""


class OrderLineBody(msgspec.Struct, forbid_unknown_fields=True):
    """One dish as it is wanted. ``price_fen`` is ignored, and said so: prices are the store's."""

    dish_id: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: LineQuantity
    options: Options = ()
    choices: Annotated[tuple[Chosen, ...], Meta(max_length=CHOICES_MAX)] = ()
    note: Note = ""
    price_fen: Any = None


class OrderBody(msgspec.Struct, forbid_unknown_fields=True):
    """An order.

    ``pickup_at`` belongs to pickup, ``address`` and ``quote_id`` to delivery, ``slot_id`` and ``party_size`` to
    reservation, where seats come with the dishes. ``total_fen`` is ignored like every price a client sends.
    """

    fulfilment: Literal["pickup", "delivery", "reservation"]
    lines: Annotated[tuple[OrderLineBody, ...], Meta(min_length=1, max_length=LINES_MAX)]
    payment_channel: PaymentChannel = "simulated"
    pickup_at: MomentField | None = None
    address: Address | None = None
    quote_id: Annotated[str, Meta(max_length=quote.QUOTE_LENGTH_MAX)] = ""
    slot_id: Annotated[str, Meta(max_length=64)] = ""
    party_size: PartySize = 2
    person: Person | None = None
    note: Note = ""
    total_fen: Any = None


class OrderPlacedShown(msgspec.Struct, frozen=True, kw_only=True):
    """The order and the payment that completes it. ``ignored``: fields of the body that count for nothing."""

    order_id: str
    payment: PaymentShown
    ignored: list[str]


class ScreenRowShown(msgspec.Struct, frozen=True, kw_only=True):
    """One number on the screen."""

    number: str
    promised_at: MomentText | None
    ready_at: MomentText | None
    calls: int
    called_at: MomentText | None


class ScreenShown(msgspec.Struct, frozen=True, kw_only=True):
    """The screen at the counter. ``seq`` counts its changes without a gap."""

    seq: int
    preparing: list[ScreenRowShown]
    ready: list[ScreenRowShown]


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/orders",
    audience=DINER,
    body=OrderBody,
    answers={201: OrderPlacedShown},
    key=Key.REQUIRED,
    problems=[
        StoreNotFound,
        StoreClosed,
        SlotNotFound,
        SlotFull,
        PartyTooLarge,
        BookFull,
        CartStale,
        NotPriced,
        MinimumNotReached,
        QuoteInvalid,
        IllegalTransition,
        InvalidField,
    ],
    example={
        "fulfilment": "pickup",
        "lines": [{"dish_id": "noodles", "quantity": 2}],
        "payment_channel": "simulated",
    },
)
async def place_order(call: Call) -> Answer:
    """Order for pickup, for delivery, or for a reserved slot.

    All dishes are held for as long as the payment may be paid, or none is: 409 cart_stale says what stands against
    each line. What is paid goes to the kitchen and gets its number.
    """
    body: OrderBody = call.body
    command_id = call.command_id()
    order_id = "o" + readable(command_id[:10])
    opening = await _opened(call, body, order_id, command_id)
    if (booking := opening.booking) is not None:
        # Seats first; whoever arrives first does it, and a no is final for both.
        book = f"reservation-book/{opening.reservation.rpartition('.')[0]}"
        await call.tell_step(book, booking, ReservationView, derived_id(command_id, "book"))
    place_id = derived_id(command_id, "place")
    placed = await call.tell_step(f"store/{call.params['store_id']}", opening.place, PlacedLines, place_id)
    held = await call.tell(
        f"takeout/{order_id}", LinesPlaced(placed=placed), HeldAnswer, derived_id(place_id, "placed")
    )
    if held.payment is None:
        raise IllegalTransition(state=held.reason or "cancelled", allowed=[])
    shown = OrderPlacedShown(
        order_id=order_id, payment=PaymentShown.of(held.payment), ignored=list(_ignored(body))
    )
    return Answer(201, shown, ((b"location", f"/api/v1/orders/{order_id}".encode()),))


async def _opened(call: Call, body: OrderBody, order_id: str, command_id: bytes) -> OrderOpening:
    """The order, opened now or by an earlier try of the same request.

    What the menu says goes into the command, so the same body makes another command once the menu has changed; the
    order itself knows which request it came from.
    """
    request = hashlib.blake2b(msgspec.msgpack.encode(body), digest_size=16).digest()
    terms = await _terms(call, body, order_id, command_id, request)
    try:
        return await call.tell(f"takeout/{order_id}", OpenOrder(terms=terms), OrderOpening, command_id)
    except Problem as problem:
        if problem.code != "idempotency_key_reused":
            raise
        return await call.ask(f"takeout/{order_id}", GetOpening(request=request), OrderOpening)


async def _terms(
    call: Call, body: OrderBody, order_id: str, command_id: bytes, request: bytes
) -> ChannelTerms:
    store_id = call.params["store_id"]
    settings = (await call.ask(f"store/{store_id}", GetStore(), StoreView)).settings
    board = await call.door.menus.board_of(store_id)
    now = call.door.clock.now_ms()
    ready_at, booking, day = _pickup_at(body, now), None, ""
    if body.fulfilment == "reservation":
        plan = await plan_of(call, store_id)
        day, slot = slot_of(plan, body.slot_id, ZoneInfo(settings.time_zone), now)
        ready_at = slot.starts_at
        booking = _booking(call, body, board, plan, slot, command_id)
    elif body.slot_id:
        raise InvalidField(path="$.slot_id", problem="only with reservation")
    return ChannelTerms(
        store_id=store_id,
        user_id=call.user_id,
        fulfilment=body.fulfilment,
        payment_channel=body.payment_channel,
        menu_version=board.index.version,
        lines=wanted_lines(board, body.lines, order_id, ready_at if booking is not None else now),
        hold_ms=settings.order_hold_s * 1_000,
        grace_ms=settings.grace_s * 1_000,
        ready_at=ready_at,
        booking=booking,
        reservation=f"{store_id}.{day}.{booking.code}" if booking is not None else "",
        delivery=_going(call, body, command_id, now),
        person=call.door.seal.close(body.person, command_id + b"p") if body.person is not None else "",
        note=body.note,
        request=request,
    )


def _booking(
    call: Call, body: OrderBody, board: Board, plan: PlanView, slot: SlotTerms, command_id: bytes
) -> Book:
    """The seats that come with the dishes (T14); they are paid by the order, so no deposit is asked."""
    wanted = [
        Wanted(
            Selection(dish_id=one.dish_id, options=one.options, choices=one.choices), one.quantity, one.note
        )
        for one in body.lines
    ]
    _, minutes = preorder(board, wanted, slot.starts_at)
    person = call.door.seal.close(body.person, command_id + b"b") if body.person is not None else ""
    return Book(
        code="r" + readable(derived_id(command_id, "book")[:10]),
        store_id=call.params["store_id"],
        slot=slot,
        policy=plan.policy,
        party_size=body.party_size,
        user_id=call.user_id,
        person=person,
        note=body.note,
        kitchen_minutes=minutes,
        prepaid=True,
    )


def _pickup_at(body: OrderBody, now: int) -> int:
    if body.pickup_at is None:
        return 0
    if body.fulfilment != "pickup":
        raise InvalidField(path="$.pickup_at", problem="only with pickup")
    at = moment_field(body.pickup_at, "$.pickup_at")
    if not now < at <= now + AHEAD_MS_MAX:
        raise InvalidField(path="$.pickup_at", problem="a moment of the next seven days")
    return at


def _going(call: Call, body: OrderBody, command_id: bytes, now: int) -> Going | None:
    """Where it goes, for the fee that was promised (T12)."""
    if body.fulfilment != "delivery":
        for name in ("address", "quote_id"):
            if getattr(body, name):
                raise InvalidField(path=f"$.{name}", problem="only with delivery")
        return None
    if body.address is None:
        raise InvalidField(path="$.address", problem="where to deliver")
    if not body.quote_id:
        problem = "missing: POST …/delivery/quotes promises the fee to this address and answers it"
        raise InvalidField(path="$.quote_id", problem=problem)
    fee = quote.verify(
        call.door.settings.secret_key,
        body.quote_id,
        call.params["store_id"],
        call.user_id,
        body.address.point,
        now,
    )
    return Going(address=call.door.seal.close(body.address, command_id + b"a"), fee=fee)


def wanted_lines(
    board: Board, lines: tuple[OrderLineBody, ...], order_id: str, now: int
) -> tuple[WantedLine, ...]:
    """The lines with the prices of the menu; all that is wrong with them at once (CartStale), or NotPriced (D5)."""
    local = datetime.fromtimestamp(now / 1_000, ZoneInfo(board.time_zone))
    weekday, minute = local.isoweekday(), local.hour * 60 + local.minute
    wanted: list[WantedLine] = []
    problems: list[LineProblem] = []
    unpriced: list[str] = []
    for number, line in enumerate(lines, 1):
        line_id = f"{order_id}.l{number}"
        selection = Selection(dish_id=line.dish_id, options=line.options, choices=line.choices)
        item = price_item(board.index, selection, weekday, minute)
        if isinstance(item, ItemProblem):
            problems.append(
                LineProblem(line_id=line_id, dish_id=line.dish_id, problem=item.problem, detail=item.detail)
            )
            continue
        if item.provisional:
            unpriced.append(line_id)
        wanted.append(
            WantedLine(
                line_id=line_id,
                selection=selection,
                quantity=line.quantity,
                quoted_fen=item.unit_price_fen,
                note=line.note,
            )
        )
    if problems:
        raise CartStale(lines=problems, menu_version=board.index.version)
    if unpriced:
        raise NotPriced(line_ids=unpriced)
    return tuple(wanted)


def _ignored(body: OrderBody) -> list[str]:
    """D2: the server is the only price authority, and says what it did not read."""
    prices = [
        f"$.lines[{number}].price_fen" for number, line in enumerate(body.lines) if line.price_fen is not None
    ]
    return prices + (["$.total_fen"] if body.total_fen is not None else [])


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/pickup-screen",
    audience=PUBLIC,
    answers={200: ScreenShown},
    problems=[StoreNotFound],
)
async def show_pickup_screen(call: Call) -> Answer:
    """The screen at the counter.

    Whose food is being made, and whose is ready with the number called last first. Nothing on it says who it is.
    """
    view = await call.ask(f"pickup-screen/{call.params['store_id']}", GetScreen(), ScreenView)
    return Answer(
        200,
        ScreenShown(
            seq=view.seq,
            preparing=[_row(row) for row in view.preparing],
            ready=[_row(row) for row in view.ready],
        ),
    )


def _row(row: ScreenRow) -> ScreenRowShown:
    return ScreenRowShown(
        number=row.number,
        promised_at=moment(row.promised_at),
        ready_at=moment(row.ready_at),
        calls=row.calls,
        called_at=moment(row.called_at),
    )
