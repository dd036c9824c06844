"""The terms of a sale: what a plan or a change of it must satisfy, and what it comes to."""

from __future__ import annotations

from flash_sale.commands import ChangeSale, OpenSale
from flash_sale.events import SaleChanged, SaleOpened
from flash_sale.rejections import AlreadyStarted, InvalidField
from flash_sale.state import Sale


def opened(cmd: OpenSale, at: int, seed: bytes) -> SaleOpened:
    """The sale as planned. A start that is past means now, also for the draw's window.

    Raises InvalidField.
    """
    InvalidField.check(cmd)
    draw_ends_at = max(cmd.starts_at, at) + cmd.draw_window_ms
    _must_have_time(cmd.starts_at, cmd.ends_at, at)
    if cmd.policy != "draw" and cmd.draw_window_ms:
        raise InvalidField(path="$.draw_window_ms", problem="only with policy draw")
    if cmd.policy == "draw":
        _must_have_time_to_draw(cmd.draw_window_ms, draw_ends_at, cmd.ends_at)
    return SaleOpened(
        store_id=cmd.store_id,
        dish_id=cmd.dish_id,
        dish_name=cmd.dish_name,
        title=cmd.title,
        price_fen=cmd.price_fen,
        stock=cmd.stock,
        per_user_limit=cmd.per_user_limit,
        starts_at=cmd.starts_at,
        ends_at=cmd.ends_at,
        hold_seconds=cmd.hold_seconds,
        grace_ms=cmd.grace_ms,
        policy=cmd.policy,
        draw_window_ms=cmd.draw_window_ms,
        draw_ends_at=draw_ends_at,
        entry_required=cmd.entry_required,
        seed=seed,
    )


def changed(sale: Sale, cmd: ChangeSale, at: int) -> SaleChanged:
    """The terms from now on.

    Raises InvalidField; AlreadyStarted for what diners have already acted on: price, start, the draw's
    window.
    """
    InvalidField.check(cmd)
    if not sale.draw and cmd.draw_window_ms:
        raise InvalidField(path="$.draw_window_ms", problem="only with policy draw")
    if (sale.started or at >= sale.starts_at) and not _untouched(sale, cmd):
        raise AlreadyStarted(starts_at=sale.starts_at)
    starts_at = sale.starts_at if cmd.starts_at is None else cmd.starts_at
    ends_at = sale.ends_at if cmd.ends_at is None else cmd.ends_at
    window_ms = sale.draw_window_ms if cmd.draw_window_ms is None else cmd.draw_window_ms
    moved = cmd.starts_at is not None or cmd.draw_window_ms is not None
    draw_ends_at = max(starts_at, at) + window_ms if moved else sale.draw_ends_at
    _must_have_time(starts_at, ends_at, at)
    if sale.draw_open:
        _must_have_time_to_draw(window_ms, draw_ends_at, ends_at)
    return SaleChanged(
        title=sale.title if cmd.title is None else cmd.title,
        price_fen=sale.price_fen if cmd.price_fen is None else cmd.price_fen,
        starts_at=starts_at,
        ends_at=ends_at,
        per_user_limit=sale.per_user_limit if cmd.per_user_limit is None else cmd.per_user_limit,
        hold_seconds=sale.hold_ms // 1_000 if cmd.hold_seconds is None else cmd.hold_seconds,
        draw_window_ms=window_ms,
        draw_ends_at=draw_ends_at,
        entry_required=sale.entry_required if cmd.entry_required is None else cmd.entry_required,
    )


def standing(sale: Sale) -> SaleChanged:
    """The terms as they stand, in the words of a change of them."""
    return SaleChanged(
        title=sale.title,
        price_fen=sale.price_fen,
        starts_at=sale.starts_at,
        ends_at=sale.ends_at,
        per_user_limit=sale.per_user_limit,
        hold_seconds=sale.hold_ms // 1_000,
        draw_window_ms=sale.draw_window_ms,
        draw_ends_at=sale.draw_ends_at,
        entry_required=sale.entry_required,
    )


def _untouched(sale: Sale, cmd: ChangeSale) -> bool:
    return (
        cmd.price_fen in (None, sale.price_fen)
        and cmd.starts_at in (None, sale.starts_at)
        and cmd.draw_window_ms in (None, sale.draw_window_ms)
    )


def _must_have_time(starts_at: int, ends_at: int, at: int) -> None:
    if ends_at <= max(starts_at, at):
        raise InvalidField(path="$.ends_at", problem="after starts_at and in the future")


def _must_have_time_to_draw(window_ms: int, draw_ends_at: int, ends_at: int) -> None:
    if not window_ms:
        raise InvalidField(path="$.draw_window_ms", problem="above zero for a draw")
    if draw_ends_at > ends_at:
        raise InvalidField(path="$.draw_window_ms", problem="the draw must be held before ends_at")
