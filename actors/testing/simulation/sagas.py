"""Messages between entities, over the whole journal: each took effect once, at its receiver or as its undoing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actors.codec import read_sends
from actors.courier import REJECTED
from actors.journal import Document
from actors.turn import derived_id


class Sagas:
    """Every send that was ever stored, and where its outcome must stand."""

    def __init__(self) -> None:
        self._sends: dict[bytes, tuple[str, str, bool]] = {}
        """Id → (sender, receiver, a rejection has a compensation)."""

    def note(self, document: Document) -> None:
        """A document is stored: what it sends is owed from now on."""
        for send in read_sends(document.sends):
            self._sends[send.id] = (document.entity, send.to, bool(send.rejected_type))

    def broken(self, stored: Mapping[tuple[str, bytes], object]) -> Iterator[str]:
        """What is wrong when nothing is owed any more. ``stored`` has all commands of the journal."""
        for send_id, (sender, receiver, compensated) in self._sends.items():
            taken = (receiver, send_id) in stored
            undone = (sender, derived_id(send_id, REJECTED)) in stored
            if taken and undone:
                yield f"guarantee 6: {receiver} accepted what {sender} undid as rejected ({send_id.hex()})"
            elif compensated and not taken and not undone:
                yield f"guarantee 6: a send of {sender} to {receiver} had no effect at all ({send_id.hex()})"
