"""Staff passwords: argon2id, computed beside the loop by a bounded number of threads.

19 MiB, two passes, one lane: OWASP's recommendation for a server that also has other work (Password Storage
Cheat Sheet, "Argon2id"). A stored hash carries its own parameters, so they can be raised at any time.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from api.problems import Problem

THREADS = 2
WAITING_MAX = 16

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1_024, parallelism=1)


def hash_password(password: str, salt: bytes | None = None) -> str:
    """What a staff account stores; about 20 ms of one core. Without a ``salt`` (16 bytes) it gets one by chance."""
    return _hasher.hash(password, salt=salt)


class Passwords:
    """Verifies passwords on its own threads; beyond WAITING_MAX it is overloaded, and says so."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._waiting = 0
        # An unknown account is checked against this, so that it costs what a known one does.
        self._nobody = hash_password("nobody has this password")

    async def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hash's; always False, and as slow, for None. Raises Problem (503)."""
        self._take()
        try:
            loop = asyncio.get_running_loop()
            fits = await loop.run_in_executor(self._threads, _verify, password_hash or self._nobody, password)
        finally:
            self._waiting -= 1
        return fits and password_hash is not None

    async def hash(self, password: str, salt: bytes) -> str:
        """What an account is to store. The caller's salt, so that a repeated request says the same once more. Raises
        Problem (503).
        """
        self._take()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, hash_password, password, salt)
        finally:
            self._waiting -= 1

    def _take(self) -> None:
        if self._waiting >= WAITING_MAX:
            raise Problem(503, "overloaded", "Too many logins at once.", retry_after_s=2)
        self._waiting += 1

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
