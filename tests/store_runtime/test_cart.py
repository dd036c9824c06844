"""T2–T4: the shared cart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from store_runtime.table_session.commands import (
    CART_LINES_MAX,
    GUESTS_MAX,
    Add,
    CallStaff,
    ChangeParty,
    DeclareAllergens,
    EditCart,
    JoinSession,
    LeaveSession,
    Reassign,
    SetNote,
    SubmitRound,
)
from store_runtime.table_session.known_ops import CONTENTS, OPS_KEPT_MAX, KnownOps, op_key
from store_runtime.table_session.rejections import (
    GuestLeft,
    PartyFixed,
    SessionFull,
    TableSessionNotFound,
)
from tests.store_runtime.tables import WAITER, add, edit, party, quantities, quote, remove, set_to


def test_T2_two_plus_one_are_plus_two() -> None:
    """Two guests who each add one duck have added two, on one line, each with their own."""
    table = party("ann", "bob")

    (first,) = edit(table, "ann", add("a1"))
    (second,) = edit(table, "bob", add("b1"))

    assert (first.status, second.status) == ("accepted", "accepted")
    assert first.line_id == second.line_id
    assert second.quantity == 2
    (line,) = table.state.cart.lines.values()
    assert line.counts == {"g1": 1, "g2": 1}


def test_T2_every_accepted_op_is_one_live_event_with_the_next_seq() -> None:
    """A phone that follows seq sees each change once."""
    table = party("ann")
    before = table.state.live.seq

    results = edit(
        table, "ann", add("a1"), add("a2", "tofu"), set_to("a3", 1, 3, before + 1), remove("a4", 2)
    )

    assert [one.status for one in results] == ["accepted"] * 4
    delta = table.state.live.since(before)
    assert [one.seq for one in delta.events] == [before + 1, before + 2, before + 3, before + 4]
    assert [one.type for one in delta.events] == ["line_added", "line_added", "line_changed", "line_removed"]


def test_T2_an_op_that_comes_twice_is_done_once() -> None:
    """The same op_id of the same phone is answered and not done again, alone or with others."""
    table = party("ann", "bob")
    edit(table, "ann", add("a1"))

    (again, fresh) = edit(table, "ann", add("a1"), add("a2"))
    (of_bob,) = edit(table, "bob", add("a1"))

    assert (again.status, fresh.status, of_bob.status) == ("accepted", "accepted", "accepted")
    assert quantities(table.state) == {"duck": 3}


def test_T2_an_op_that_was_done_is_answered_though_the_dish_is_gone_since() -> None:
    """A repeat after a lost answer hears what was done."""
    table = party("ann")
    edit(table, "ann", add("a1"))

    (again,) = edit(table, "ann", Add(op_id="a1", selection=add("x").selection, problem="dish_out"))

    assert again.status == "accepted"
    assert quantities(table.state) == {"duck": 1}


def test_D4_a_dish_that_is_out_is_refused_by_itself() -> None:
    """The other ops of the request are done."""
    table = party("ann")

    out, fine = edit(
        table, "ann", Add(op_id="a1", selection=add("x").selection, problem="dish_out"), add("a2", "tofu")
    )

    assert (out.status, out.code, fine.status) == ("rejected", "dish_out", "accepted")
    assert quantities(table.state) == {"tofu": 1}


def test_T3_only_author_host_or_staff_remove_a_line() -> None:
    """Another guest's line stays; the host's and the staff's word counts."""
    table = party("host", "ann", "bob")
    edit(table, "ann", add("a1"), add("a2", "tofu"), add("a3", "rice"))

    (no,) = edit(table, "bob", remove("b1", 1))
    (own,) = edit(table, "ann", remove("a4", 1))
    (of_host,) = edit(table, "host", remove("h1", 2))
    (of_staff,) = edit(table, WAITER, remove("w1", 3))

    assert (no.status, no.code, no.theirs) == ("rejected", "not_your_line", 1)
    assert [own.status, of_host.status, of_staff.status] == ["accepted"] * 3
    assert quantities(table.state) == {}


def test_T3_removing_takes_ones_own_part_of_a_shared_line() -> None:
    """Bob's duck stays when Ann removes hers."""
    table = party("host", "ann", "bob")
    edit(table, "ann", add("a1", quantity=2))
    edit(table, "bob", add("b1"))

    (result,) = edit(table, "ann", remove("a2", 1))

    assert (result.status, result.quantity) == ("accepted", 1)
    assert table.state.cart.lines[1].counts == {"g3": 1}


def test_T3_not_mine_is_reassigned_with_a_log() -> None:
    """「不是我点的」: it is somebody else's from then on, and the live event says who said so."""
    table = party("ann", "bob")
    edit(table, "ann", add("a1", quantity=2))

    (done,) = edit(table, "ann", Reassign(op_id="a2", line_id="ts1.l1", to="g2", quantity=1))
    (no,) = edit(table, "bob", Reassign(op_id="b1", line_id="ts1.l1", to="g2", guest_id="g1"))

    assert (done.status, no.code) == ("accepted", "not_your_line")
    assert table.state.cart.lines[1].counts == {"g1": 1, "g2": 1}
    assert table.state.live.kept[-1].data["by"] == "g1"


def test_T4_set_quantity_on_what_was_seen_sets_it() -> None:
    """Nobody has changed the line since: no merge."""
    table = party("ann")
    edit(table, "ann", add("a1"))

    (result,) = edit(table, "ann", set_to("a2", 1, 4, table.state.live.seq))

    assert (result.status, result.quantity, result.yours) == ("accepted", 4, None)


def test_T4_a_conflict_holds_both_values_and_the_merge() -> None:
    """Both saw 2; one set 3, the other 5: they meant one more and three more, so it is 6."""
    table = party("ann", "bob")
    edit(table, "ann", add("a1", quantity=2))
    seen = table.state.live.seq
    edit(table, "ann", set_to("a2", 1, 3, seen))

    (merged,) = edit(table, "bob", set_to("b1", 1, 5, seen))

    assert (merged.status, merged.yours, merged.theirs, merged.quantity) == ("merged", 5, 3, 6)
    assert table.state.cart.lines[1].counts == {"g1": 3, "g2": 3}


def test_T4_a_revision_from_the_future_or_long_ago_is_refused() -> None:
    """Nobody can have seen it, or nobody knows any more what it was."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    old = table.state.live.seq
    for number in range(20):
        edit(table, "ann", add(f"m{number}"))

    (future,) = edit(table, "ann", set_to("a2", 1, 1, table.state.live.seq + 1))
    (past,) = edit(table, "ann", set_to("a3", 1, 1, old))

    assert (future.code, past.code) == ("revision_unknown", "revision_too_old")
    assert past.theirs == 21


def test_T4_removing_what_is_gone_is_accepted() -> None:
    """Two who both remove a line want the same."""
    table = party("ann", "bob")
    edit(table, "ann", add("a1"))
    edit(table, "ann", remove("a2", 1))

    (again,) = edit(table, "bob", remove("b1", 1))
    (never,) = edit(table, "bob", remove("b2", 7))

    assert (again.status, again.quantity) == ("accepted", 0)
    assert (never.status, never.code) == ("rejected", "line_not_found")


def test_T2_limits_are_rejections_of_one_op() -> None:
    """A million ducks are refused, and the tofu of the same request is not."""
    table = party("ann")

    million, nothing, tofu = edit(
        table, "ann", add("a1", quantity=10**6), add("a2", quantity=0), add("a3", "tofu", 999)
    )
    (one_more,) = edit(table, "ann", add("a4", "tofu"))

    assert [million.code, nothing.code, tofu.status] == ["quantity_limit", "quantity_limit", "accepted"]
    assert (one_more.status, one_more.code, one_more.theirs) == ("rejected", "quantity_limit", 999)


def test_T2_another_note_is_another_line() -> None:
    """Less spicy is cooked apart."""
    table = party("ann")

    edit(table, "ann", add("a1"), add("a2", note="少辣"))
    (noted,) = edit(table, "ann", SetNote(op_id="a3", line_id="ts1.l1", note="不要葱"))

    assert noted.status == "accepted"
    assert [line.note for line in table.state.cart.lines.values()] == ["不要葱", "少辣"]


def test_T1_a_stranger_finds_no_session() -> None:
    """Whoever has not joined cannot even see that it exists."""
    table = party("ann")

    outcome = table.when(EditCart(ops=(add("x"),), user_id="eve"))

    assert outcome.rejection == TableSessionNotFound()


def test_D7_whoever_adds_a_clashing_dish_is_warned_without_a_name() -> None:
    """Bob must not eat peanuts; Ann hears that somebody must not."""
    table = party("ann", "bob")
    table.when(DeclareAllergens(user_id="bob", allergens=("peanut",)))

    (warned,) = edit(table, "ann", add("a1", quote=quote("duck", allergens=("peanut", "soy"))))

    assert (warned.status, warned.clashes) == ("accepted", ("peanut",))
    assert "peanut" not in str([one.data for one in table.state.live.kept[:-1]])


def test_T2_a_cart_and_a_table_have_bounds() -> None:
    """A hundred lines and fifty guests; the next is refused by its name."""
    table = party("ann", thorough=False)
    for number in range(CART_LINES_MAX):
        edit(table, "ann", add(f"a{number}", note=f"{number}"))
    for number in range(GUESTS_MAX - 1):
        assert table.when(JoinSession(user_id=f"u{number}")).accepted

    (full,) = edit(table, "ann", add("more", note="one more"))
    (same,) = edit(table, "ann", add("again", note="0"))
    late = table.when(JoinSession(user_id="late"))

    assert (full.code, same.status) == ("cart_full", "accepted")
    assert late.rejection == SessionFull(guests_max=GUESTS_MAX)


def test_T2_ops_of_an_hour_are_remembered_and_no_more_than_fit() -> None:
    """Nothing is forgotten to make room: a new op is refused until old ones are an hour old."""
    table = party("ann", thorough=False)
    for number in range(OPS_KEPT_MAX):
        kind = SetNote(op_id=f"n{number}", line_id="ts1.l1", note=f"{number}")
        edit(table, "ann", add("a1") if not number else kind)

    (full,) = edit(table, "ann", add("more"))
    (known,) = edit(table, "ann", add("a1"))
    table.at += 3_601_000
    (room,) = edit(table, "ann", add("more"))

    assert (full.code, known.status, room.status) == ("too_many_ops", "accepted", "accepted")
    assert quantities(table.state) == {"duck": 2}


def test_T3_a_guest_who_left_changes_and_orders_nothing_until_back() -> None:
    """Their token is still good for reading and paying, and for the cart once they scanned again."""
    table = party("ann", "bob")
    edit(table, "bob", add("b1"))
    table.when(LeaveSession(user_id="bob"))
    seen = table.state.live.seq

    refused = [
        table.when(command).rejection
        for command in (
            EditCart(ops=(add("b2"),), user_id="bob"),
            SubmitRound(seen_seq=seen, user_id="bob"),
            ChangeParty(party_size=3, user_id="bob"),
            DeclareAllergens(allergens=("peanut",), user_id="bob"),
            CallStaff(kind="water", user_id="bob"),
        )
    ]
    table.when(JoinSession(user_id="bob"))
    (back,) = edit(table, "bob", add("b3"))

    assert refused == [GuestLeft()] * 5
    assert (back.status, quantities(table.state)) == ("accepted", {"duck": 2})


def test_T10_a_guest_who_says_how_many_they_are_after_a_round_hears_that_staff_say_it() -> None:
    """Before that everybody may; then it is the staff's, also for the host."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    before = table.when(ChangeParty(party_size=3, user_id="ann"))
    assert table.when(SubmitRound(seen_seq=table.state.live.seq, user_id="ann")).accepted

    of_host = table.when(ChangeParty(party_size=4, user_id="ann"))
    of_staff = table.when(ChangeParty(party_size=5, by=WAITER))

    assert (before.accepted, of_host.rejection, of_staff.accepted) == (True, PartyFixed(), True)
    assert table.state.party_size == 5


def test_T2_an_op_id_that_comes_again_with_something_else_is_refused() -> None:
    """In the same request and in a later one; a repeat is answered, also one whose content nobody knows."""
    table = party("ann")
    edit(table, "ann", add("a1", content=7))

    first, other = edit(table, "ann", add("a2", "tofu", content=8), add("a2", "rice", content=9))
    again, unknown, later = edit(
        table,
        "ann",
        add("a1", content=7),
        add("a1"),
        SetNote(op_id="a1", line_id="ts1.l1", note="x", content=9),
    )

    assert (first.status, other.code, later.code) == ("accepted", "op_id_reused", "op_id_reused")
    assert (again.status, unknown.status) == ("accepted", "accepted")
    assert quantities(table.state) == {"duck": 1, "tofu": 1}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF), st.sampled_from(["accepted", "merged"]), st.integers(0, CONTENTS - 1)
        ),
        max_size=30,
    )
)
def test_T2_what_is_known_of_an_op_is_kept_in_sixteen_bytes(ops: list[tuple[int, str, int]]) -> None:
    """Line, status and content are told as they were noted, for every op."""
    known = KnownOps()
    for number, (line, status, content) in enumerate(ops):
        known.add(op_key("g1", str(number)), 1_000, line, status, content)

    assert len(known.rows) == 16 * len(ops)
    assert [known.find(op_key("g1", str(number))) for number in range(len(ops))] == ops
