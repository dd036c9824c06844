"""What all requests of a silo share: tokens, limits, staff, counters, and the way to the entities."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from actors.words import Command, Query, Reply
from api.access_log import AccessLog
from api.addresses import Networks, bucket_of, client_address
from api.call import Call, decoded
from api.limits import Buckets
from api.menus import Menus
from api.metering import HttpMeter
from api.problems import PreparedProblem, Problem
from api.rejections import Forbidden, RateLimited, Unauthenticated
from api.sale_terms import SaleTerms
from api.sealed import Seal
from api.settings import Services
from api.shared_limits import SharedLimits
from api.staff_accounts import StaffAccounts
from api.table_door import SessionStores
from api.table_tokens import TablePlaces
from api.tokens import Diner, Staff, Tokens
from flash_sale.edge import Edge

View = TypeVar("View")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Door:
    """One silo's ingress. Everything in it belongs to the silo's one loop."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = settings = services.settings
        self.clock = services.clock
        self.router = services.router
        self.tokens = Tokens(settings.secret_key)
        self.tables = TablePlaces()
        self.sessions = SessionStores()
        self._started: set[asyncio.Task[None]] = set()
        self.meter = HttpMeter()
        self.access = AccessLog(services.write_log, settings.log_share)
        self.openapi: Callable[[], dict[str, Any]] = dict
        """The API's description; set by the ingress."""
        self.more_metrics: Callable[[], Iterable[str]] = tuple
        """Lines of others; set by the ingress."""
        self.terms = SaleTerms()
        self.edge: Edge[PreparedProblem] = Edge(self._question, services.clock.monotonic, Problem.prepared)
        self.menus = Menus(self._question, services.clock.monotonic)
        self.seal = Seal(settings.secret_key)
        self.file_turn = asyncio.Semaphore(1)
        """Held by whoever reads or writes a file of a menu."""
        self.in_flight: dict[tuple[str, str], bytes] = {}
        """(sale, diner) → the command id of the claim that is being decided (F8)."""
        self.exempt = Networks(settings.limit_exempt)
        self.trusted = Networks(settings.trusted_proxies)
        self._trusts_proxies = bool(self.trusted)
        self.users = Buckets("user", settings.user_rate, settings.buckets_max)
        self.addresses = Buckets("address", settings.address_rate, settings.buckets_max)
        self.guests = Buckets("guest", settings.guest_rate, settings.buckets_max)
        self.staff = StaffAccounts(self.ask, settings, services.clock)
        self.silo_header = (b"kaifan-silo", settings.silo.encode("latin-1", "replace"))
        self._numbers = itertools.count(1)
        self._prefix = secrets.token_hex(4)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Shares the limits for as long as it is entered; entered by the server's start, left by its end."""
        sharing = None
        if self.services.redis is not None:
            buckets = (self.users, self.addresses, self.guests, self.staff.login_buckets)
            shared = SharedLimits(self.services.redis, buckets, self.clock)
            sharing = asyncio.get_running_loop().create_task(shared.run())
        try:
            yield
        finally:
            if sharing is not None:
                sharing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await sharing
            self.staff.close()
            self.access.flush()

    async def ask(
        self,
        entity: str,
        word: Command | Query,
        view: type[View],
        id: bytes = b"",
        *,
        final_no: bool = False,
    ) -> View:
        """What an entity answers. Raises Problem for a no or an outage."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def replied(reply: Reply) -> None:
            if not future.done():
                future.set_result(reply)

        self.submit(entity, word, id, replied, final_no=final_no)
        return decoded(await future, view)

    def submit(
        self,
        entity: str,
        word: Command | Query,
        id: bytes,
        replied: Callable[[Reply], None],
        *,
        final_no: bool = False,
    ) -> None:
        """The same with a callback, for what awaits nothing."""
        deadline = self.clock.monotonic() + self.settings.deadline_s
        self.router.submit(
            entity, word, command_id=id, deadline=deadline, callback=replied, final_no=final_no
        )

    def _question(self, entity: str, query: Query, told: Callable[[Reply], None]) -> None:
        self.submit(entity, query, b"", told)

    def start(
        self,
        work: Coroutine[Any, Any, object],
        go_on: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Await something on behalf of a hot route, and go on from there; each request's own deadline bounds it."""

        async def run() -> None:
            try:
                await work
                go_on()
            except Exception as error:
                failed(error)

        task = asyncio.get_running_loop().create_task(run())
        self._started.add(task)
        task.add_done_callback(self._started.discard)

    def request_id(self, headers: dict[bytes, bytes]) -> str:
        """The caller's X-Request-Id if it is a decent one, else a new one."""
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given.decode()
        return f"{self._prefix}-{next(self._numbers):x}"

    def admit(self, call: Call) -> Staff | None:
        """Who it is, whether they may, and whether not too often. Raises Problem or a rejection.

        Returns the staff account whose roles are still to be looked at, if any (``admit_staff``).
        """
        if self._trusts_proxies:
            call.address = self._address(call)
        address = call.address
        now = self.clock.monotonic()
        limited = address not in self.exempt
        if limited and (wait_s := self.addresses.take(bucket_of(address), now)):
            raise Problem.of(RateLimited(scope="address"), retry_after_s=wait_s)
        audience = call.operation.audience
        if audience.public:
            return None
        authorization = call.headers.get(b"authorization")
        if authorization is None:
            raise Unauthenticated()
        principal = call.principal = self.tokens.principal(authorization, self.clock.now_ms())
        if wait_s := self.users.take(principal.caller, now):
            if limited:
                # One bot must not use up what a whole Wi-Fi shares.
                self.addresses.give_back(bucket_of(address))
            raise Problem.of(RateLimited(scope="user"), retry_after_s=wait_s)
        if isinstance(principal, Diner):
            if not audience.diner:
                raise Forbidden(audience=str(audience))
            return None
        if audience.action is None:
            raise Forbidden(audience=str(audience))
        return principal

    async def admit_staff(self, call: Call, staff: Staff) -> None:
        """Whether the account's roles allow it. Raises Forbidden."""
        audience = call.operation.audience
        if not audience.admits(await self.staff.roles(staff), call.params.get("store_id")):
            raise Forbidden(audience=str(audience))

    def _address(self, call: Call) -> str:
        if b"x-forwarded-for" not in call.headers:
            return call.address
        values = [value for name, value in call.raw_headers if name == b"x-forwarded-for"]
        return client_address(call.address, values, self.trusted)

    def take_guest(self, call: Call) -> None:
        """One more new guest from this address. Raises Problem (429)."""
        if call.address in self.exempt:
            return
        wait_s = self.guests.take(bucket_of(call.address), self.clock.monotonic())
        if wait_s:
            raise Problem.of(RateLimited(scope="address"), retry_after_s=wait_s)

    def metrics(self) -> str:
        """The silo's metrics and the ingress' own."""
        more = "".join(f"{line}\n" for line in self.more_metrics())
        return "\n".join(filter(None, [self.services.metrics_text().rstrip("\n"), self.meter.text() + more]))
