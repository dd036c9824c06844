"""餐位费, 包间费, 服务费, 低消: what is charged beside the dishes, never discounted (T10)."""

from __future__ import annotations

from pricing.facts import BillFacts, FeeRule
from pricing.texts import minutes_of, percent, yuan
from pricing.workings import Workings


def charge_fees(workings: Workings) -> None:
    """Every fee whose conditions hold, in the order of the rules; the shortfall to a minimum is its own line."""
    for rule in workings.facts.terms.fees:
        if applies(rule, workings.facts):
            _CHARGES[rule.kind](workings, rule)


def applies(rule: FeeRule, facts: BillFacts) -> bool:
    """Whether the guests came at its hours, and enough of them."""
    return facts.guests >= rule.guests_from and (
        not rule.starts
        or _between(minutes_of(rule.starts), facts.seated_minute, minutes_of(rule.ends or "00:00"))
    )


def _between(starts: int, minute: int, ends: int) -> bool:
    """Over midnight when it ends before it starts."""
    return starts <= minute < ends if starts < ends else minute >= starts or minute < ends


def _per_head(workings: Workings, rule: FeeRule) -> None:
    guests = workings.facts.guests
    workings.charge(
        "fees",
        rule.rule_id,
        guests * rule.amount_fen,
        rule.amount_fen,
        (
            f"{rule.name} {guests} 位 × {yuan(rule.amount_fen)}",
            f"{_en(rule)}: {guests} guests × {yuan(rule.amount_fen)}",
        ),
    )


def _per_time(workings: Workings, rule: FeeRule) -> None:
    charged = max(0, workings.facts.minutes - rule.free_minutes)
    periods = -(-charged // rule.period_minutes)
    each = f"{rule.period_minutes} min × {yuan(rule.amount_fen)}"
    workings.charge(
        "fees",
        rule.rule_id,
        periods * rule.amount_fen,
        rule.amount_fen,
        (
            f"{rule.name} {periods} 个 {rule.period_minutes} 分钟 × {yuan(rule.amount_fen)}",
            f"{_en(rule)}: {periods} × {each}",
        ),
    )


def _service(workings: Workings, rule: FeeRule) -> None:
    if rule.waived_from_fen and workings.thresholds_fen >= rule.waived_from_fen:
        return
    base_fen = workings.due_fen if rule.base == "after_discounts" else workings.thresholds_fen
    words = (
        f"{rule.name} {percent(rule.permille)} × {yuan(base_fen)}",
        f"{_en(rule)}: {percent(rule.permille)} of {yuan(base_fen)}",
    )
    # Half a fen goes up.
    workings.charge("fees", rule.rule_id, (base_fen * rule.permille + 500) // 1_000, base_fen, words)


def _minimum(workings: Workings, rule: FeeRule) -> None:
    # D5: what a shortfall is can only be said once every line has its price.
    if workings.provisional:
        return
    minimum_fen = rule.amount_fen * (workings.facts.guests if rule.each else 1)
    dishes_fen = workings.thresholds_fen
    words = (
        f"{rule.name} {yuan(minimum_fen)}，已点 {yuan(dishes_fen)}，补差",
        f"{_en(rule)}: {yuan(minimum_fen)}, dishes {yuan(dishes_fen)}, shortfall",
    )
    workings.charge("fees", rule.rule_id, minimum_fen - dishes_fen, dishes_fen, words)


def _en(rule: FeeRule) -> str:
    return rule.name_en or rule.name


_CHARGES = {"per_head": _per_head, "per_time": _per_time, "service": _service, "minimum": _minimum}
