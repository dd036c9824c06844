"""Parts that sum to the whole: every split of money in the house is one of these (§ 0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar


class Sortable(Protocol):
    """What ties can be broken by."""

    def __lt__(self, other: Any, /) -> bool: ...


K = TypeVar("K", bound=Sortable)


def allocate(total_fen: int, weights: Mapping[K, int]) -> dict[K, int]:
    """Split an amount in proportion to weights by largest remainder; the parts sum to it exactly.

    Ties go to the smaller key, so that the order in which the parts are named changes nothing. Nothing but zeros as
    weights splits evenly. A negative amount is split like its opposite.

    Args:
        total_fen: what is split.
        weights: at least one, none below 0.
    """
    if total_fen < 0:
        return {key: -part for key, part in allocate(-total_fen, weights).items()}
    whole = sum(weights.values())
    if whole == 0:
        return allocate(total_fen, dict.fromkeys(weights, 1))
    parts = {key: total_fen * weight // whole for key, weight in weights.items()}
    over = total_fen - sum(parts.values())
    for key in sorted(weights, key=lambda key: (-(total_fen * weights[key] % whole), key))[:over]:
        parts[key] += 1
    return parts
