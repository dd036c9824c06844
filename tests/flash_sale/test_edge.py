"""F9: sold out is said at the edge for a moment, and never to somebody who was given something."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from actors.testing.kit import NOON
from actors.words import Accepted, Query, Rejected, Reply, Unserved
from flash_sale.commands import Claim, GetSale, GetSoldOut, ReleaseClaim
from flash_sale.edge import BITS_MIN, BITS_PER_CLAIM, HASH_BYTES, NOTICE_S, RENEW_S, Edge, user_hash
from flash_sale.projections import SoldOutNotice
from flash_sale.rejections import SoldOut
from flash_sale.state import REOPEN_MS
from tests.flash_sale.builders import claim, sale

SOLD_OUT = Rejected("sold_out", 409, "", "", {}, 1)


class Owner:
    """Stands for the sale's silo: keeps the questions until a test answers them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.questions: list[tuple[GetSoldOut, Callable[[Reply], None]]] = []
        self.edge = Edge(self._ask, lambda: self.now, lambda no: no)

    def _ask(self, entity: str, query: Query, told: Callable[[Reply], None]) -> None:
        assert entity == "flash-sale/f1"
        assert isinstance(query, GetSoldOut)
        self.questions.append((query, told))

    def says(
        self, users: list[str], *, claims: int | None = None, sold_out: bool = True, valid_ms: int = 60_000
    ) -> None:
        """The answer to the oldest question; ``users`` are those after its ``after``."""
        query, told = self.questions.pop(0)
        notice = SoldOutNotice(
            sold_out=sold_out,
            left=0,
            waiting=0,
            per_user_limit=2,
            valid_ms=valid_ms,
            claims=query.after + len(users) if claims is None else claims,
            after=query.after,
            users=b"".join(map(user_hash, users)),
        )
        told(Accepted(msgspec.msgpack.encode(notice), 7))

    def refuses(self, user_id: str, quantity: int = 1) -> bool:
        return self.edge.refusal("f1", user_id, quantity) is not None


@pytest.fixture
def owner() -> Owner:
    """An edge that has heard its first sold out, and asked."""
    owner = Owner()
    owner.edge.replied("f1", SOLD_OUT)
    return owner


def test_F9_the_first_sold_out_makes_the_edge_ask(owner: Owner) -> None:
    """Until the notice is there the owner decides; then strangers are told at once."""
    assert not owner.refuses("stranger")
    assert len(owner.questions) == 1

    owner.says(["buyer"])

    assert owner.edge.refusal("f1", "stranger", 1) == SoldOut(left=0, waiting=0)
    assert owner.edge.refused == 1


def test_F9_whoever_claimed_is_asked_about_at_the_owner(owner: Owner) -> None:
    """Their key may be a repeat (F5), their limit another no."""
    owner.says(["buyer", "another"])

    assert not owner.refuses("buyer")
    assert not owner.refuses("another")
    assert not owner.refuses(
        "stranger", quantity=3
    )  # above the limit per diner: the owner says limit_reached
    assert owner.refuses("stranger", quantity=2)


def test_F9_a_notice_counts_from_when_it_was_asked_for(owner: Owner) -> None:
    """An answer that was long on its way is old when it comes."""
    owner.now += NOTICE_S * 0.75
    owner.says([])
    assert owner.refuses("stranger")

    owner.now += NOTICE_S * 0.26
    assert not owner.refuses("stranger")


def test_F9_no_notice_outlives_what_the_sale_allows(owner: Owner) -> None:
    """The sale knows when a hold runs out."""
    owner.says([], valid_ms=10)
    owner.now += 0.009
    assert owner.refuses("stranger")
    owner.now += 0.002

    assert not owner.refuses("stranger")


def test_F9_traffic_renews_a_notice_with_one_question_at_a_time(owner: Owner) -> None:
    """From RENEW_S on the next claim asks; further ones do not."""
    owner.says(["buyer"])
    owner.now += RENEW_S

    assert [owner.refuses("stranger") for _ in "123"] == [True] * 3
    assert [query.after for query, _ in owner.questions] == [1]
    owner.says(["later"])

    owner.now += NOTICE_S - 0.001
    assert owner.refuses("stranger")
    assert not owner.refuses("later")


def test_F9_a_sale_that_is_open_again_is_heard_of(owner: Owner) -> None:
    """The next notice says so, and claims go to the owner."""
    owner.says([])
    owner.now += RENEW_S
    assert owner.refuses("stranger")

    owner.says([], sold_out=False)

    assert not owner.refuses("stranger")


@pytest.mark.parametrize(
    "reply", [Unserved("unavailable", ""), Rejected("flash_sale_not_found", 404, "", "", {}, 0)]
)
def test_F9_without_a_notice_the_owner_decides(owner: Owner, reply: Reply) -> None:
    """An outage ends what was said before."""
    owner.says([])
    owner.now += RENEW_S
    assert owner.refuses("stranger")
    owner.questions.pop()[1](reply)

    assert not owner.refuses("stranger")


def test_F9_all_claims_must_be_known_before_the_edge_speaks(owner: Owner) -> None:
    """A notice that names only some of the diners is not enough; the rest is asked for."""
    owner.says(["a", "b"], claims=3)
    assert not owner.refuses("stranger")
    owner.now += RENEW_S
    assert not owner.refuses("stranger")
    assert owner.questions[0][0].after == 2

    owner.says(["c"])

    assert owner.refuses("stranger")
    assert not owner.refuses("a")


def test_F9_a_sale_that_outgrows_its_bits_is_asked_from_the_beginning(owner: Owner) -> None:
    """The bits forget; the edge says nothing before it knows everybody again."""
    owner.says(["a"])
    owner.now += RENEW_S
    assert owner.refuses("stranger")
    many = BITS_MIN // BITS_PER_CLAIM + 10

    owner.says(["b"], claims=many)

    assert not owner.refuses("stranger")
    owner.now += RENEW_S
    assert not owner.refuses("stranger")
    assert owner.questions[0][0].after == 0
    owner.says([f"u{number}" for number in range(many)])
    assert not any(owner.refuses(f"u{number}") for number in range(many))
    strangers = [owner.refuses(f"s{number}") for number in range(1_000)]
    assert sum(strangers) > 900


@forall(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=50), st.integers(0, 50))
def test_F9_nobody_who_claimed_is_ever_refused_at_the_edge(users: list[str], cut: int) -> None:
    """Whatever their names, in whatever portions they are heard of."""
    owner = Owner()
    owner.edge.replied("f1", SOLD_OUT)
    owner.says(users[:cut], claims=len(users))
    owner.now += RENEW_S
    owner.refuses("stranger")
    if owner.questions:
        owner.says(users[owner.questions[0][0].after :])

    assert not any(owner.refuses(user) for user in users)


# --- the sale's side -------------------------------------------------------------------------------------------


def notice(given: object, after: int = 0, at: int | None = None) -> SoldOutNotice:
    """What the sale says."""
    answer = given.ask(GetSoldOut(after=after), at)  # type: ignore[attr-defined]
    assert isinstance(answer, SoldOutNotice)
    return answer


def test_F9_the_sale_says_sold_out_and_who_has_claimed() -> None:
    """Nothing left: strangers may be refused; the diners are named from where the edge stands."""
    given = sale(stock=2)
    claim(given, "guest-1")
    assert not notice(given).sold_out
    claim(given, "guest-2")

    said = notice(given, after=1)

    assert (said.sold_out, said.claims, said.left) == (True, 2, 0)
    assert said.users == user_hash("guest-2")
    assert len(notice(given).users) == 2 * HASH_BYTES


def test_F9_what_is_given_back_is_held_back_until_every_notice_has_run_out() -> None:
    """For REOPEN_MS it is for those who wait only; the sale is still shown as sold out."""
    given = sale(stock=1)
    held = claim(given, "guest-1")
    given.when(ReleaseClaim(claim_id=held, user_id="guest-1"))
    back = given.at

    early = given.when(Claim(user_id="guest-2", quantity=1), back + REOPEN_MS - 1)
    shown = given.ask(GetSale())

    assert early.rejection == SoldOut(left=1, waiting=0)
    assert (shown.phase, shown.left) == ("sold_out", 1)
    assert notice(given).sold_out
    assert given.when(Claim(user_id="guest-2", quantity=1), back + REOPEN_MS).accepted
    assert REOPEN_MS > NOTICE_S * 1_000


def test_F9_no_notice_outlives_the_time_of_what_is_held_back() -> None:
    """Given stock that was given back, when a notice is asked for meanwhile, then it runs out when the stock is free:
    asked for later than the giving back, it would else last longer than that.
    """
    given = sale(stock=1)
    held = claim(given, "guest-1")
    given.when(ReleaseClaim(claim_id=held, user_id="guest-1"))
    back = given.at

    assert notice(given, at=back + REOPEN_MS - 10).valid_ms == 10
    assert not notice(given, at=back + REOPEN_MS).sold_out


def test_F9_a_claim_that_waits_takes_what_is_held_back() -> None:
    """The edge never refuses a claim that waits, so nothing need be kept from it."""
    given = sale(stock=1)
    held = claim(given, "guest-1")
    given.when(ReleaseClaim(claim_id=held, user_id="guest-1"))

    outcome = given.when(Claim(user_id="guest-2", quantity=1, wait=True))

    assert outcome.reply.status == "held"


def test_F9_no_notice_is_given_beyond_the_next_deadline() -> None:
    """A hold that runs out is free by the clock, without delay (F7)."""
    given = sale(stock=1)
    claim(given, "guest-1")
    deadline = given.deadline
    assert deadline is not None

    before = notice(given, at=deadline - 30)
    after = notice(given, at=deadline)

    assert (before.sold_out, before.valid_ms) == (True, 30)
    assert not after.sold_out
    assert given.when(Claim(user_id="guest-2", quantity=1), deadline).accepted


def test_F9_stock_that_was_never_gone_is_not_held_back() -> None:
    """A return to a sale that is open opens nothing."""
    given = sale(stock=2)
    held = claim(given, "guest-1", at=NOON + 1_000)
    given.when(ReleaseClaim(claim_id=held, user_id="guest-1"))

    assert given.when(Claim(user_id="guest-2", quantity=2)).accepted
