"""Why a staff account says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection


class AccountNotFound(Rejection):
    """There is no such staff account."""

    status: ClassVar[int] = 404


class AccountExists(Rejection):
    """This username is taken."""


class AccountOff(Rejection):
    """This staff account is disabled."""


class AccountElsewhere(Rejection):
    """This account also works in other stores.

    Its password and its end are for who manages staff in all of them; its roles here can be taken away here.
    """

    status: ClassVar[int] = 403


class UnknownRole(Rejection):
    """There is no such role, or no role at all."""

    status: ClassVar[int] = 422

    role: str
    known: list[str]
