"""Why a floor says no."""

from __future__ import annotations

from actors.words import Rejection


class FloorFull(Rejection):
    """The store has as many tables as it may."""

    tables_max: int


class TableOccupied(Rejection):
    """Guests sit at this table."""

    phase: str
