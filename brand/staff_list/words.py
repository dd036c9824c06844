"""What is said of and to a staff list (kind ``staff-list``, id = store id, or ``house`` for roles in all stores)."""

from __future__ import annotations

import msgspec

from actors.words import Command, Event, Query


class NoteAccount(Command, frozen=True, kw_only=True):
    """An account as it now is, for the store it is or was in; of two, the one with the higher ``epoch`` counts."""

    username: str
    name: str
    roles: list[str]
    disabled: bool
    epoch: int


class AccountNoted(Event, frozen=True, kw_only=True):
    """This is what is known of the account here."""

    username: str
    name: str
    roles: list[str]
    disabled: bool
    epoch: int


class GetStaff(Query, frozen=True, kw_only=True):
    """Everybody with a role here, by username: StaffRows."""


class StaffRow(msgspec.Struct, frozen=True, kw_only=True):
    """One account, with its roles in this store."""

    username: str
    name: str
    roles: list[str]
    disabled: bool


class StaffRows(msgspec.Struct, frozen=True, kw_only=True):
    """By username."""

    items: list[StaffRow]
