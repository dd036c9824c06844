"""What is right, in words: msgspec's sentences name neither the values of an enum nor the form of a pattern."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import inspect

from pricing.menu import ID, LINE, TEXT
from store_runtime.store.menu.commands import STOCK_KEY
from store_runtime.texts import END, ONE_LINE

FORMS = {
    ONE_LINE: "one line of text without control characters",
    LINE: "one line of text without control characters",
    TEXT: "text without control characters other than line feeds",
    ID: "letters (A to Z), digits, dots, hyphens and underscores, without spaces",
    STOCK_KEY: "the id of a dish, or dish#option: letters (A to Z), digits, dots, hyphens and underscores",
    r"^[A-Za-z0-9_-]+" + END: "letters (A to Z), digits, hyphens and underscores, without spaces",
    r"^[A-Za-z0-9_-]{1,32}"
    + END: "1 to 32 letters (A to Z), digits, hyphens and underscores, without spaces",
    r"^[A-Za-z0-9_-]{1,64}"
    + END: "1 to 64 letters (A to Z), digits, hyphens and underscores, without spaces",
    r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}" + END: (
        "1 to 64 letters (A to Z), digits, dots, hyphens and underscores, and no dot in front"
    ),
    r"^[A-Za-z0-9]*" + END: "letters (A to Z) and digits only",
    r"^[0-9]*" + END: "digits only",
    r"^[A-Z]{1,2}" + END: "one or two capital letters (A to Z)",
    r"^[a-z_]{1,20}" + END: "1 to 20 small letters (a to z) and underscores",
    r"^[a-z-]+/[A-Za-z0-9._-]+" + END: "kind/id as the kitchen shows it, like takeout/o123",
    r"^(\+?[0-9][0-9 -]{4,22})?" + END: (
        "a telephone number: 5 to 23 digits, spaces and hyphens, with or without + in front"
    ),
    r"^([01][0-9]|2[0-3]):[0-5][0-9]" + END: "a time of day as HH:MM, 00:00 to 23:59",
    r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*" + END: "a time zone like Asia/Shanghai",
}
"""Pattern of a field → what it asks for."""

_MATCHING = re.compile(r"matching regex (.+)$", re.DOTALL)
_CHOICE = re.compile(r"\^\((\w+(?:\|\w+)*)\)\$")
_STEP = re.compile(r"\.([^.\[]+)|\[[^\]]*\]")


def problem_in_words(problem: str, path: str, into: Any) -> str:
    """msgspec's sentence about the value at ``path`` (``$.lines[0].kind``) of ``into``, with what would be right.

    >>> problem_in_words("Expected `str` matching regex '^[0-9]*$(?!\\\\\\\\n)'", "$", str)
    'Expected digits only'
    """
    if problem.startswith(("Invalid enum value", "Invalid value")):
        values = ", ".join(dict.fromkeys(str(value) for value in _values(into, path)))
        return f"{problem}; allowed: {values}" if values else problem
    pattern = _MATCHING.search(problem)
    if pattern is None:
        return problem.replace("`", "")
    form = form_of(ast.literal_eval(pattern[1]))
    return "Expected text of another form" if form is None else f"Expected {form}"


def form_of(pattern: str) -> str | None:
    """What a pattern asks for; None for one that nobody has put into words.

    >>> form_of("^(cash|card)$")
    'one of cash, card'
    """
    if choice := _CHOICE.match(pattern):
        return f"one of {choice[1].replace('|', ', ')}"
    return FORMS.get(pattern)


def _values(into: Any, path: str) -> Iterator[Any]:
    nodes = [_inspected(into)]
    for step in _STEP.finditer(path):
        nodes = [inner for node in _plain(nodes) for inner in _inner(node, step[1])]
    for node in _plain(nodes):
        match node:
            case inspect.LiteralType(values=values):
                yield from values
            case inspect.EnumType(cls=kind):
                yield from (member.value for member in kind)


@lru_cache(maxsize=256)
def _inspected(into: Any) -> inspect.Type:
    return inspect.type_info(into)


def _plain(nodes: list[inspect.Type]) -> Iterator[inspect.Type]:
    """Without what is wrapped around them."""
    for node in nodes:
        match node:
            case inspect.Metadata(type=inner):
                yield from _plain([inner])
            case inspect.UnionType(types=several):
                yield from _plain(list(several))
            case _:
                yield node


def _inner(node: inspect.Type, name: str | None) -> Iterator[inspect.Type]:
    """The types of a field of this name, or of the items (None)."""
    match node:
        case inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            yield from (field.type for field in fields if field.encode_name == name)
            if tag is not None and tag_field == name:
                yield inspect.LiteralType((tag,))
        case inspect.TupleType(item_types=items):
            yield from items
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield item
        case inspect.SetType(item_type=item) | inspect.FrozenSetType(item_type=item):
            yield item
        case inspect.DictType(value_type=value):
            yield value
