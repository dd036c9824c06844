"""The OpenAPI 3.1 document, made from the operations that run: nothing in it is written twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from actors.words import IdempotencyKeyReused, Rejection, TooLarge
from api.audiences import Audience
from api.endpoint import KEY_PATTERN
from api.ids import ID_PATTERN, NOT_FOUND
from api.operations import Key, Operation
from api.problems import OUTAGE_STATUS, title_of
from api.rejections import (
    BodyTooLarge,
    Forbidden,
    IdempotencyKeyRequired,
    MalformedJson,
    RateLimited,
    RequestTimeout,
    Unauthenticated,
)
from store_runtime.rejections import InvalidField
from store_runtime.store.menu.rejections import DishNotFound

_PARAMETER = re.compile(r"{(\w+)}")
_TEXT = {
    "/metrics": "text/plain",
    "/docs": "text/html",
    "/api/v1/stores/{store_id}/menu/export.xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ),
    "/api/v1/stores/{store_id}/menu/export.csv": "text/csv",
}

DESCRIPTION = """Order processing for restaurants at peak.

Amounts are integer fen in fields ending `_fen`; moments are RFC 3339 with offset. Writes take an `Idempotency-Key`:
the same key with the same body gives the same answer of an accepted request for at least 24 hours. Every error is
`application/problem+json` with a stable `code`. 429 and 503 may be sent again, with the same key, after
`Retry-After`.
"""

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457, with a stable code and the facts behind it as further fields.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; docs/errors.md lists all."},
        "detail": {"type": "string"},
        "hint": {"type": "string", "description": "What the caller can do."},
        "request_id": {"type": "string"},
    },
}


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole document."""
    structs = _structs(operations)
    schemas, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    by_struct = dict(zip(structs, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, by_struct)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kaifan", "version": version, "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM_SCHEMA},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "From POST /api/v1/auth/guest (diners) or POST /api/v1/auth/staff.",
                }
            },
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
    }


def problems_of(operation: Operation) -> list[tuple[int, str, str]]:
    """Every problem the operation can answer with: (status, code, sentence), by status."""
    found: dict[str, tuple[int, str, str]] = {}
    for rejection in _rejections_of(operation):
        found[rejection.code] = (rejection.status, rejection.code, rejection.sentence())
    if operation.entity:
        for code, status in OUTAGE_STATUS.items():
            found[code] = (status, code, title_of(code) + ".")
    elif 503 in operation.answers:
        found["unavailable"] = (503, "unavailable", "This silo cannot commit now.")
    return sorted(found.values())


def _rejections_of(operation: Operation) -> Iterable[type[Rejection]]:
    yield RateLimited
    if not operation.audience.public:
        yield Unauthenticated
        yield Forbidden
    if operation.body is not None or operation.file:
        yield from (MalformedJson, BodyTooLarge, RequestTimeout, InvalidField)
    if operation.query is not None or operation.key is not Key.NONE:
        yield InvalidField
    if operation.key is Key.REQUIRED:
        yield IdempotencyKeyRequired
    if operation.key is not Key.NONE:
        yield IdempotencyKeyReused
        yield TooLarge
    for name in _PARAMETER.findall(operation.path):
        yield type(NOT_FOUND[name]) if name in NOT_FOUND else DishNotFound
    yield from operation.problems


def _structs(operations: Iterable[Operation]) -> list[Any]:
    found: dict[Any, None] = {}
    for operation in operations:
        for struct in (operation.body, operation.query, *_answers(operation)):
            if struct is not None and struct not in (str, dict):
                found[struct] = None
    return list(found)


def _answers(operation: Operation) -> Iterable[Any]:
    for answer in operation.answers.values():
        yield from answer if isinstance(answer, tuple) else (answer,)


def _operation(operation: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": " ".join(filter(None, [operation.description, f"For: {operation.audience}."])),
        "x-audience": _audience(operation.audience),
        "responses": _responses(operation, schemas),
    }
    if not operation.audience.public:
        entry["security"] = [{"bearer": []}]
    parameters = [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)]
    if parameters:
        entry["parameters"] = parameters
    if operation.file:
        binary = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
        entry["requestBody"] = {"required": True, "content": dict.fromkeys(operation.file, binary)}
    if operation.body is not None:
        content: dict[str, Any] = {"schema": schemas[operation.body]}
        if operation.example is not None:
            content["example"] = operation.example
        required = any(field.required for field in msgspec.structs.fields(operation.body))
        entry["requestBody"] = {"required": required, "content": {"application/json": content}}
    return entry


def _audience(audience: Audience) -> dict[str, Any]:
    if audience.public:
        return {"public": True}
    return {"diner": audience.diner, "action": audience.action, "where": audience.where}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": ID_PATTERN}
            if name in NOT_FOUND
            else {"type": "string", "minLength": 1, "maxLength": 64},
        }
        for name in _PARAMETER.findall(operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    _, components = msgspec.json.schema_components([operation.query])
    properties = components[operation.query.__name__]["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if operation.key is not Key.NONE:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": operation.key is Key.REQUIRED,
                "description": "New for every new request; the same again to repeat one.",
                "schema": {"type": "string", "pattern": KEY_PATTERN},
                "example": "c1d2e3f4-1",
            }
        )
    for name, description in operation.headers.items():
        header = {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        parameters.append(header)
    return parameters


def _responses(operation: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, struct in operation.answers.items():
        if status < 400:
            responses[str(status)] = _answer(operation, struct, schemas)
    by_status: dict[int, list[tuple[str, str]]] = {}
    for status, code, sentence in problems_of(operation):
        by_status.setdefault(status, []).append((code, sentence))
    for status, codes in by_status.items():
        responses[str(status)] = _problem(status, codes)
    return responses


def _answer(operation: Operation, struct: Any, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if struct is None:
        return {"description": "Unchanged."}
    if struct is str:
        return {"description": "Text.", "content": {_TEXT[operation.path]: {"schema": {"type": "string"}}}}
    if struct is dict:
        return {"description": "This.", "content": {"application/json": {"schema": {"type": "object"}}}}
    if isinstance(struct, tuple):
        schema = {"anyOf": [schemas[one] for one in struct]}
        return {"description": "One of these.", "content": {"application/json": {"schema": schema}}}
    description = (struct.__doc__ or struct.__name__).strip().split("\n", 1)[0]
    return {"description": description, "content": {"application/json": {"schema": schemas[struct]}}}


def _problem(status: int, codes: list[tuple[str, str]]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": " ".join(f"`{code}`: {sentence}" for code, sentence in codes),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    code: {
                        "value": {
                            "type": f"urn:kaifan:problem:{code}",
                            "title": title_of(code),
                            "status": status,
                            "code": code,
                            "detail": sentence,
                        }
                    }
                    for code, sentence in codes
                },
            }
        },
    }
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return response
