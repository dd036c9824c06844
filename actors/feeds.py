"""What is followed, who follows, and in which words: the parts of the hub (actors/live.py) without its doing."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from actors.words import Query, Rejected, Reply

KEPT_MAX = 128
KEPT_BYTES_MAX = 256_000
"""Of a feed: what a follower that fell behind gets without the entity being asked."""


class News(msgspec.Struct):
    """What happened: one piece per ``seq``, as a screen gets it, the last one ``seq``'s. With ``reset`` the entity
    does not know any more what came before ``seq``."""

    seq: int
    pieces: Sequence[bytes] = ()
    reset: bool = False


class Language(Protocol):
    """How the hub talks with entities that it knows nothing of."""

    def question(self, since: int) -> Query:
        """What happened after ``since``?"""
        ...

    def news(self, answer: bytes) -> News:
        """An entity's answer to it."""
        ...


class FanOut(Protocol):
    """Carries news between silos, and wishes for them. May lose, repeat and delay; never waits."""

    up: bool

    def subscribe(self, entity: str) -> None:
        """From now on tell the hub what is published of it, and its owner that it is wanted."""
        ...

    def unsubscribe(self, entity: str) -> None: ...

    def publish(self, entity: str, news: News) -> None:
        """To all silos that subscribed."""
        ...


class Submit(Protocol):
    """The router's."""

    def __call__(
        self,
        entity: str,
        word: Query,
        *,
        command_id: bytes,
        deadline: float,
        callback: Callable[[Reply], None],
    ) -> None: ...


class Followed(Protocol):
    """The host's part in it."""

    followed: set[str]
    on_departure: Callable[[str], None]


class Follower(Protocol):
    """One screen. ``seq`` is the newest it has been given; it is written by the hub."""

    seq: int
    ready: bool
    """False: it has not read what it was given. The hub keeps nothing for it; :meth:`Hub.resume` brings it all."""

    def tell(self, pieces: bytes) -> None:
        """The pieces that follow, as one."""
        ...

    def reset(self, seq: int) -> None:
        """It cannot be brought up to date piece by piece: ``seq`` is where to go on."""
        ...

    def gone(self, no: Rejected) -> None:
        """The entity says no for good."""
        ...


class Feed:
    """What this silo knows of one entity that is followed here, or that another silo wants to hear of."""

    __slots__ = (
        "again",
        "asking",
        "due",
        "entity",
        "failing",
        "followers",
        "fresh_at",
        "kept",
        "kept_bytes",
        "owner",
        "seq",
        "subscribed",
        "wanted_until",
    )

    def __init__(self, entity: str, seq: int) -> None:
        self.entity = entity
        self.seq = seq
        self.kept: deque[bytes] = deque()
        self.kept_bytes = 0
        self.followers: dict[Follower, None] = {}
        self.wanted_until = 0.0
        self.owner = ""
        self.subscribed = False
        self.asking = False
        self.again = False
        self.failing = False
        self.fresh_at = 0.0
        self.due = 0.0

    def keep(self, pieces: Sequence[bytes], seq: int) -> None:
        """Pieces that follow what is kept, the last one ``seq``'s."""
        self.seq = seq
        self.kept.extend(pieces)
        self.kept_bytes += sum(map(len, pieces))
        while self.kept and (len(self.kept) > KEPT_MAX or self.kept_bytes > KEPT_BYTES_MAX):
            self.kept_bytes -= len(self.kept.popleft())

    def forget(self, seq: int) -> None:
        """Nothing is known before ``seq``."""
        self.seq = seq
        self.kept.clear()
        self.kept_bytes = 0

    def after(self, seq: int) -> bytes | None:
        """All pieces after ``seq`` as one; None if some are not kept any more."""
        missed = self.seq - seq
        if missed > len(self.kept):
            return None
        return b"".join(itertools.islice(self.kept, len(self.kept) - missed, None))
