"""Makes ``docs/errors.md`` from the rejections themselves: ``python -m api.errors_page`` writes it anew."""

from __future__ import annotations

import dataclasses
import inspect
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import actors.words
import api.menu_files.rejections
import api.rejections
import brand.rejections
import flash_sale.rejections
import store_runtime.bill.rejections
import store_runtime.delivery.rejections
import store_runtime.diner_orders.rejections
import store_runtime.rejections
import store_runtime.reservations.rejections
import store_runtime.store.floor.rejections
import store_runtime.store.kitchen.rejections
import store_runtime.store.menu.rejections
import store_runtime.store.orders.rejections
import store_runtime.store.rejections
import store_runtime.table.rejections
import store_runtime.table_session.rejections
import store_runtime.takeout.rejections
import store_runtime.till.rejections
import store_runtime.waiting_queue.rejections
from actors.words import OUTAGES, Rejection
from api.app import all_operations
from api.openapi import problems_of
from api.problems import OUTAGE_STATUS

PAGE = Path(__file__).parent.parent / "docs" / "errors.md"

ROOMS: tuple[ModuleType, ...] = (
    api.rejections,
    api.menu_files.rejections,
    actors.words,
    flash_sale.rejections,
    store_runtime.rejections,
    store_runtime.store.rejections,
    store_runtime.reservations.rejections,
    store_runtime.store.orders.rejections,
    store_runtime.store.menu.rejections,
    store_runtime.store.orders.rejections,
    store_runtime.store.floor.rejections,
    store_runtime.table.rejections,
    store_runtime.table_session.rejections,
    store_runtime.bill.rejections,
    store_runtime.store.kitchen.rejections,
    store_runtime.takeout.rejections,
    store_runtime.waiting_queue.rejections,
    store_runtime.diner_orders.rejections,
    store_runtime.delivery.rejections,
    store_runtime.till.rejections,
    brand.rejections,
)

EVERYWHERE = {
    "route_not_found",
    "method_not_allowed",
    "malformed_request",
    "headers_too_large",
    "rate_limited",
}
"""Answered at any address, before or beside its operation."""

HEAD = """# Errors

Made from the code by `python -m api.errors_page`; do not edit.

Every error is `application/problem+json` (RFC 9457):

```json
{
  "type": "urn:kaifan:problem:limit_reached",
  "title": "Limit reached",
  "status": 409,
  "code": "limit_reached",
  "detail": "This diner would pass the limit per diner of the sale.",
  "limit": 2,
  "taken": 2,
  "request_id": "3f9a0c1e-2a"
}
```

`code` is stable. Further fields are the facts behind it, listed below; moments are RFC 3339. `request_id` is also in
header `X-Request-Id` and in the log. 429 and 503 carry `Retry-After`: send the same request again, with the same
`Idempotency-Key`. A rejection is not remembered under the key; an accepted answer is.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections()]) + "\n"


def rejections() -> list[type[Rejection]]:
    """Every rejection that may leave the house, by status and code."""
    found = {
        member
        for room in ROOMS
        for _, member in inspect.getmembers(room, inspect.isclass)
        if issubclass(member, Rejection) and member is not Rejection
    }
    return sorted(found, key=lambda rejection: (rejection.status, rejection.code))


def _sections() -> Iterator[str]:
    routes = _routes()
    status = 0
    for rejection in rejections():
        if rejection.status != status:
            status = rejection.status
            yield f"## {status}\n"
        yield from _rejection(rejection, routes[rejection.code])
    yield "## 500 and 503: outages\n"
    yield "Neither yes nor no. Of a 503 the outcome is learned by asking again with the same key.\n"
    for code, sentence in OUTAGES.items():
        yield f"### `{code}`\n"
        yield f"{OUTAGE_STATUS[code]}. {sentence}\n"


def _rejection(rejection: type[Rejection], routes: list[str]) -> Iterator[str]:
    yield f"### `{rejection.code}`\n"
    yield " ".join(inspect.cleandoc(rejection.__doc__ or "").split()) + "\n"
    facts = [f"`{field.name}`" for field in dataclasses.fields(rejection)]  # type: ignore[arg-type]
    if facts:
        yield f"* Facts: {', '.join(facts)}"
    if rejection.hint:
        yield f"* What to do: {rejection.hint}"
    if rejection.code in EVERYWHERE:
        yield "* Where: any address"
    elif routes:
        yield f"* Where: {', '.join(routes)}"
    else:
        yield "* Where: no route yet; between entities, and for the command line"
    yield ""


def _routes() -> dict[str, list[str]]:
    """Code → the operations that declare it; a code that most of them share is said shorter."""
    routes: dict[str, list[str]] = defaultdict(list)
    operations = all_operations()
    for operation in operations:
        for _, code, _ in problems_of(operation):
            routes[code].append(f"`{operation.method} {operation.path.removeprefix('/api/v1')}`")
    many = len(operations) // 2
    return defaultdict(
        list,
        {code: [f"{len(names)} routes"] if len(names) >= many else names for code, names in routes.items()},
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
