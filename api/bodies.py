"""From bytes to a typed body, and how a wrong one is named."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from api.moments import to_ms
from api.rejections import BodyTooLarge, MalformedJson
from api.wording import problem_in_words
from flash_sale.commands import MOMENT_MAX
from store_runtime.rejections import InvalidField

QUERY_FIELDS_MAX = 50
_NAMED = re.compile(r"(?:required|unknown) field `([^`]*)`")


class ClientGone(Exception):
    """The caller hung up before the whole request had arrived; there is nobody to answer."""


async def read_body(receive: Receive, headers: dict[bytes, bytes], size_bytes_max: int) -> bytes:
    """The whole body. Raises BodyTooLarge as soon as that is known, and ClientGone."""
    announced = headers.get(b"content-length", b"0")
    # Digits beyond twenty are no length; the parser has refused anything but digits.
    if len(announced) > 20 or int(announced or 0) > size_bytes_max:
        raise BodyTooLarge(size_bytes_max=size_bytes_max)
    message = await receive()
    body: bytes = message.get("body", b"")
    parts = [body]
    size = len(body)
    while message["type"] == "http.request" and message.get("more_body", False):
        if size > size_bytes_max:
            raise BodyTooLarge(size_bytes_max=size_bytes_max)
        message = await receive()
        part: bytes = message.get("body", b"")
        size += len(part)
        parts.append(part)
    if message["type"] != "http.request":
        raise ClientGone
    if size > size_bytes_max:
        raise BodyTooLarge(size_bytes_max=size_bytes_max)
    return body if len(parts) == 1 else b"".join(parts)


def parse_body(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """The body as the decoder's struct; an empty one counts as ``{}``.

    Raises MalformedJson, or InvalidField with the path of the first wrong field.
    """
    try:
        return decoder.decode(body or b"{}")
    except msgspec.ValidationError as wrong:
        _must_be_utf8(body)
        raise invalid_field(str(wrong), "$", decoder.type) from wrong
    except (ValueError, RecursionError) as malformed:
        # ValueError covers msgspec.DecodeError and the UnicodeDecodeError of a bad UTF-8 sequence.
        raise MalformedJson(problem=_where(malformed)) from malformed


def parse_query(query_string: bytes, into: type[Any]) -> Any:
    """The query string as ``into``; unknown parameters are ignored. Raises InvalidField."""
    try:
        pairs = parse_qsl(
            query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX
        )
        return msgspec.convert(dict(pairs), into, strict=False)
    except msgspec.ValidationError as wrong:
        raise invalid_field(str(wrong), "query", into) from wrong
    except ValueError as wrong:
        raise InvalidField(path="query", problem=str(wrong)) from wrong


def invalid_field(message: str, root: str, into: Any) -> InvalidField:
    """msgspec's sentence about an ``into`` as an InvalidField: what would be right, and where.

    >>> invalid_field("Expected `int`, got `str` - at `$.quantity`", "$", Any).path
    '$.quantity'
    >>> invalid_field("Object missing required field `quantity`", "$", Any).path
    '$.quantity'
    >>> invalid_field("Expected `str` of length >= 1 - at `key` in `$.stock`", "$", Any).path
    '$.stock'
    """
    problem, _, at = message.partition(" - at ")
    key, _, of_keys = at.partition(" in ")
    path = (of_keys or key).strip("`") or "$"
    named = _NAMED.search(problem)
    said = problem_in_words(problem, path, into)
    if of_keys:
        said = f"{said} as a name"
    if named:
        path = f"{path}.{named.group(1)}"
    return InvalidField(path=root + path.removeprefix("$"), problem=said)


def _must_be_utf8(body: bytes) -> None:
    """A wrong type is noticed before a bad byte further on; the bad byte is the better answer."""
    try:
        body.decode()
    except UnicodeDecodeError as malformed:
        raise MalformedJson(problem=_where(malformed)) from malformed


def _where(malformed: Exception) -> str:
    if isinstance(malformed, UnicodeDecodeError):
        return "a byte sequence that is not UTF-8"
    if isinstance(malformed, RecursionError):
        return "nested too deeply"
    return str(malformed)


def moment_field(moment: datetime, path: str) -> int:
    """A moment of a body in ms. Raises InvalidField outside 1970 to 9999."""
    at = to_ms(moment)
    if not 0 <= at <= MOMENT_MAX:
        raise InvalidField(path=path, problem="a moment from 1970 to 9999")
    return at
