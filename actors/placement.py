"""Who owns which of the 1,024 shards: one document, changed only by compare-and-set on its version.

Rendezvous hashing proposes, the document decides. A move has three steps, each of which a successor can resume:
``next`` is named → the owner drains and sets ``released`` → the next owner takes. A dead owner (``ended`` in the
membership) needs no release. All functions here are pure.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec
import xxhash

SHARDS = 1024


@functools.lru_cache(maxsize=20 * SHARDS)
def shard_of(key: str) -> int:
    """The shard of ``kind/id``."""
    return int(xxhash.xxh64_intdigest(key.encode())) % SHARDS


def silo_name(address: str) -> str:
    """``silo-0#7`` → ``silo-0``: the same process, whatever its incarnation."""
    return address.partition("#")[0]


class Placement(msgspec.Struct, kw_only=True):
    """Owner, next owner ("" = none) and released flag of each shard; addresses are ``name#incarnation``."""

    version: int
    owner: list[str]
    next: list[str]
    released: list[bool]

    def owned_by(self, address: str) -> list[int]:
        return [shard for shard in range(SHARDS) if self.owner[shard] == address]

    def to_release(self, address: str) -> list[int]:
        """Shards that ``address`` still owns and must drain."""
        if not any(self.next):
            return []
        return [
            s for s in range(SHARDS) if self.owner[s] == address and self.next[s] and not self.released[s]
        ]

    def to_take(self, address: str) -> list[int]:
        """Shards that ``address`` may take now."""
        if address not in self.next:
            return []
        return [s for s in range(SHARDS) if self.next[s] == address and self.released[s]]


def empty() -> Placement:
    """Before the first silo: nobody owns anything, and nothing stands in the way of taking it."""
    return Placement(version=0, owner=[""] * SHARDS, next=[""] * SHARDS, released=[True] * SHARDS)


def best_owner(shard: int, living: Mapping[str, str]) -> str:
    """Rendezvous hashing over the seats (address → seat), so that whoever holds a seat gets its shards back."""
    return max(living, key=lambda address: (_weight(shard, living[address]), address), default="")


@functools.lru_cache(maxsize=64 * SHARDS)
def _weight(shard: int, seat: str) -> int:
    return int(xxhash.xxh64_intdigest(f"{seat}:{shard}".encode()))


def propose(placement: Placement, living: Mapping[str, str], known_ended: Iterable[str]) -> Placement | None:
    """The next version that brings every shard to its best living owner; None when nothing is to change.

    ``living`` are the silos that may own shards, with their seats (``membership.heirs``). An owner counts as gone
    only if it is in ``known_ended``: an owner that is in neither list keeps its shards (fail safe).
    """
    ended = set(known_ended)
    if not living:
        return None
    best = _best_owners(tuple(sorted(living.items())))
    if placement.owner == best and not any(placement.next):
        return None
    draft = copy(placement)
    for shard in range(SHARDS):
        _propose_shard(draft, shard, best[shard], ended)
    return _next_version(placement, draft)


@functools.lru_cache(maxsize=64)
def _best_owners(living: tuple[tuple[str, str], ...]) -> list[str]:
    seats = dict(living)
    return [best_owner(shard, seats) for shard in range(SHARDS)]


def _propose_shard(draft: Placement, shard: int, best: str, ended: set[str]) -> None:
    owner = draft.owner[shard]
    if owner == "" or owner in ended:
        draft.next[shard], draft.released[shard] = best, True
    elif owner == best and not draft.released[shard]:
        draft.next[shard] = ""
    elif draft.next[shard] != best:
        # A shard already released goes to whoever is best now, also back to its old owner: by taking it.
        draft.next[shard] = best


def release(placement: Placement, address: str, shards: Iterable[int]) -> Placement | None:
    """``address`` drained these shards; None when none of them was still to be released."""
    draft = copy(placement)
    for shard in shards:
        if draft.owner[shard] == address and draft.next[shard]:
            draft.released[shard] = True
    return _next_version(placement, draft)


def take(placement: Placement, address: str) -> Placement | None:
    """``address`` becomes the owner of all that waits for it; None when nothing does."""
    waiting = placement.to_take(address)
    if not waiting:
        return None
    draft = copy(placement)
    for shard in waiting:
        draft.owner[shard], draft.next[shard], draft.released[shard] = address, "", False
    return _next_version(placement, draft)


def inherit(
    placement: Placement, address: str, living: Mapping[str, str], known_ended: Iterable[str]
) -> Placement | None:
    """Propose, and take what then waits for ``address``: one version, so that a take-over is one write."""
    proposed = propose(placement, living, known_ended) or placement
    draft = take(proposed, address) if address in living else None
    return _next_version(placement, draft or proposed)


def copy(placement: Placement) -> Placement:
    return Placement(
        version=placement.version,
        owner=list(placement.owner),
        next=list(placement.next),
        released=list(placement.released),
    )


def _next_version(before: Placement, draft: Placement) -> Placement | None:
    if (before.owner, before.next, before.released) == (draft.owner, draft.next, draft.released):
        return None
    return msgspec.structs.replace(draft, version=before.version + 1)


class PlacementStore(Protocol):
    """Where the document lives. Both calls raise StoreUnreachable (actors.membership) in an outage."""

    async def read(self) -> Placement:
        """The current placement, as a majority has it; ``empty()`` before the first."""
        ...

    async def swap(self, placement: Placement) -> bool:
        """Majority write of version v if version v - 1 stands there; False if another was faster."""
        ...
