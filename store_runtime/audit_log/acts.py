"""A sensitive act, and how any entity has it recorded (A1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from actors.entity import evolves, reacts
from actors.turn import Turn
from actors.words import Command, Event, Send
from store_runtime.by import By

HOUSE = "house"
"""The log of what belongs to no store."""

Facts = dict[str, Any]
"""Field → value, of plain types: what it was, what it is now."""

Reason = Annotated[str, Meta(max_length=500)]


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did what to which, when, and why.

    ``action`` is one of ``brand/roles.py`` or a word of its room; ``subject`` names what it was done to, as an
    address (``store/s1``, ``table-session/x/lines/l3``); ``at`` is ms since the epoch, by the entity that decided it.
    """

    by: By
    action: str
    subject: str
    at: int
    before: Facts = {}
    after: Facts = {}
    reason: str = ""
    amount_fen: int | None = None


class RecordAct(Command, frozen=True, kw_only=True):
    """Enter an act into the log. Never refused. Answered with an EntryView."""

    act: Act


class ActDone(Event, frozen=True, kw_only=True):
    """An entity did something that its store's log has to know. It changes nothing but that."""

    store_id: str
    act: Act


def act_done(
    store_id: str,
    turn: Turn,
    by: By | None,
    action: str,
    subject: str,
    *,
    before: Facts | None = None,
    after: Facts | None = None,
    reason: str = "",
    amount_fen: int | None = None,
) -> Iterator[ActDone]:
    """``yield from`` it in a decision: one ActDone, or none when nobody of the staff did it.

    Of ``before`` and ``after`` only what differs is kept.
    """
    if by is None:
        return
    was, now = before or {}, after or {}
    act = Act(
        by=by,
        action=action,
        subject=subject,
        at=turn.at,
        before={name: value for name, value in was.items() if name not in now or now[name] != value},
        after={name: value for name, value in now.items() if name not in was or was[name] != value},
        reason=reason,
        amount_fen=amount_fen,
    )
    yield ActDone(store_id=store_id, act=act)


def record_act(store_id: str, act: Act) -> Send:
    """The message to the store's log, for a reaction to an event that itself keeps who did it."""
    step = f"audit:{act.action}:{act.subject}"
    return Send(to=f"audit-log/{store_id}", command=RecordAct(act=act), step=step)


class Audited:
    """Mixed into an entity: whatever ``ActDone`` it yields reaches the log.

    One decision yields at most one act per action and subject.
    """

    @evolves(ActDone)
    def on_act_done(self, state: Any, e: ActDone, at: int) -> None:
        """Only the log remembers it."""

    @reacts(ActDone)
    def record(self, state: Any, e: ActDone, turn: Turn) -> Iterator[Send]:
        """To the log of the store it was done in."""
        yield record_act(e.store_id, e.act)
