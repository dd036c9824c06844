"""What a route declares: one entry says who may call it, what it takes, what it answers, and why it may say no.

The entries are what runs (``endpoint.py``) and what is documented (``openapi.py``); there is no second list. A
handler that is a plain function and not a coroutine is *hot*: the fast road serves its route too (``fast_road.py``).
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from actors.words import Rejection
from api.audiences import Audience

if TYPE_CHECKING:
    from api.call import Call


class Key(enum.Enum):
    """Whether a write needs an Idempotency-Key."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Answer(msgspec.Struct, frozen=True):
    """A yes: its status, what it says (a struct, or bytes with their own content type), and more headers."""

    status: int
    value: msgspec.Struct | bytes | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b"application/json"


Handler = Callable[["Call"], Awaitable[Answer]]

Done = Callable[[Answer | Exception], None]
"""Takes the outcome of a request, once: an answer, or the Problem or rejection that says why not."""

HotHandler = Callable[["Call", Done], None]
"""Awaits nothing: it asks with a callback and tells the outcome when it is there, or raises it."""

H = TypeVar("H", bound=Callable[..., Any])


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address.

    Args:
        body: struct of the request body; None takes none.
        file: media types of a body that is a file; ``call.body`` is then its bytes, ``file_bytes_max`` at most.
        query: struct of the query string.
        answers: status → struct of the answer, or a tuple of those it may be; None where it has no body, str where it
            is text.
        problems: what an entity behind it may reject with, or the door itself beyond the usual.
        headers: more request headers it reads, name → what for.
        example: a request body that works, for the documentation.
    """

    method: str
    path: str
    handler: Handler | HotHandler
    audience: Audience
    tag: str
    summary: str
    description: str
    body: type[msgspec.Struct] | None = None
    file: tuple[str, ...] = ()
    query: type[msgspec.Struct] | None = None
    answers: dict[int, Any]
    problems: tuple[type[Rejection], ...] = ()
    key: Key = Key.NONE
    headers: dict[str, str] = {}
    example: dict[str, Any] | None = None
    entity: bool = True

    @property
    def hot(self) -> bool:
        """Its handler awaits nothing."""
        return not inspect.iscoroutinefunction(self.handler)

    @property
    def name(self) -> str:
        """The handler's name: the operation's id."""
        return self.handler.__name__


class Table:
    """The routes of one room, in the order in which they are documented."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def route(
        self,
        method: str,
        path: str,
        *,
        audience: Audience,
        answers: dict[int, Any],
        body: type[msgspec.Struct] | None = None,
        file: Sequence[str] = (),
        query: type[msgspec.Struct] | None = None,
        problems: Sequence[type[Rejection]] = (),
        key: Key | None = None,
        headers: dict[str, str] | None = None,
        example: dict[str, Any] | None = None,
        entity: bool = True,
    ) -> Callable[[H], H]:
        """Declare a handler. Its docstring is the summary (first sentence) and the description.

        ``entity`` is false where no entity is asked, so that nothing can be in doubt.
        """

        def declare(handler: H) -> H:
            text = (handler.__doc__ or "").strip()
            summary, _, description = text.partition("\n\n")
            self.operations.append(
                Operation(
                    method=method,
                    path=path,
                    handler=handler,
                    audience=audience,
                    tag=self.tag,
                    summary=" ".join(summary.split()).rstrip("."),
                    description=" ".join(description.split()),
                    body=body,
                    file=tuple(file),
                    query=query,
                    answers=answers,
                    problems=tuple(problems),
                    key=key or (Key.NONE if method == "GET" else Key.OPTIONAL),
                    headers=headers or {},
                    example=example,
                    entity=entity,
                )
            )
            return handler

        return declare
