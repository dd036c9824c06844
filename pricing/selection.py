"""What a guest chose of a menu, without a price: the server is the only authority on that (D2)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from pricing.menu import Id

OPTIONS_MAX = 50
CHOICES_MAX = 50
LINE_QUANTITY_MAX = 999

Options = Annotated[tuple[Id, ...], Meta(max_length=OPTIONS_MAX)]
LineQuantity = Annotated[int, Meta(ge=1, le=LINE_QUANTITY_MAX)]


class Chosen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One choice of a set (D3), with options of its own."""

    slot_id: Id
    dish_id: Id
    options: Options = ()


class Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One dish as somebody wants it: option ids, and choices where it is a set."""

    dish_id: Id
    options: Options = ()
    choices: Annotated[tuple[Chosen, ...], Meta(max_length=CHOICES_MAX)] = ()
