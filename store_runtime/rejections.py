"""What any room of a restaurant may refuse with."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from actors.words import Command, Rejection


class InvalidField(Rejection):
    """A field's value is outside what is allowed.

    ``path`` names the field (``$.quantity``), ``problem`` says what would be right.
    """

    status: ClassVar[int] = 422
    hint: ClassVar[str] = "Correct the field that path names."

    path: str
    problem: str

    @classmethod
    def check(cls, command: Command) -> None:
        """Refuse a command that breaks the bounds its own fields declare.

        The door refuses those when it reads them; a command that was built in the process was never read.
        """
        try:
            msgspec.convert(msgspec.to_builtins(command), type(command))
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at ")
            raise cls(path=path.strip("`") or "$", problem=problem) from None


class IllegalTransition(Rejection):
    """This cannot be done in the state it is in.

    ``state`` is where it stands, ``allowed`` what can be done from there (possibly nothing).
    """

    hint: ClassVar[str] = "Read the current state; allowed lists what can be done from it."

    state: str
    allowed: list[str]
