"""Placement under any order of births, deaths and hand-overs: one owner, little movement, and it comes to rest."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.placement import SHARDS, Placement, best_owner, empty, propose, release, shard_of, silo_name, take


def seats(*living: str) -> dict[str, str]:
    """Each silo on its own seat."""
    return {address: silo_name(address) for address in living}


def settle(placement: Placement, living: list[str], ended: list[str]) -> Placement:
    """Everybody does what is his to do until nothing changes."""
    for _ in range(50):
        before = placement.version
        placement = propose(placement, seats(*living), ended) or placement
        for silo in living:
            mine = placement.to_release(silo)
            placement = release(placement, silo, mine) or placement
            placement = take(placement, silo) or placement
        if placement.version == before:
            return placement
    raise AssertionError("the placement does not come to rest")


def test_an_empty_cluster_is_taken_whole_and_evenly() -> None:
    """Two silos share 1,024 shards within a tenth."""
    placement = settle(empty(), ["a#1", "b#1"], [])

    assert set(placement.owner) == {"a#1", "b#1"}
    assert abs(len(placement.owned_by("a#1")) - SHARDS // 2) < SHARDS // 10


def test_pitfall_6_a_move_waits_for_the_owners_release() -> None:
    """Named next is not owner; only a release, or the owner's end, lets the next one take."""
    one = settle(empty(), ["a#1"], [])
    moving = propose(one, seats("a#1", "b#1"), [])
    assert moving is not None
    assert take(moving, "b#1") is None
    leaving = moving.to_release("a#1")

    released = release(moving, "a#1", leaving)
    assert released is not None
    taken = take(released, "b#1")
    assert taken is not None
    assert taken.owned_by("b#1") == leaving


def test_pitfall_9_a_dead_owner_and_a_dead_heir_hold_nothing_up() -> None:
    """Whoever dies in the middle of a hand-over, the next proposal goes round it."""
    one = settle(empty(), ["a#1"], [])
    moving = propose(one, seats("a#1", "b#1"), [])
    assert moving is not None
    released = release(moving, "a#1", moving.to_release("a#1"))
    assert released is not None

    heir_dead = settle(released, ["a#1"], ["b#1"])
    assert heir_dead.owned_by("a#1") == list(range(SHARDS))
    owner_dead = settle(moving, ["b#1"], ["a#1"])
    assert owner_dead.owned_by("b#1") == list(range(SHARDS))


def test_who_is_not_known_to_have_ended_keeps_its_shards() -> None:
    """A silo that registered after the members were read is not taken for dead."""
    one = settle(empty(), ["a#1"], [])
    draft = propose(one, seats("b#1"), [])

    assert draft is not None
    assert take(draft, "b#1") is None


def test_a_restarted_silo_gets_its_own_shards_back() -> None:
    """The hash is over names, not incarnations."""
    first = settle(empty(), ["a#1", "b#1"], [])
    alone = settle(first, ["b#1"], ["a#1"])
    back = settle(alone, ["a#2", "b#1"], ["a#1"])

    assert back.owned_by("a#2") == first.owned_by("a#1")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=12))
def test_any_order_of_births_and_deaths_comes_to_rest_with_one_living_owner_each(toggles: list[str]) -> None:
    """Toggle silos; afterwards every shard is owned by its best living silo."""
    living: dict[str, int] = {"a": 1}
    incarnations = {"a": 1}
    ended: list[str] = []
    placement = settle(empty(), ["a#1"], [])
    for name in toggles:
        if name in living and len(living) > 1:
            ended.append(f"{name}#{living.pop(name)}")
        elif name not in living:
            incarnations[name] = incarnations.get(name, 0) + 1
            living[name] = incarnations[name]
        addresses = [f"{silo}#{number}" for silo, number in sorted(living.items())]
        placement = settle(placement, addresses, ended)
        assert placement.owner == [best_owner(shard, seats(*addresses)) for shard in range(SHARDS)]
        assert not any(placement.next)


@given(st.text(min_size=1, max_size=60))
def test_a_shard_is_within_bounds(key: str) -> None:
    """Of any key."""
    assert 0 <= shard_of(key) < SHARDS
