"""A store's settings."""

from __future__ import annotations

import msgspec

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.operations import Answer, Table
from api.views import Settings
from api.zones import UnknownZoneError, offsets_of
from flash_sale.commands import Text
from store_runtime.store.commands import (
    ChangeSettings,
    Cutoff,
    GraceS,
    HoldS,
    JoinPolicy,
    OrderHoldS,
    PayMode,
    TimeZone,
)
from store_runtime.store.rejections import InvalidField, StoreNotFound

table = Table("Menu, stock, settings")


class SettingsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is. ``_s`` are seconds."""

    name: Text | None = None
    time_zone: TimeZone | None = None
    cutoff: Cutoff | None = None
    order_hold_s: OrderHoldS | None = None
    grace_s: GraceS | None = None
    seat_hold_s: HoldS | None = None
    ticket_ttl_s: HoldS | None = None
    join_policy: JoinPolicy | None = None
    pay_mode: PayMode | None = None
    auto_accept: bool | None = None


@table.route(
    "PATCH",
    "/api/v1/stores/{store_id}/settings",
    audience=store_staff("store.settings"),
    body=SettingsBody,
    answers={200: Settings},
    problems=[StoreNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"order_hold_s": 900, "cutoff": "04:00", "pay_mode": "pay_first"},
)
async def change_settings(call: Call) -> Answer:
    """Change a store's settings."""
    body = call.body
    offsets = None if body.time_zone is None else _offsets(body.time_zone, call.door.clock.now_ms())
    command = ChangeSettings(zone_offsets=offsets, **msgspec.structs.asdict(body), by=who(call))
    return Answer(200, await call.tell(f"store/{call.params['store_id']}", command, Settings))


def _offsets(name: str, now_ms: int) -> tuple[tuple[int, int], ...]:
    """What this machine knows of a zone; the entity takes it as it is, so that every replay reads the same."""
    try:
        return offsets_of(name, now_ms)
    except UnknownZoneError as unknown:
        raise InvalidField(
            path="$.time_zone", problem="a zone of the IANA list, as Asia/Shanghai"
        ) from unknown
