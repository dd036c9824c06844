"""Makes ``docs/roles.md`` from the routes and the table of roles: ``python -m api.roles_page`` writes it anew.

The page is read by people who decide whether it is right, and by the test that calls every route as everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from api.app import all_operations
from api.audiences import Audience
from api.operations import Operation
from brand.roles import ALONE_UP_TO_FEN, MAY, NOT_AT_ALL, Action, Role, alone_up_to_fen

PAGE = Path(__file__).parent.parent / "docs" / "roles.md"

ROLES: tuple[str, ...] = get_args(Role)
WHERE = ("here", "elsewhere", "everywhere")
"""Where somebody has their role: in the store that is asked of, in another store, in all of them."""

HEAD = """# Who may do what

Made from the code by `python -m api.roles_page`; do not edit. A test calls every route as everybody in these tables.

A role is held in one store or in all of them (`*`). What a role may do is `brand/roles.py`; each route names
the action that it needs. Of 401 and 403: without a valid token everything that is not public answers 401
`unauthenticated`; with one that is not enough, 403 `forbidden`.
"""

ROUTES_HEAD = """## Routes

● may · ○ gets in with a role in any store, and then sees only what belongs to that store · blank: 401 or 403.
A role in all stores counts wherever a role in this one does; `●*` only there.
"""

LIMITS_HEAD = """## Up to which amount alone

In yuan; above it a second person approves. A store may set its own limits (`PUT /stores/{store_id}/amount-limits`);
what is not named here has no limit.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_actions(), "", LIMITS_HEAD, *_limits(), "", ROUTES_HEAD, *_routes()]) + "\n"


def name_of(operation: Operation) -> str:
    """``GET /stores/{store_id}/menu``."""
    return f"{operation.method} {operation.path.removeprefix('/api/v1')}"


def mark(audience: Audience, role: str) -> str:
    """How a role stands to a route, in one sign."""
    here, elsewhere, everywhere = (gets_in(audience, role, where) for where in WHERE)
    if elsewhere:
        return "○"
    return "●" if here else "●*" if everywhere else ""


def gets_in(audience: Audience, role: str, where: str) -> bool:
    """Whether the door lets a role in that is held there, with an address in store ``this``."""
    store = {"here": "this", "elsewhere": "another", "everywhere": "*"}[where]
    return audience.public or audience.admits({store: [role]}, "this")


def _actions() -> Iterator[str]:
    yield "## Actions\n"
    yield from _table("action", ((f"`{action}`", _may(action)) for action in get_args(Action)))


def _may(action: Action) -> list[str]:
    return ["●" if action in MAY[role] else "" for role in ROLES]


def _limits() -> Iterator[str]:
    yield from _table(
        "action", ((f"`{action}`", [_limit(action, role) for role in ROLES]) for action in ALONE_UP_TO_FEN)
    )


def _limit(action: Action, role: str) -> str:
    limit_fen = alone_up_to_fen({"*": [role]}, "this", action)
    if limit_fen is None:
        return "no limit"
    return "" if limit_fen == NOT_AT_ALL else f"{limit_fen // 100:,}"


def _routes() -> Iterator[str]:
    def rows() -> Iterator[tuple[str, list[str]]]:
        for operation in all_operations():
            audience = operation.audience
            anyone = ["●" if audience.public else "", "●" if audience.public or audience.diner else ""]
            roles = ["●" if audience.public else mark(audience, role) for role in ROLES]
            yield f"`{name_of(operation)}`", [*anyone, *roles]

    yield from _table("route", rows(), ("anyone", "diner", *ROLES))


def _table(
    first: str, rows: Iterator[tuple[str, list[str]]], columns: Sequence[str] = ROLES
) -> Iterator[str]:
    yield f"| {first} | {' | '.join(columns)} |"
    yield f"|---|{':-:|' * len(columns)}"
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
