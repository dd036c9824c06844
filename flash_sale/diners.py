"""The diners of a sale and what each has taken (F2)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import ClassVar

from actors.keymap import KeyMap, key_hash
from actors.parts import Part
from flash_sale.table import Segment, Table

_TAKEN = Struct("<I")
_TAKEN_AT = 4


class Diners(Table):
    """Number → user id and how many they have taken; user id → number. Nobody is ever forgotten, a count may be 0.

    As a mapping it shows those who have taken something.
    """

    row: ClassVar[Struct] = Struct("<II")
    """Reference of the user id, taken."""

    def number_of(self, user_id: str) -> int | None:
        """None for somebody who was never here."""
        return self._number_under(key_hash(user_id.encode()), user_id)

    def _number_under(self, hashed: int, user_id: str) -> int | None:
        for number in self._index().find(hashed):
            if self.name(number) == user_id:
                return number
        return None

    def name(self, number: int) -> str:
        segment, offset = self.place(number)
        reference, _ = self.row.unpack_from(segment.rows, offset)
        return segment.text(reference)

    def take_by_name(self, user_id: str, quantity: int) -> int:
        """This diner has taken so many more; answers the number, a newcomer gets the next one."""
        hashed = key_hash(user_id.encode())
        number = self._number_under(hashed, user_id)
        if number is not None:
            self.take(number, quantity)
            return number
        segment = self.open_segment()
        number = self.append(segment, self.row.pack(segment.put(user_id), quantity))
        self._index().add(hashed, number)
        return number

    def taken_by(self, number: int) -> int:
        segment, offset = self.place(number)
        return int(_TAKEN.unpack_from(segment.rows, offset + _TAKEN_AT)[0])

    def take(self, number: int, quantity: int) -> None:
        """This diner has taken so many more; fewer when negative."""
        segment, offset = self.place(number)
        taken = self.taken_by(number) + quantity
        _TAKEN.pack_into(segment.rows, offset + _TAKEN_AT, taken)
        segment.changed()

    # --- as a mapping --------------------------------------------------------------------------------------

    def get(self, user_id: str, default: int = 0) -> int:
        number = self.number_of(user_id)
        return default if number is None else self.taken_by(number) or default

    def __getitem__(self, user_id: str) -> int:
        taken = self.get(user_id)
        if not taken:
            raise KeyError(user_id)
        return taken

    def __contains__(self, user_id: str) -> bool:
        return self.get(user_id) > 0

    def items(self) -> Iterator[tuple[str, int]]:
        for _, segment, (reference, taken) in self.unpacked():
            if taken:
                yield segment.text(reference), taken

    # --- finding -------------------------------------------------------------------------------------------

    def attach(self, raw: bytes, part: Part) -> Iterator[tuple[int, Segment, tuple[int, ...]]]:
        index = self._index()
        for number, segment, fields in super().attach(raw, part):
            index.add(key_hash(segment.raw(fields[0])), number)
            yield number, segment, fields

    def _index(self) -> KeyMap:
        """Made when it is first needed: it is no part of what is stored."""
        index: KeyMap | None = self.__dict__.get("index")
        if index is None:
            index = self.__dict__["index"] = KeyMap()
            for number, segment, (reference, _) in self.unpacked():
                index.add(key_hash(segment.raw(reference)), number)
        return index
