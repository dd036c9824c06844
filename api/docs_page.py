"""``/docs``: Swagger UI from an installed package, so that nothing is fetched from elsewhere at run time."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files as files_of

from api.audiences import PUBLIC
from api.call import Call
from api.operations import Answer, Table

PACKAGE = "fastapi_standalone_docs"
FILES = {
    "/docs/swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": b"text/css; charset=utf-8",
}
"""Address → content type. The name is the package's."""

START = """
SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true, showExtensions: true, validatorUrl: null});
"""
"""Without a validator: it would send the address of the description to a server of theirs."""

PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kaifan HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css?v={version(PACKAGE)}">
</head>
<body>
<div id="docs"><noscript>This page needs JavaScript; <a href="/openapi.json">its source</a> does not.</noscript></div>
<script src="/docs/swagger-ui-bundle.js?v={version(PACKAGE)}"></script>
<script>{START}</script>
</body>
</html>
""".encode()

POLICY = "; ".join(
    [
        "default-src 'none'",
        f"script-src 'self' 'sha256-{base64.b64encode(hashlib.sha256(START.encode()).digest()).decode()}'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""Only our own files and this one script run, and they talk to nobody but us. Its icons are in its style sheet."""

_SAME_TYPE = (b"x-content-type-options", b"nosniff")

table = Table("System")
files = Table("System")
"""Parts of the page: served, and not described as operations of the API."""


@table.route("GET", "/docs", audience=PUBLIC, answers={200: str}, entity=False)
async def show_docs(call: Call) -> Answer:
    """This description, to read and to try out in a browser."""
    headers = (
        (b"content-security-policy", POLICY.encode()),
        (b"referrer-policy", b"no-referrer"),
        _SAME_TYPE,
    )
    return Answer(200, PAGE, headers, b"text/html; charset=utf-8")


async def show_file(call: Call) -> Answer:
    """A file of the page. It keeps: another version has another address."""
    path = call.operation.path
    headers = ((b"cache-control", b"public, max-age=31536000, immutable"), _SAME_TYPE)
    return Answer(200, _read(path.removeprefix("/docs/")), headers, FILES[path])


@cache
def _read(name: str) -> bytes:
    return (files_of(PACKAGE) / "static" / "swagger" / name).read_bytes()


for _path in FILES:
    files.route("GET", _path, audience=PUBLIC, answers={200: str}, entity=False)(show_file)
