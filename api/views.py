"""What the ingress answers with: the entities' views, with moments as RFC 3339.

Each has an ``of`` that makes it from the view of its room. A field that does not apply is left out.

They repeat fields of the rooms' projections on purpose, for another reader: these are the public contract (RFC 3339,
absent fields), those are words between entities (ms, defaults), and one may change without the other.
"""

from __future__ import annotations

from typing import Any, Self

import msgspec

from api.moments import MomentText, maybe_rfc3339, rfc3339
from flash_sale.projections import ClaimView, Proof, ProofLine, SaleView
from pricing.menu import OptionGroup
from store_runtime.diner_orders.projections import OrderRow
from store_runtime.store.menu.projections import Availability, DishView
from store_runtime.store.projections import FlashSaleRow, SettingsView
from store_runtime.takeout.projections import PaymentView


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base: fields that hold their default (None) are left out."""


class GuestToken(Shown, frozen=True, kw_only=True):
    """A new guest, and the token to act as them until it expires."""

    user_id: str
    token: str
    expires_at: MomentText
    nickname: str | None = None


class StaffToken(Shown, frozen=True, kw_only=True):
    """A staff account's token; ``roles``: store id, or ``*`` for all → roles there."""

    token: str
    expires_at: MomentText
    username: str
    name: str
    roles: dict[str, list[str]]


class Sale(Shown, frozen=True, kw_only=True):
    """A flash sale. ``phase``: upcoming, open, sold_out, ended, by the sale's own clock (``server_time``)."""

    flash_sale_id: str
    store_id: str
    dish_id: str
    dish_name: str
    title: str
    price_fen: int
    phase: str
    server_time: MomentText
    starts_at: MomentText
    ends_at: MomentText
    stock: int
    left: int
    waiting: int
    claims: int
    per_user_limit: int
    hold_seconds: int
    policy: str
    entry_required: bool
    seq: int
    draw_window_ms: int | None = None
    result_at: MomentText | None = None
    seed_hash: str | None = None

    @classmethod
    def of(cls, view: SaleView) -> Self:
        """The sale's view, for everyone."""
        fields = msgspec.structs.asdict(view)
        for name in ("server_time", "starts_at", "ends_at"):
            fields[name] = rfc3339(fields[name])
        fields["result_at"] = maybe_rfc3339(view.result_at)
        return cls(**fields)


class SaleRow(Shown, frozen=True, kw_only=True):
    """One flash sale in a store's list; the sale itself has the rest."""

    flash_sale_id: str
    title: str
    dish_id: str
    price_fen: int
    stock: int
    starts_at: MomentText
    ends_at: MomentText

    @classmethod
    def of(cls, row: FlashSaleRow) -> Self:
        """The store's row, for everyone."""
        return cls(
            flash_sale_id=row.flash_sale_id,
            title=row.title,
            dish_id=row.dish_id,
            price_fen=row.price_fen,
            stock=row.stock,
            starts_at=rfc3339(row.starts_at),
            ends_at=rfc3339(row.ends_at),
        )


class SaleList(msgspec.Struct, frozen=True, kw_only=True):
    """A store's flash sales, newest first."""

    items: list[SaleRow]
    next_cursor: str | None


class Entry(Shown, frozen=True, kw_only=True):
    """Sent as header Entry-Token with a claim, from ``valid_from`` on."""

    entry_token: str
    valid_from: MomentText


class ClaimShown(Shown, frozen=True, kw_only=True):
    """A claim. ``status``: entered, not_drawn, waiting, held, paying, sold, expired, released.

    ``expires_at`` with held and paying, ``result_at`` with entered, ``ahead_max`` with waiting: at most so
    many are served before it.
    """

    claim_id: str
    flash_sale_id: str
    status: str
    quantity: int
    position: int
    reason: str
    claimed_at: MomentText
    expires_at: MomentText | None = None
    result_at: MomentText | None = None
    ahead_max: int | None = None
    order_id: str | None = None

    @classmethod
    def of(cls, view: ClaimView) -> Self:
        """The claim's view, for the diner who made it."""
        return cls(
            claim_id=view.claim_id,
            flash_sale_id=view.flash_sale_id,
            status=view.status,
            quantity=view.quantity,
            position=view.position,
            reason=view.reason,
            claimed_at=rfc3339(view.claimed_at),
            expires_at=maybe_rfc3339(view.expires_at),
            result_at=maybe_rfc3339(view.result_at),
            ahead_max=view.ahead_max,
            order_id=view.order_id,
        )


class ProofLineShown(msgspec.Struct, frozen=True, kw_only=True):
    """One claim of the sequence. ``claimed_at_ms`` is the number that is hashed; ``rank`` 0: not in the draw."""

    position: int
    claim_id: str
    quantity: int
    wait: bool
    claimed_at: MomentText
    claimed_at_ms: int
    status: str
    rank: int

    @classmethod
    def of(cls, line: ProofLine) -> Self:
        """The proof's line."""
        return cls(
            position=line.position,
            claim_id=line.claim_id,
            quantity=line.quantity,
            wait=line.wait,
            claimed_at=rfc3339(line.claimed_at),
            claimed_at_ms=line.claimed_at,
            status=line.status,
            rank=line.rank,
        )


class ProofShown(Shown, frozen=True, kw_only=True):
    """What anyone can check of a sale's fairness (F11, F12); ``how_to_check`` says how.

    ``next_after`` is there when more lines follow: ask again with ``after``.
    """

    flash_sale_id: str
    policy: str
    phase: str
    stock: int
    claims: int
    lines: list[ProofLineShown]
    how_to_check: str
    next_after: int | None = None
    seed_hash: str | None = None
    seed: str | None = None
    entries: int | None = None
    entries_digest: str | None = None
    order: list[str] | None = None
    sequence_hash: str | None = None

    @classmethod
    def of(cls, proof: Proof) -> Self:
        """The proof, or a page of it."""
        fields: dict[str, Any] = {name: getattr(proof, name) for name in proof.__struct_fields__}
        fields["how_to_check"] = f"{proof.how_to_check} In this answer claimed_at in ms is claimed_at_ms."
        fields["lines"] = [ProofLineShown.of(line) for line in proof.lines]
        return cls(**fields)


class PaymentShown(Shown, frozen=True, kw_only=True):
    """``status``: created, paying, paid, failed, closed, late, refunding, refunded."""

    payment_id: str
    order_id: str
    store_id: str
    channel: str
    status: str
    amount_fen: int
    refunded_fen: int
    expires_at: MomentText
    transaction_id: str | None = None

    @classmethod
    def of(cls, view: PaymentView) -> Self:
        """The payment's view."""
        fields = msgspec.structs.asdict(view)
        fields["expires_at"] = rfc3339(view.expires_at)
        fields["transaction_id"] = view.transaction_id or None
        return cls(**fields)


class CheckedOut(msgspec.Struct, frozen=True, kw_only=True):
    """The order of a claim, and the payment that completes it."""

    order_id: str
    payment: PaymentShown


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One order in a diner's list; the order itself has the rest."""

    order_id: str
    store_id: str
    title: str
    amount_fen: int
    created_at: MomentText
    status: str
    money_status: str

    @classmethod
    def of(cls, row: OrderRow) -> Self:
        """The list's row."""
        return cls(**{**msgspec.structs.asdict(row), "created_at": rfc3339(row.created_at)})


class OrderList(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first; ``next_cursor`` is null on the last one."""

    items: list[OrderLine]
    next_cursor: str | None


class AvailabilityShown(Shown, frozen=True, kw_only=True):
    """``state`` in, qty or out; ``left`` only with qty, ``until`` only with out."""

    state: str
    left: int | None = None
    until: MomentText | None = None

    @classmethod
    def of(cls, view: Availability) -> Self:
        """The dish's availability."""
        return cls(state=view.state, left=view.left, until=maybe_rfc3339(view.until))


class Dish(msgspec.Struct, frozen=True, kw_only=True):
    """One dish of the menu."""

    dish_id: str
    name: str
    price_fen: int
    option_groups: list[OptionGroup]
    availability: AvailabilityShown

    @classmethod
    def of(cls, view: DishView) -> Self:
        """The dish's view."""
        return cls(
            dish_id=view.dish_id,
            name=view.name,
            price_fen=view.price_fen,
            option_groups=view.option_groups,
            availability=AvailabilityShown.of(view.availability),
        )


Settings = SettingsView
