"""Staff at the door: logging in, and what an account may do now."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from api.addresses import bucket_of
from api.limits import Buckets
from api.passwords import Passwords
from api.problems import Problem
from api.rejections import RateLimited, Unauthenticated
from api.settings import ApiSettings, DoorClock, Rate
from api.tokens import Staff
from brand.commands import GetAccount
from brand.projections import AccountView

ACCOUNTS_MAX = 10_000
STALE_FOR_S = 60.0
"""How long an account is believed when its entity cannot be asked."""

_USERNAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")

Ask = Callable[[str, GetAccount, type[AccountView]], Awaitable[AccountView]]


class StaffAccounts:
    """Reads staff accounts, and remembers them for ``account_fresh_s``."""

    def __init__(self, ask: Ask, settings: ApiSettings, clock: DoorClock) -> None:
        self._ask = ask
        self._settings = settings
        self._clock = clock
        self._passwords = Passwords()
        self._known: OrderedDict[str, tuple[AccountView, float]] = OrderedDict()
        address = settings.login_rate
        here = Rate(address.per_second / 10, max(5, address.burst // 3))
        self.login_buckets = Buckets("login", address, settings.buckets_max)
        self._here_buckets = Buckets("login-here", here, settings.buckets_max)
        self._account_buckets = Buckets("login-account", settings.account_login_rate, settings.buckets_max)

    def close(self) -> None:
        """End the password threads."""
        self._passwords.close()

    async def hash(self, password: str, salt: bytes) -> str:
        """The hash of a new password, made beside the loop."""
        return await self._passwords.hash(password, salt)

    async def roles(self, staff: Staff) -> dict[str, list[str]]:
        """The account's roles now (store id, or ``*`` → roles).

        Raises Unauthenticated when the account changed since the token was given, Problem when it cannot be
        asked.
        """
        account = await self._account(staff.username)
        if account is None or account.disabled or account.epoch != staff.epoch:
            # It may be our memory that is behind: a token given a moment ago by another silo.
            account = await self._account(staff.username, anew=True)
        if account is None or account.disabled or account.epoch != staff.epoch:
            raise Unauthenticated()
        return account.roles

    async def log_in(self, username: str, password: str, address: str, exempt: bool) -> AccountView:
        """The account, if the password is its own. Only failures count against the limits.

        Raises Unauthenticated no sooner than ``login_floor_s``, whatever it failed on; RateLimited.
        """
        account = await self.with_password(username, password, address, exempt)
        if account is None:
            raise Unauthenticated()
        return account

    async def with_password(
        self, username: str, password: str, address: str, exempt: bool
    ) -> AccountView | None:
        """The same for whoever wants to say the no in their own words: None, as late and as limited."""
        taken = self._take(username, address, exempt)
        began = self._clock.monotonic()
        account = await self._account(username, anew=True)
        password_hash = None if account is None or account.disabled else account.password_hash
        if await self._passwords.fits(password, password_hash) and account is not None:
            for buckets, key in taken:
                buckets.give_back(key)
            return account
        await asyncio.sleep(max(0.0, began + self._settings.login_floor_s - self._clock.monotonic()))
        return None

    def _take(self, username: str, address: str, exempt: bool) -> list[tuple[Buckets, str]]:
        where = bucket_of(address)
        wanted = [] if exempt else [(self.login_buckets, where), (self._here_buckets, f"{where} {username}")]
        wanted.append((self._account_buckets, username))
        now = self._clock.monotonic()
        for count, (buckets, key) in enumerate(wanted):
            wait_s = buckets.take(key, now)
            if wait_s:
                for earlier, earlier_key in wanted[:count]:
                    earlier.give_back(earlier_key)
                raise Problem.of(RateLimited(scope="login"), retry_after_s=wait_s)
        return wanted

    async def _account(self, username: str, anew: bool = False) -> AccountView | None:
        if not _USERNAME.fullmatch(username):
            return None
        now = self._clock.monotonic()
        known = self._known.get(username)
        if known is not None and not anew and now - known[1] < self._settings.account_fresh_s:
            return known[0]
        try:
            account = await self._ask(f"staff-account/{username}", GetAccount(), AccountView)
        except Problem as problem:
            if problem.status == 404:
                self._known.pop(username, None)
                return None
            if known is not None and now - known[1] < STALE_FOR_S:
                return known[0]
            raise
        self._known[username] = (account, now)
        self._known.move_to_end(username)
        if len(self._known) > ACCOUNTS_MAX:
            self._known.popitem(last=False)
        return account


def token_fields(account: AccountView) -> dict[str, Any]:
    """What an account shows of itself at login; never its hash."""
    return {"username": account.username, "name": account.name, "roles": account.roles}
