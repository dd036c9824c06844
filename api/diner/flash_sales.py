"""Flash sales as a diner meets them: look, get an entry token, claim, check out, prove.

The claim is the hottest route of the house; it asks one entity once, and nothing else unless it must.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from actors.words import Reply
from api.audiences import DINER, PUBLIC
from api.call import Call, decoded
from api.moments import rfc3339
from api.operations import Answer, Done, Key, Table
from api.problems import Problem
from api.rejections import ClaimInFlight
from api.views import CheckedOut, ClaimShown, Entry, PaymentShown, ProofShown, Sale, SaleList, SaleRow
from flash_sale import entry
from flash_sale.commands import (
    PROOF_LINES_MAX,
    Checkout,
    Claim,
    Fulfilment,
    GetClaim,
    GetProof,
    GetSale,
    PaymentChannel,
    Position,
    Quantity,
    ReleaseClaim,
)
from flash_sale.projections import CheckoutAnswer, ClaimView, Proof, SaleView
from flash_sale.rejections import (
    ClaimNotFound,
    DrawFull,
    Ended,
    EntryTokenInvalid,
    FlashSaleNotFound,
    IllegalTransition,
    LimitReached,
    NotStarted,
    SoldOut,
    WaitlistFull,
)
from store_runtime.store.commands import ListFlashSales
from store_runtime.store.projections import FlashSaleList
from store_runtime.store.rejections import StoreNotFound
from store_runtime.takeout.projections import OrderPlacedAnswer

table = Table("Flash sale")

SKEW_MS = 2_000
"""An entry token counts this much early: the silo that gave it may be ahead of the one that reads it."""


class EntryBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing is asked of the diner."""


class ClaimBody(msgspec.Struct, forbid_unknown_fields=True):
    """``wait``: join the waitlist when nothing is left."""

    quantity: Quantity
    wait: bool = False


class CheckoutBody(msgspec.Struct, forbid_unknown_fields=True):
    """How the diner gets the dish, and how they pay."""

    fulfilment: Fulfilment = "pickup"
    payment_channel: PaymentChannel = "simulated"


class ProofQuery(msgspec.Struct):
    """Lines after position ``after``, at most ``limit``."""

    after: Position = 0
    limit: Annotated[int, Meta(ge=1, le=PROOF_LINES_MAX)] = 1_000


@table.route(
    "POST",
    "/api/v1/flash-sales/{flash_sale_id}/claims",
    audience=DINER,
    body=ClaimBody,
    answers={201: ClaimShown, 202: ClaimShown},
    key=Key.REQUIRED,
    headers={"Entry-Token": "From POST …/entry; sales with entry_required want it."},
    problems=[
        FlashSaleNotFound,
        EntryTokenInvalid,
        NotStarted,
        Ended,
        SoldOut,
        LimitReached,
        WaitlistFull,
        DrawFull,
        ClaimInFlight,
    ],
    example={"quantity": 1},
)
def claim(call: Call, done: Done) -> None:
    """Claim.

    201: held until expires_at. 202 waiting: nothing is left, and the claim asked to wait. 202 entered: it takes
    part in the draw at result_at. One claim of a diner in a sale is decided at a time.
    """
    sale = call.params["flash_sale_id"]
    token = call.headers.get(b"entry-token")
    if token is not None and _admits(call, sale, token):
        _claim(call, sale, done)
    else:
        _unless_entry_is_wanted(call, sale, done)


def _claim(call: Call, sale: str, done: Done) -> None:
    in_flight, edge, body = call.door.in_flight, call.door.edge, call.body
    place = sale, user_id = sale, call.diner.user_id
    first = in_flight.get(place)
    if first is None and not body.wait and (no := edge.refusal(sale, user_id, body.quantity)) is not None:
        done(no)
        return
    command_id = call.command_id()
    if first is None:
        first = in_flight[place] = command_id
    elif first != command_id:
        raise ClaimInFlight()

    def replied(reply: Reply) -> None:
        edge.replied(sale, reply)
        if first is command_id:  # a repeat of the same request waits along and clears nothing
            del in_flight[place]
        done(_claimed(reply))

    command = Claim(user_id=user_id, quantity=body.quantity, wait=body.wait)
    call.door.submit(f"flash-sale/{sale}", command, command_id, replied)


def _claimed(reply: Reply) -> Answer | Problem:
    try:
        view = decoded(reply, ClaimView)
    except Problem as problem:
        return problem
    return Answer(201 if view.status == "held" else 202, ClaimShown.of(view))


def _admits(call: Call, sale: str, token: bytes) -> bool:
    try:
        entry.verify(
            call.door.settings.secret_key,
            token.decode("latin-1"),
            sale,
            call.user_id,
            call.door.clock.now_ms() + SKEW_MS,
        )
    except EntryTokenInvalid:
        return False
    return True


def _unless_entry_is_wanted(call: Call, sale: str, done: Done) -> None:
    """Without a good token only a sale that wants none may be claimed from (F8)."""
    door = call.door
    now = door.clock.monotonic()
    wanted = door.terms.entry_required(sale, now)
    if wanted is None:

        def heard(view: SaleView) -> None:
            door.terms.heard(sale, view.entry_required, now)
            if view.entry_required:
                raise EntryTokenInvalid(valid_from=None)
            _claim(call, sale, done)

        call.submit(f"flash-sale/{sale}", GetSale(), SaleView, heard, done)
    elif wanted:
        raise EntryTokenInvalid(valid_from=None)
    else:
        _claim(call, sale, done)


@table.route(
    "GET",
    "/api/v1/flash-sales/{flash_sale_id}",
    audience=PUBLIC,
    answers={200: Sale},
    problems=[FlashSaleNotFound],
)
def show_sale(call: Call, done: Done) -> None:
    """A flash sale as it stands."""
    sale = f"flash-sale/{call.params['flash_sale_id']}"
    call.submit(sale, GetSale(), SaleView, lambda view: done(Answer(200, Sale.of(view))), done)


@table.route(
    "POST",
    "/api/v1/flash-sales/{flash_sale_id}/entry",
    audience=DINER,
    body=EntryBody,
    answers={200: Entry},
    problems=[FlashSaleNotFound],
    example={},
)
async def enter(call: Call) -> Answer:
    """Get an entry token.

    It is bound to the diner and the sale and is sent as header Entry-Token with a claim. It can be fetched before
    the sale starts; whether the sale has started is the sale's to say.
    """
    sale = call.params["flash_sale_id"]
    await call.ask(f"flash-sale/{sale}", GetSale(), SaleView)
    valid_from = call.door.clock.now_ms()
    token = entry.sign(call.door.settings.secret_key, sale, call.user_id, valid_from)
    return Answer(200, Entry(entry_token=token, valid_from=rfc3339(valid_from)))


@table.route(
    "GET",
    "/api/v1/flash-sales/{flash_sale_id}/claims/{claim_id}",
    audience=DINER,
    answers={200: ClaimShown},
    problems=[FlashSaleNotFound, ClaimNotFound],
)
async def show_claim(call: Call) -> Answer:
    """A claim of one's own."""
    query = GetClaim(claim_id=call.params["claim_id"], user_id=call.user_id)
    view = await call.ask(f"flash-sale/{call.params['flash_sale_id']}", query, ClaimView)
    return Answer(200, ClaimShown.of(view))


@table.route(
    "DELETE",
    "/api/v1/flash-sales/{flash_sale_id}/claims/{claim_id}",
    audience=DINER,
    answers={200: ClaimShown},
    problems=[FlashSaleNotFound, ClaimNotFound, IllegalTransition],
)
async def release_claim(call: Call) -> Answer:
    """Give a claim back.

    What it held goes to the head of the waitlist at once, or is left for others.
    """
    command = ReleaseClaim(claim_id=call.params["claim_id"], user_id=call.user_id)
    view = await call.tell(f"flash-sale/{call.params['flash_sale_id']}", command, ClaimView)
    return Answer(200, ClaimShown.of(view))


@table.route(
    "POST",
    "/api/v1/flash-sales/{flash_sale_id}/claims/{claim_id}/checkout",
    audience=DINER,
    body=CheckoutBody,
    answers={201: CheckedOut},
    key=Key.REQUIRED,
    problems=[FlashSaleNotFound, ClaimNotFound, IllegalTransition],
    example={"fulfilment": "pickup", "payment_channel": "simulated"},
)
async def check_out(call: Call) -> Answer:
    """Go to pay for a claim.

    Places the order and opens its payment. The hold is extended once, to five minutes from now.
    """
    body = call.body
    command_id = call.command_id()
    command = Checkout(
        claim_id=call.params["claim_id"],
        user_id=call.user_id,
        fulfilment=body.fulfilment,
        payment_channel=body.payment_channel,
    )
    sale = f"flash-sale/{call.params['flash_sale_id']}"
    checkout = await call.tell(sale, command, CheckoutAnswer, command_id)
    # The sale's own message places the same order under the same id; whichever arrives first does it.
    placed = await call.tell(
        f"takeout/{checkout.order_id}",
        checkout.place_order,
        OrderPlacedAnswer,
        derived_id(command_id, "order"),
    )
    return Answer(201, CheckedOut(order_id=placed.order_id, payment=PaymentShown.of(placed.payment)))


@table.route(
    "GET",
    "/api/v1/flash-sales/{flash_sale_id}/proof",
    audience=PUBLIC,
    query=ProofQuery,
    answers={200: ProofShown},
    problems=[FlashSaleNotFound],
)
async def show_proof(call: Call) -> Answer:
    """What proves the sale's fairness.

    The seed's hash from the beginning; seed, digest and order once a draw was held; all claims and their hash
    after the end.
    """
    query = GetProof(after=call.query.after, limit=call.query.limit)
    proof = await call.ask(f"flash-sale/{call.params['flash_sale_id']}", query, Proof)
    return Answer(200, ProofShown.of(proof))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/flash-sales",
    audience=PUBLIC,
    answers={200: SaleList},
    problems=[StoreNotFound],
)
async def list_sales(call: Call) -> Answer:
    """A store's flash sales, newest first."""
    view = await call.ask(f"store/{call.params['store_id']}", ListFlashSales(), FlashSaleList)
    return Answer(200, SaleList(items=[SaleRow.of(row) for row in view.items], next_cursor=None))
