"""A round on its way: the ingress takes it to the store, and the store's word back, before any message does."""

from __future__ import annotations

from types import NoneType

import msgspec

from actors.turn import derived_id
from api.call import Call
from api.problems import Problem
from api.table_views import RoundSubmittedShown
from store_runtime.store.orders.commands import LinesPlaced
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import CartStale, LineProblem
from store_runtime.table_session.commands import RoundRefused
from store_runtime.table_session.projections import RoundAnswer, RoundStands, UnlistedAnswer


async def taken_to_store(
    call: Call, session: str, command_id: bytes, answer: RoundAnswer | UnlistedAnswer
) -> RoundSubmittedShown:
    """What the store has taken of the round that ``command_id`` submitted; raises its no, once the session has it.

    The session's own message places the same lines under the same id; whichever arrives first does it, and a no that
    one of them heard is what the other hears.
    """
    place_id = derived_id(command_id, "place")
    try:
        placed = await call.tell_step(f"store/{answer.store_id}", answer.place, PlacedLines, place_id)
    except Problem as no:
        if no.status < 500:
            refused = _refused(answer.round_no, no)
            await call.tell(session, refused, NoneType, derived_id(command_id, "refused"))
        raise
    stands = await call.tell(
        session, LinesPlaced(placed=placed), RoundStands, derived_id(command_id, "placed")
    )
    return RoundSubmittedShown.of(placed, stands.seq, stands.pay_by)


def _refused(round_no: int, no: Problem) -> RoundRefused:
    lines = no.facts.get("lines", []) if no.code == CartStale.code else []
    return RoundRefused(round_no=round_no, problems=msgspec.convert(lines, tuple[LineProblem, ...]))
