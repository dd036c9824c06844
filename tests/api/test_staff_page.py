"""docs/staff.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from api.app import all_operations
from api.approvals import APPROVAL_S
from api.errors_page import rejections
from api.roles_page import name_of
from brand.roles import ALONE_UP_TO_FEN
from store_runtime.audit_log.state import RECENT_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "staff.md").read_text(encoding="utf-8")


def test_every_route_on_the_page_exists() -> None:
    """Method and address, as the router has them."""
    named = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?…]+)\??[^`]*`", PAGE)

    assert len(named) > 8
    assert set(named) <= {name_of(operation) for operation in all_operations()}


def test_every_code_and_number_on_the_page_is_true() -> None:
    """403 and what follows it, the actions with an amount, how long, how many."""
    codes = re.findall(r"(?:403|429|refused with) `([a-z_]+)`", PAGE)

    assert len(codes) >= 4
    assert set(codes) <= {rejection.code for rejection in rejections()}
    assert all(f"`{action}`" in PAGE for action in ALONE_UP_TO_FEN)
    assert f"newest {RECENT_MAX} entries" in PAGE
    assert APPROVAL_S == 120
    assert "lasts two minutes" in PAGE
