"""What the driver's errors mean to the runtime: an outage (ask again) or our own mistake (let it through)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    BulkWriteError,
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
    {6, 7, 24, 43, 50, 63, 64, 89, 91, 100, 112, 133, 134, 189, 237, 262, 279, 317, 384, 462, 9001, 10107}
    | {11600, 11601, 11602, 13435, 13436, 14031}
)
"""HostUnreachable, HostNotFound, LockTimeout, CursorNotFound (the server was restarted between two batches),
MaxTimeMSExpired, …, WriteConcernFailed, NetworkTimeout, ShutdownInProgress, …, WriteConflict, …,
ReadConcernMajorityNotAvailableYet, PrimarySteppedDown, CursorKilled, …, NotWritablePrimary, Interrupted…,
OutOfDiskSpace: server error codes after which a call may or may not have done its work, and may be tried again.
https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml"""

DUPLICATE_KEY = 11000

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
    if isinstance(error, BulkWriteError):
        return _is_bulk_outage(error)
    if isinstance(error, OperationFailure):
        return error.code in OUTAGE_CODES or error.has_error_label("RetryableWriteError")
    return isinstance(error, PyMongoError) and error.timeout


def _is_bulk_outage(error: BulkWriteError) -> bool:
    """A bulk write hides its reasons one level down, under a code of its own (65).

    Of two upserts of one row at the same moment the server may give the second a duplicate key: asked again, it
    finds the row.
    """
    details = error.details or {}
    codes = {row.get("code") for row in details.get("writeErrors") or []}
    return bool(details.get("writeConcernErrors")) or codes <= OUTAGE_CODES | {DUPLICATE_KEY}


@contextmanager
def as_unreachable() -> Iterator[None]:
    """Turn the driver's outages into StoreUnreachable."""
    try:
        yield
    except PyMongoError as error:
        if is_outage(error):
            raise StoreUnreachable(f"{type(error).__name__}: {error}"[:300]) from error
        raise
