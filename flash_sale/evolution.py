"""How each event changes the sale. Nothing else does; replay runs exactly this."""

from __future__ import annotations

from actors.entity import Entity, evolves
from flash_sale.claim import ClaimState, Reason
from flash_sale.claims import ClaimRecord
from flash_sale.draw import draw
from flash_sale.events import (
    CheckedOut,
    CheckoutFailed,
    Claimed,
    CloseAsked,
    DrawHeld,
    Entered,
    HoldExpired,
    JoinedWaitlist,
    Offered,
    Released,
    SaleChanged,
    SaleEnded,
    SaleOpened,
    SaleRefused,
    SaleStarted,
    Sold,
    StockReturned,
    WaitingLetGo,
)
from flash_sale.state import Sale


class SaleEvolution(Entity[Sale]):
    """The evolving half of FlashSaleItem. ``sale.seq`` counts what a SaleView shows."""

    def blank(self) -> Sale:
        return Sale()

    @evolves(SaleOpened)
    def on_opened(self, sale: Sale, e: SaleOpened, at: int) -> None:
        sale.opened = True
        sale.store_id, sale.dish_id, sale.dish_name = e.store_id, e.dish_id, e.dish_name
        sale.title, sale.price_fen = e.title, e.price_fen
        sale.stock = sale.left = e.stock
        sale.per_user_limit = e.per_user_limit
        sale.starts_at, sale.ends_at = e.starts_at, e.ends_at
        sale.hold_ms, sale.grace_ms = e.hold_seconds * 1_000, e.grace_ms
        sale.draw, sale.draw_window_ms, sale.draw_ends_at = (
            e.policy == "draw",
            e.draw_window_ms,
            e.draw_ends_at,
        )
        sale.entry_required = e.entry_required
        sale.seed = e.seed
        sale.seq += 1

    @evolves(SaleChanged)
    def on_changed(self, sale: Sale, e: SaleChanged, at: int) -> None:
        sale.title, sale.price_fen = e.title, e.price_fen
        sale.starts_at, sale.ends_at = e.starts_at, e.ends_at
        sale.per_user_limit = e.per_user_limit
        sale.hold_ms = e.hold_seconds * 1_000
        sale.draw_window_ms, sale.draw_ends_at = e.draw_window_ms, e.draw_ends_at
        sale.entry_required = e.entry_required
        sale.seq += 1

    @evolves(SaleStarted)
    def on_started(self, sale: Sale, e: SaleStarted, at: int) -> None:
        sale.started = True
        sale.seq += 1

    @evolves(Claimed)
    def on_claimed(self, sale: Sale, e: Claimed, at: int) -> None:
        sale.enter_held(e.claim_id, e.user_id, e.quantity, e.wait, at, e.expires_at)

    @evolves(JoinedWaitlist)
    def on_joined_waitlist(self, sale: Sale, e: JoinedWaitlist, at: int) -> None:
        record = sale.enter(e.claim_id, e.user_id, e.quantity, True, at)
        self._wait(sale, e.claim_id, record)

    @evolves(Entered)
    def on_entered(self, sale: Sale, e: Entered, at: int) -> None:
        sale.enter(e.claim_id, e.user_id, e.quantity, e.wait, at)
        sale.entered += 1

    @evolves(DrawHeld)
    def on_draw_held(self, sale: Sale, e: DrawHeld, at: int) -> None:
        drawn = draw(sale, e.entries_digest)
        sale.drawn = True
        sale.entries, sale.entries_digest = len(sale.claims), e.entries_digest
        sale.seq += 1
        for one in drawn:
            record = sale.claims[one.claim_id]
            record.rank = one.rank
            match one.state:
                case ClaimState.HELD:
                    sale.hold(record, sale.expires_at(at), Reason.DRAWN)
                case ClaimState.WAITING:
                    self._wait(sale, one.claim_id, record)
                case _:
                    sale.let_go(record, ClaimState.NOT_DRAWN, Reason.NOT_DRAWN)
        sale.entered = 0

    @evolves(Offered)
    def on_offered(self, sale: Sale, e: Offered, at: int) -> None:
        record = sale.claims[e.claim_id]
        sale.waitlist.leave(record.quantity)
        sale.hold(record, e.expires_at, Reason.FROM_WAITLIST)
        sale.waitlist.trim(sale.claims)
        sale.seq += 1

    @evolves(WaitingLetGo)
    def on_waiting_let_go(self, sale: Sale, e: WaitingLetGo, at: int) -> None:
        sale.hold_back(at)
        for claim_id, quantity in list(sale.waitlist.in_line(sale.claims)):
            if quantity > e.above:
                sale.let_go(sale.claims[claim_id], ClaimState.EXPIRED, Reason.TOO_FEW_LEFT)
        sale.seq += 1

    @evolves(CheckedOut)
    def on_checked_out(self, sale: Sale, e: CheckedOut, at: int) -> None:
        record = sale.claims[e.claim_id]
        sale.held -= record.quantity
        sale.paying += record.quantity
        record.state, record.reason = ClaimState.PAYING, Reason.AT_CHECKOUT
        record.order_id = e.order_id
        record.extended = True
        sale.keep_until(record, e.expires_at, e.expires_at + sale.grace_ms)

    @evolves(CheckoutFailed)
    def on_checkout_failed(self, sale: Sale, e: CheckoutFailed, at: int) -> None:
        record = sale.claims[e.claim_id]
        sale.paying -= record.quantity
        sale.held += record.quantity
        record.state, record.reason = ClaimState.HELD, Reason.PAYMENT_FAILED

    @evolves(CloseAsked)
    def on_close_asked(self, sale: Sale, e: CloseAsked, at: int) -> None:
        record = sale.claims[e.claim_id]
        record.closing = True
        sale.keep_until(record, record.expires_at, e.release_at)

    @evolves(HoldExpired)
    def on_hold_expired(self, sale: Sale, e: HoldExpired, at: int) -> None:
        record = sale.claims[e.claim_id]
        if at < record.release_at:
            sale.hold_back(at)
        sale.let_go(record, ClaimState.EXPIRED, Reason.HOLD_OVER)
        sale.seq += 1

    @evolves(Released)
    def on_released(self, sale: Sale, e: Released, at: int) -> None:
        sale.hold_back(at)
        sale.let_go(sale.claims[e.claim_id], ClaimState.RELEASED, Reason.GIVEN_BACK)
        sale.seq += 1

    @evolves(Sold)
    def on_sold(self, sale: Sale, e: Sold, at: int) -> None:
        sale.sell(sale.claims[e.claim_id], e.order_id, e.payment_id, e.late)
        sale.seq += 1

    @evolves(SaleRefused)
    def on_refused(self, sale: Sale, e: SaleRefused, at: int) -> None:
        sale.refused[e.order_id] = e.reason

    @evolves(SaleEnded)
    def on_ended(self, sale: Sale, e: SaleEnded, at: int) -> None:
        sale.ended = True
        sale.seq += 1
        # Stopped before its time: it shows when it ended, and no draw that is still to come.
        sale.ends_at = min(sale.ends_at, at)
        if sale.draw_open:
            sale.draw_ends_at = min(sale.draw_ends_at, at)
        waiting = [sale.claims[claim_id] for claim_id, _ in sale.waitlist.in_line(sale.claims)]
        # A draw has few entries, a sale without one may have a million claims.
        claims = sale.claims.values() if sale.entered else ()
        entered = [record for record in claims if record.state is ClaimState.ENTERED]
        for record in entered:
            sale.let_go(record, ClaimState.NOT_DRAWN, Reason.SALE_ENDED)
        for record in waiting:
            sale.let_go(record, ClaimState.EXPIRED, Reason.SALE_ENDED)

    @evolves(StockReturned)
    def on_stock_returned(self, sale: Sale, e: StockReturned, at: int) -> None:
        sale.left -= e.quantity
        sale.returned += e.quantity
        sale.seq += 1

    def _wait(self, sale: Sale, claim_id: str, record: ClaimRecord) -> None:
        record.state, record.reason = ClaimState.WAITING, Reason.NOTHING_LEFT
        record.place = sale.waitlist.join(claim_id, record.quantity)
