"""``kaifan entity``: what an operator decides on an entity in quarantine. A running system hears of it at once."""

from __future__ import annotations

import msgspec

from actors.quarantine import END, SKIP, Quarantine
from cluster.control import NotRunning, ask, control_path
from cluster.embedded import EmbeddedFailure
from cluster.records import Records, open_records
from cluster.replay import type_of
from cluster.settings import Settings

RESUME = "resume"
DECISIONS = (RESUME, SKIP, END)


async def decide(settings: Settings, entity: str, decision: str) -> str:
    """Carry the decision out; what to tell the operator. Raises EmbeddedFailure."""
    type_of(entity)
    if decision not in DECISIONS:
        raise EmbeddedFailure(f"{decision!r} is no decision.", f"Choose one of {', '.join(DECISIONS)}.")
    async with open_records(settings) as records:
        stopped = {row.entity: row for row in await records.quarantine.all()}.get(entity)
        if stopped is None:
            raise EmbeddedFailure(
                f"{entity} is not in quarantine.", "`kaifan status` and `kaifan doctor` list those that are."
            )
        told = await _carry_out(records, stopped, decision)
    try:
        await ask(control_path(settings.data_dir), {"do": "poke"})
    except NotRunning:
        told += " It takes effect at the next start."
    return told


async def _carry_out(records: Records, stopped: Quarantine, decision: str) -> str:
    entity = stopped.entity
    if decision == RESUME:
        if stopped.skip:
            # What was left out stays left out: its history cannot be applied with it.
            await records.quarantine.put(msgspec.structs.replace(stopped, mode=SKIP))
        else:
            await records.quarantine.clear(entity)
        return f"{entity} is resumed."
    if decision == END:
        await records.quarantine.put(msgspec.structs.replace(stopped, mode=END))
        return f"{entity} is ended: it answers entity_ended. Its history is kept; `resume` takes this back."
    if stopped.seq == 0:
        raise EmbeddedFailure(
            f"{entity} was stopped in a command, not by an event: there is nothing to leave out.",
            f"`kaifan entity {entity} resume` lets it go on without that command.",
        )
    skip = sorted({*stopped.skip, stopped.seq})
    await records.quarantine.put(msgspec.structs.replace(stopped, mode=SKIP, skip=skip))
    return f"{entity} goes on without event {stopped.seq}. `kaifan audit` says what that broke, if anything."
