"""C3: a store knows who works in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.testing.kit import after
from brand.actor import StaffAccount
from brand.commands import ChangePassword, ChangeRoles, ChangeRolesAt, CreateAccount, DisableAccount
from brand.staff_list.actor import StaffList
from brand.staff_list.words import GetStaff, NoteAccount


def notes() -> dict[str, list[NoteAccount]]:
    """What an account says to each list in its life."""
    account = after(StaffAccount("li"))
    told: dict[str, list[NoteAccount]] = {}
    for command in (
        CreateAccount(password_hash="h", roles={"s1": ["waiter"]}, name="小李"),
        ChangePassword(password_hash="h2"),
        ChangeRoles(roles={"s1": ["waiter"], "*": ["manager"]}),
        ChangeRolesAt(at="s2", roles=["cook"]),
        ChangeRolesAt(at="s1", roles=[]),
        DisableAccount(),
    ):
        for send in account.when(command).sends:
            assert isinstance(send.command, NoteAccount)
            told.setdefault(send.to, []).append(send.command)
    return told


def test_C3_an_account_tells_every_store_it_was_ever_in() -> None:
    """Also the one that it has left; a password is nobody's business."""
    told = notes()

    assert {to: [note.roles for note in said] for to, said in told.items()} == {
        "staff-list/s1": [["waiter"], ["waiter"], ["waiter"], [], []],
        "staff-list/house": [["manager"]] * 4,
        "staff-list/s2": [["cook"]] * 3,
    }
    assert [note.disabled for note in told["staff-list/s2"]] == [False, False, True]


@given(st.permutations(range(5)), st.booleans())
def test_C3_the_newest_note_counts_in_whatever_order_they_come(order: list[int], twice: bool) -> None:
    """Messages overtake each other, and may come again."""
    said = notes()["staff-list/s1"]
    staff = after(StaffList("s1"))

    for place in [*order, *(order if twice else [])]:
        staff.when(said[place])

    assert staff.state.known["li"].epoch == said[-1].epoch
    assert staff.ask(GetStaff()).items == []


def test_C3_the_list_is_by_name_and_has_those_with_a_role() -> None:
    """Disabled ones too: somebody must be able to see that they are."""
    staff = after(StaffList("s1"))
    for name, roles in (("wang", ["cook"]), ("gone", []), ("li", ["waiter"])):
        staff.when(NoteAccount(username=name, name="", roles=roles, disabled=name == "wang", epoch=1))

    rows = staff.ask(GetStaff()).items

    assert [(row.username, row.disabled) for row in rows] == [("li", False), ("wang", True)]
