"""Why a store says no about its menu."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from pricing.menu_check import MenuProblem


class DishNotFound(Rejection):
    """The menu has no such dish or option."""

    status: ClassVar[int] = 404

    dish_id: str


class MenuFull(Rejection):
    """The menu holds as many dishes as it may."""

    dishes_max: int


class MenuInvalid(Rejection):
    """The parts of this menu do not fit together; nothing was changed.

    ``problems`` says what is wrong at which path, a hundred at most.
    """

    status: ClassVar[int] = 422
    hint: ClassVar[str] = "Correct what problems names, and send the whole menu again."

    problems: list[MenuProblem]


class NoDraft(Rejection):
    """There is no draft to publish."""

    hint: ClassVar[str] = "PUT …/menu/draft first."


class VersionNotFound(Rejection):
    """There is no such version of the menu, or it is so old that only its row is kept."""

    status: ClassVar[int] = 404

    version: int


class NothingScheduled(Rejection):
    """No menu is waiting to be published."""
