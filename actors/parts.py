"""Parts of a snapshot: a piece of memory that rarely changes is written once and named by every later manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import msgspec


class Part(msgspec.Struct, array_like=True, frozen=True):
    """A part by its content: the digest of its stored bytes, and how many there are."""

    digest: bytes
    size_bytes: int


class Segment(Protocol):
    """A piece of memory that becomes one part."""

    part: Part | None
    """The part that holds just this; None: none was written, or it has changed since."""

    def encode(self) -> bytes:
        """Its bytes, the same for the same content."""
        ...


@runtime_checkable
class Segmented(Protocol):
    """A state that is large, and of which most does not change: the rest of it is its head."""

    def segments(self) -> list[Segment]:
        """In the order in which ``attach`` wants them."""
        ...

    def head(self) -> Any:
        """A copy of the state without what is in the segments; stored whole in every snapshot."""
        ...

    def attach(self, raw: bytes, part: Part) -> Iterator[None]:
        """Take the next segment back into a restored head. Yields every few milliseconds, for the loop's sake."""
        ...
