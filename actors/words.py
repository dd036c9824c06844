"""The words every entity speaks: commands, queries, events, rejections, and the replies that leave a silo.

Words carry no logic. Rooms subclass them in their own ``commands.py``, ``events.py`` and ``rejections.py``.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, ClassVar, dataclass_transform

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What someone wants of one entity. Verb first: ``Claim``, ``OpenSale``.

    Fields with a default are left out of the encoded form when they hold it, so a field may be added with a
    default without changing the digest of commands that are already stored.
    """


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A question to one entity; answered from memory, without an event."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is now true. Past tense: ``Claimed``, ``HoldExpired``.

    ``version`` grows when the fields change in a way that a reader of the old form would misread; the entity
    then says how to read the older form with ``@upcasts``. ``outward`` marks events with effects outside the
    entity (print, notify, statistics): the relay follows only those.
    """

    version: ClassVar[int] = 1
    outward: ClassVar[bool] = False


class Wake(Command, frozen=True):
    """The runtime's reminder: the deadline that ``@wakes`` named has come. Decide what is due."""


_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def snake_case(name: str) -> str:
    """``LimitReached`` → ``limit_reached``: a rejection's code is its name."""
    return _CAPITAL.sub("_", name).lower()


@dataclass_transform(kw_only_default=True, eq_default=True)
class Rejection(Exception):
    """The fact that stood in the way of a command. Raise it in a decision; no event happens.

    Subclasses are dataclasses by inheritance: annotate fields, pass them by name. ``status`` is the HTTP status
    the ingress answers with, ``code`` the stable name of it, ``hint`` what the caller can do. The docstring's
    first paragraph is the text a person reads.
    """

    status: ClassVar[int] = 409
    code: ClassVar[str] = "rejection"
    hint: ClassVar[str] = ""
    _sentence: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = snake_case(cls.__name__)
        paragraph = (cls.__doc__ or cls.__name__).strip().split("\n\n", 1)[0]
        cls._sentence = " ".join(paragraph.replace("``", "").split()).rstrip(".") + "."
        dataclasses.dataclass(eq=True, kw_only=True)(cls)
        cls.__hash__ = Exception.__hash__  # type: ignore[method-assign]

    def facts(self) -> dict[str, Any]:
        """The rejection's own fields, for the reply."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def sentence(cls) -> str:
        """The docstring's first paragraph on one line, without its markup."""
        return cls._sentence

    def __str__(self) -> str:
        return f"{self.code} {self.facts()}"


class IdempotencyKeyReused(Rejection):
    """This Idempotency-Key was used for a different request."""

    status: ClassVar[int] = 422
    hint: ClassVar[str] = "Use a new key for a new request; repeat a request with exactly the same body."


class TooLarge(Rejection):
    """One command wants to record more than a journal document may hold."""

    status: ClassVar[int] = 413
    code: ClassVar[str] = "too_large"

    size_bytes: int
    size_bytes_max: int


class UnknownCommand(Rejection):
    """The entity has no decision for this command."""

    status: ClassVar[int] = 422

    kind: str
    command: str


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A message to another entity, stored with the sender's events and re-sent until it is acknowledged.

    The receiver sees it under the command id ``derived_id(cause, step)``, so a second delivery is answered and
    not executed. ``step`` must be unique within the turn. If the receiver *rejects* the command, the sender
    receives ``if_rejected`` as a command of its own: the named compensation.
    """

    to: str
    command: Command
    step: str
    if_rejected: Command | None = None


# --- replies -------------------------------------------------------------------------------------------------


class Accepted(msgspec.Struct, frozen=True, tag=0, array_like=True, gc=False):
    """Done and durable, or read from committed state.

    ``answer`` is the msgpack form of what the decision returned, byte for byte as the journal holds it; ``seq``
    is the entity's journal sequence that the answer depends on.
    """

    answer: bytes
    seq: int


class Rejected(msgspec.Struct, frozen=True, tag=1, array_like=True, gc=False):
    """A definite no that is true of committed state. ``facts`` are the rejection's fields."""

    code: str
    status: int
    detail: str
    hint: str
    facts: dict[str, Any]
    seq: int


class Unserved(msgspec.Struct, frozen=True, tag=2, array_like=True, gc=False):
    """Neither yes nor no: ask again with the same key. ``code`` is one of the OUTAGES below."""

    code: str
    detail: str
    retry_after_ms: int = 1_000


class Moved(msgspec.Struct, frozen=True, tag=3, array_like=True, gc=False):
    """Internal: the shard is not (or no longer) this silo's; the router asks the placement and sends again."""

    placement_version: int


Reply = Accepted | Rejected | Unserved | Moved

OUTAGES = {
    "overloaded": "A queue on the way is full; nothing was done.",
    "in_doubt": "The commit's outcome is not known yet; the same key will learn it.",
    "unavailable": "The owner of this entity cannot be reached or may not answer now.",
    "deadline_exceeded": "The command's time was up before its turn came; it was not executed.",
    "quarantined": "The entity is stopped after a failure and waits for an operator.",
    "internal_error": "A decision failed by a mistake of ours; nothing was recorded.",
}
