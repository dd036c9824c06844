"""A diner's address and telephone number as a body carries them, and how they are kept (``sealed.py``)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from store_runtime.delivery.commands import Latitude, Longitude, Point
from store_runtime.texts import END, ONE_LINE

Line = Annotated[str, Meta(max_length=200, pattern=ONE_LINE)]
Contact = Annotated[str, Meta(max_length=64, pattern=ONE_LINE)]
Phone = Annotated[
    str,
    Meta(max_length=24, pattern=r"^(\+?[0-9][0-9 -]{4,22})?" + END, examples=["13800138000"]),
]


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to deliver. ``text`` is for the rider: street, door, floor."""

    lat: Latitude
    lng: Longitude
    text: Line = ""
    contact: Contact = ""
    phone: Phone = ""

    @property
    def point(self) -> Point:
        return Point(lat=self.lat, lng=self.lng)


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to call."""

    contact: Contact = ""
    phone: Phone = ""
