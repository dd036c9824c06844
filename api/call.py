"""One request on its way to an entity: what the endpoint has checked, and how a handler asks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from actors.turn import command_id
from actors.words import Accepted, Command, Query, Rejected, Reply, Unserved
from api.operations import Operation
from api.problems import Problem
from api.rejections import Forbidden
from api.tokens import Diner, Principal, Staff
from brand.roles import Action, allowed

if TYPE_CHECKING:
    from api.door import Door

View = TypeVar("View")

_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


class Call:
    """A request whose caller, body and key are known. Handlers take nothing else.

    It stands where Starlette's Request stands elsewhere, and is as cheap as its slots: the claim of a flash
    sale goes through here, on both roads.
    """

    __slots__ = (
        "address",
        "body",
        "door",
        "headers",
        "key",
        "operation",
        "params",
        "principal",
        "query",
        "raw_headers",
        "request_id",
    )

    def __init__(
        self,
        door: Door,
        operation: Operation,
        raw_headers: list[tuple[bytes, bytes]],
        headers: dict[bytes, bytes],
        params: dict[str, str],
        address: str,
    ) -> None:
        self.door = door
        self.operation = operation
        self.raw_headers = raw_headers
        self.headers = headers
        """By lower-case name; of several with one name the last."""
        self.params = params
        self.request_id = door.request_id(headers)
        self.address = address
        """The peer's, until the door has admitted the call: then the client's."""
        self.key = ""
        self.principal: Principal | None = None
        self.body: Any = None
        self.query: Any = None

    @property
    def diner(self) -> Diner:
        """The diner who calls; the audience has made sure that it is one."""
        assert isinstance(self.principal, Diner), "a route for diners"
        return self.principal

    @property
    def user_id(self) -> str:
        """The diner's id, or empty for staff: commands take it as "only this diner's own"."""
        return self.principal.user_id if isinstance(self.principal, Diner) else ""

    def command_id(self) -> bytes:
        """The identity of this request: same caller, route, target and key → same command.

        Without a key every request is a new command.
        """
        caller = self.principal.caller if self.principal is not None else "anyone"
        return command_id(
            self.door.settings.secret_key,
            caller,
            self.operation.method,
            self.operation.path,
            "/".join(self.params.values()),
            # A random key is outside the form that callers may send, so it cannot meet one of theirs.
            self.key or f"~{secrets.token_hex(16)}",
        )

    async def ask(self, entity: str, query: Query, view: type[View]) -> View:
        """What an entity answers to a question. Raises Problem for a no or an outage."""
        return await self.door.ask(entity, query, view)

    async def tell(self, entity: str, command: Command, view: type[View], id: bytes = b"") -> View:
        """What an entity answers to a command, once it is durable. Raises Problem for a no or an outage.

        ``id`` is this request's command id unless the command is a later step of it.
        """
        return await self.door.ask(entity, command, view, id or self.command_id())

    async def tell_step(self, entity: str, command: Command, view: type[View], id: bytes) -> View:
        """What an entity answers to a step of a saga whose sender undoes it when it hears a no.

        The entity records that no under the step's id, so the sender's own message, which may come later, hears
        the same: what was refused here cannot be accepted there. Raises Problem for a no or an outage.
        """
        return await self.door.ask(entity, command, view, id, final_no=True)

    def submit(
        self,
        entity: str,
        word: Command | Query,
        view: type[View],
        answered: Callable[[View], None],
        failed: Callable[[Exception], None],
        id: bytes = b"",
    ) -> None:
        """Ask without awaiting: what the entity answers goes to ``answered``, a Problem to ``failed``.

        Once, and perhaps before this returns. ``id``: the command's; a query has none.
        """

        def replied(reply: Reply) -> None:
            try:
                answered(decoded(reply, view))
            except Exception as error:
                failed(error)

        self.door.submit(entity, word, id, replied)

    async def may_at(self, store_id: str, action: Action) -> bool:
        """Whether staff who call may do this there; a diner may not."""
        if not isinstance(self.principal, Staff):
            return False
        return allowed(await self.door.staff.roles(self.principal), store_id, action)

    async def must_be_allowed_at(self, store_id: str) -> None:
        """For what names its store only once it was read: staff need their role there. Raises Forbidden."""
        if isinstance(self.principal, Staff):
            audience = self.operation.audience
            roles = await self.door.staff.roles(self.principal)
            if audience.action is None or not allowed(roles, store_id, audience.action):
                raise Forbidden(audience=str(audience))


def decoded(reply: Reply, view: type[View]) -> View:
    """The answer of an accepted reply as its view; any other reply as a Problem."""
    if type(reply) is Accepted:
        decoder = _decoders.get(view)
        if decoder is None:
            decoder = _decoders[view] = msgspec.msgpack.Decoder(view)
        return decoder.decode(reply.answer)  # type: ignore[no-any-return]
    assert isinstance(reply, Rejected | Unserved), "the router keeps Moved to itself"
    raise Problem.from_reply(reply)
