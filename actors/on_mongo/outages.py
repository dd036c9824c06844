"""What the driver's errors mean to the runtime: an outage (ask again) or our own mistake (let it through)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from actors.membership import StoreUnreachable

OUTAGE_CODES = frozenset(
    {6, 7, 50, 63, 64, 89, 91, 100, 133, 189, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436}
)
"""HostUnreachable, HostNotFound, MaxTimeMSExpired, …, WriteConcernFailed, NetworkTimeout, ShutdownInProgress, …,
PrimarySteppedDown, …, NotWritablePrimary, Interrupted…: server error codes after which a write may or may not have
happened. https://www.mongodb.com/docs/manual/reference/error-codes/"""

OUTAGES = (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
    TimeoutError,
    asyncio.TimeoutError,
)


def is_outage(error: BaseException) -> bool:
    """True for errors after which nobody knows, or nothing was asked; False for our own mistakes."""
    if isinstance(error, OUTAGES):
        return True
    if isinstance(error, OperationFailure):
        return error.code in OUTAGE_CODES or error.has_error_label("RetryableWriteError")
    return isinstance(error, PyMongoError) and error.timeout


@contextmanager
def as_unreachable() -> Iterator[None]:
    """Turn the driver's outages into StoreUnreachable."""
    try:
        yield
    except PyMongoError as error:
        if is_outage(error):
            raise StoreUnreachable(f"{type(error).__name__}: {error}"[:300]) from error
        raise
