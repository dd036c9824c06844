"""/docs: everything it needs comes from us, and a browser is told to take nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from api.app import all_operations
from tests.api.house import House

pytestmark = pytest.mark.anyio

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "a": "href"}


class Page(HTMLParser):
    """What a page names: addresses it loads or leads to, and its scripts in line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.attributes: set[str] = set()
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}
        given = dict(attrs)
        address = given.get(LOADING.get(tag, ""))
        if address is not None:
            self.addresses.append(address)
        self._in_script = tag == "script" and "src" not in given

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


def _policy(header: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (part.split() for part in header.split(";"))}


async def test_the_page_names_no_foreign_host_and_all_it_names_is_there(house: House) -> None:
    """A browser without the internet shows it: each address is ours and answers with its type."""
    page = await house.http.get("/docs")
    named = Page(page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"(https?:)?//[a-z]", page.text)
    ours = [address for address in named.addresses if not address.startswith("data:")]
    assert len(ours) == 3
    for address in ours:
        assert urlsplit(address)[:2] == ("", "")
        part = await house.http.get(address)
        assert part.status_code == 200
        wanted = {"js": "text/javascript", "css": "text/css", "json": "application/json"}
        kind = urlsplit(address).path.rpartition(".")[2]
        assert part.headers["content-type"].startswith(wanted[kind])
    assert 'url: "/openapi.json"' in named.scripts[0]
    assert "validatorUrl: null" in named.scripts[0]


async def test_the_page_tells_the_browser_to_take_nothing_from_elsewhere(house: House) -> None:
    """The policy allows our files and this script by its hash: no inline code, no eval, no other host, no frame."""
    page = await house.http.get("/docs")
    named = Page(page.text)
    policy = _policy(page.headers["content-security-policy"])
    (script,) = named.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == ["'self'", f"'sha256-{digest}'"]
    assert {source for sources in policy.values() for source in sources} == {
        *policy["script-src"],
        "'none'",
        "data:",
    }
    assert policy["img-src"] == ["'self'", "data:"]
    assert not [name for name in named.attributes if name == "style" or name.startswith("on")]
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_the_style_sheet_loads_nothing_from_elsewhere(house: House) -> None:
    """Its pictures are in it."""
    sheet = (await house.http.get("/docs/swagger-ui.css")).text

    assert "@import" not in sheet
    assert "swagger-ui" in sheet
    assert [start for start in re.findall(r"url\(['\"]?(.{5})", sheet) if start != "data:"] == []


async def test_the_files_of_the_page_are_no_operations(house: House) -> None:
    """They can be kept by a browser, take GET and HEAD only, and nothing else of the package is served."""
    part = await house.http.head("/docs/swagger-ui-bundle.js")

    assert (part.status_code, part.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert (await house.http.post("/docs/swagger-ui.css")).status_code == 405
    assert (await house.http.get("/docs/LICENSE")).status_code == 404
    assert not [one for one in all_operations() if one.path.startswith("/docs/")]
