"""StaffList: notes what the accounts say of themselves."""

from __future__ import annotations

import msgspec

from actors.entity import Decision, Entity, answers, decides, evolves
from actors.turn import Turn
from brand.staff_list.words import AccountNoted, GetStaff, NoteAccount, StaffRow, StaffRows


class StaffNotes(msgspec.Struct, kw_only=True):
    """Username → the newest note, also of those who have left: an older note may still be under way."""

    known: dict[str, AccountNoted] = {}


class StaffList(Entity[StaffNotes]):
    """The staff of one store."""

    kind = "staff-list"

    def blank(self) -> StaffNotes:
        return StaffNotes()

    @decides(NoteAccount)
    def note(self, notes: StaffNotes, cmd: NoteAccount, turn: Turn) -> Decision[None]:
        """Messages may overtake each other; an older one changes nothing."""
        known = notes.known.get(cmd.username)
        if known is None or known.epoch < cmd.epoch:
            yield AccountNoted(
                username=cmd.username,
                name=cmd.name,
                roles=cmd.roles,
                disabled=cmd.disabled,
                epoch=cmd.epoch,
            )

    @evolves(AccountNoted)
    def on_noted(self, notes: StaffNotes, e: AccountNoted, at: int) -> None:
        notes.known[e.username] = e

    @answers(GetStaff)
    def staff(self, notes: StaffNotes, query: GetStaff, at: int) -> StaffRows:
        """Those who have a role here."""
        rows = [
            StaffRow(username=note.username, name=note.name, roles=note.roles, disabled=note.disabled)
            for _, note in sorted(notes.known.items())
            if note.roles
        ]
        return StaffRows(items=rows)
