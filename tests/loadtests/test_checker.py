"""The checker says no to what cannot be, shows where, and never accuses a correct sale."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.checker import SaleRules, StoreView, check
from loadtests.history import Attempt, read_history, write_history

TWO_LEFT = SaleRules(stock=2, per_user_limit=2)


def held(
    claim_id: str, key: str = "", *, at: float = 10, quantity: int = 1, user: str = "", **body: Any
) -> Attempt:
    """An acknowledged claim of its own user that took 2 ms and was answered ``at``."""
    answer = {"claim_id": claim_id, "status": "held", "quantity": quantity, **body}
    return Attempt(
        key=key or f"key-of-{claim_id}",
        user=user or f"user-of-{claim_id}",
        quantity=quantity,
        sent_at=at - 2,
        answered_at=at,
        status=201,
        body=answer,
    )


def refused(
    key: str, code: str = "sold_out", *, at: float = 10, user: str = "", quantity: int = 1
) -> Attempt:
    """A definite no."""
    return Attempt(
        key=key,
        user=user or "user",
        quantity=quantity,
        sent_at=at - 2,
        answered_at=at,
        status=409,
        body={"code": code},
    )


def broken(key: str, *, at: float = 10, user: str = "user") -> Attempt:
    """A claim whose connection broke."""
    return Attempt(key=key, user=user, sent_at=at)


def released(claim_id: str, *, at: float) -> Attempt:
    """A hold given back, confirmed ``at``."""
    return Attempt(
        act="release", key=f"back-{claim_id}", claim_id=claim_id, sent_at=at - 2, answered_at=at, status=200
    )


def test_F1_exactly_the_stock_is_a_yes() -> None:
    """Two holds of two and a sold-out are one possible history."""
    verdict = check([held("a"), held("b", at=20), refused("late", at=30)], TWO_LEFT)

    assert verdict.answer == "yes"
    assert (verdict.acknowledged, verdict.unresolved) == (2, 0)


def test_F1_one_hold_too_many_is_a_no_and_shown() -> None:
    """The yes that crosses the stock is the first bad operation, whatever the order of the log."""
    too_much = held("c", at=30)

    verdict = check([too_much, held("a", at=10), held("b", at=20), held("d", at=40)], TWO_LEFT)

    assert (verdict.answer, verdict.rule, verdict.operation) == ("no", "within stock", too_much)


def test_F1_quantities_count_and_not_claims() -> None:
    """One claim of three is beyond a stock of two."""
    verdict = check([held("a", quantity=3)], SaleRules(stock=2))

    assert (verdict.answer, verdict.rule) == ("no", "within stock")


def test_F1_a_returned_hold_may_be_held_again() -> None:
    """What was given back may be given out once more, and not twice."""
    log = [held("a", at=10), held("b", at=20), released("a", at=30), held("c", at=40)]

    assert check(log, TWO_LEFT).answer == "yes"
    assert check([*log, held("d", at=50)], TWO_LEFT).rule == "within stock"


def test_F1_an_expired_hold_may_be_held_again() -> None:
    """From the expiry it showed a hold no longer counts as surely held."""
    early = held("a", at=10, expires_at="1970-01-01T00:00:00.025+00:00")

    assert check([early, held("b", at=20), held("c", at=30)], TWO_LEFT).answer == "yes"
    assert check([early, held("b", at=20), held("c", at=24)], TWO_LEFT).rule == "within stock"


def test_F2_one_users_share_is_limited() -> None:
    """A third hold of one user breaks a limit of two, though stock is left."""
    log = [held(claim_id, user="greedy", at=at) for claim_id, at in (("a", 10), ("b", 20), ("c", 30))]

    verdict = check(log, SaleRules(stock=9, per_user_limit=2))

    assert (verdict.answer, verdict.rule, verdict.operation) == ("no", "within limit", log[2])


def test_F5_a_retry_with_the_same_answer_is_a_yes() -> None:
    """A broken try, a 503 and twice the same hold are what a patient client should see."""
    busy = Attempt(key="k", user="u", sent_at=3, answered_at=4, status=503, body={"code": "in_doubt"})
    log = [
        broken("k", at=1, user="u"),
        busy,
        held("a", "k", user="u", at=10),
        held("a", "k", user="u", at=20),
    ]

    assert check(log, TWO_LEFT).answer == "yes"


@pytest.mark.parametrize("other", [{"claim_id": "b"}, {"claim_id": "a", "position": 9}])
def test_F5_one_key_with_two_answers_is_a_no(other: dict[str, Any]) -> None:
    """Another claim or another position for the same key is a second claim."""
    second = held(other["claim_id"], "k", user="u", at=20, position=other.get("position", 1))

    verdict = check([held("a", "k", user="u", at=10, position=1), second], TWO_LEFT)

    assert (verdict.answer, verdict.rule, verdict.operation) == ("no", "same key same answer", second)


def test_F5_a_no_after_the_yes_is_a_no() -> None:
    """A key that holds a claim cannot hear "sold out" later; before the yes it may."""
    yes, no = held("a", "k", user="u", at=20), refused("k", user="u", at=30)

    assert (
        check([held("b", at=8), held("c", at=9), yes, no], SaleRules(stock=3)).rule == "same key same answer"
    )
    assert check([refused("k", "not_started", user="u", at=10), yes], TWO_LEFT).answer == "yes"


def test_F5_keys_belong_to_their_user() -> None:
    """The same key of two users is two claims."""
    assert check([held("a", "k", user="u"), held("b", "k", user="v", at=20)], TWO_LEFT).answer == "yes"


def test_F5_another_quantity_under_a_used_key_may_only_be_refused() -> None:
    """422 is right for a changed body and a bug for an unchanged one."""
    first = held("a", "k", user="u", at=10)
    changed = Attempt(
        key="k",
        user="u",
        quantity=2,
        sent_at=12,
        answered_at=14,
        status=422,
        body={"code": "idempotency_key_reused"},
    )
    unchanged = Attempt(key="k", user="u", sent_at=12, answered_at=14, status=422, body=changed.body)

    assert check([first, changed], TWO_LEFT).answer == "yes"
    assert check([first, unchanged], TWO_LEFT).rule == "documented status"


def test_F3_one_claim_for_two_keys_is_a_no() -> None:
    """A doubled claim id means that somebody's claim is not theirs."""
    second = held("a", "other", user="v", at=20)

    verdict = check([held("a", "k", user="u"), second], TWO_LEFT)

    assert (verdict.answer, verdict.rule, verdict.operation) == ("no", "one key per claim", second)


def test_F3_an_acknowledged_claim_that_the_store_lost_is_a_no() -> None:
    """A yes must survive; the claim that did not is shown."""
    lost = held("b", at=20)

    verdict = check([held("a"), lost], TWO_LEFT, StoreView(left=0, claims={"a": "held", "b": None}))

    assert (verdict.answer, verdict.rule, verdict.operation) == ("no", "nothing lost", lost)


@pytest.mark.parametrize(("left", "answer"), [(0, "yes"), (1, "yes"), (2, "no"), (-1, "no")])
def test_F3_the_stores_count_must_fit_what_was_acknowledged(left: int, answer: str) -> None:
    """One hold is sure and one claim is open: one or two of two may be gone, not none and not three."""
    verdict = check([held("a"), broken("k", at=20)], TWO_LEFT, StoreView(left=left))

    assert verdict.answer == answer
    assert verdict.rule == ("count agrees" if answer == "no" else "")


def test_F3_a_store_that_counts_more_than_was_asked_for_is_a_no() -> None:
    """Stock that nobody asked for must not vanish."""
    verdict = check([held("a"), refused("k", "limit_reached", at=20)], TWO_LEFT, StoreView(left=0))

    assert (verdict.answer, verdict.rule) == ("no", "count agrees")


def test_F12_positions_are_unique_and_follow_the_order_of_time() -> None:
    """A claim that began after another's answer cannot stand before it; concurrent ones may swap."""
    first, late = held("a", at=10, position=2), held("b", at=20, position=1)
    meanwhile = held("b", at=11, position=1)

    assert check([first, meanwhile], TWO_LEFT).answer == "yes"
    assert check([first, late], TWO_LEFT).operation == late
    assert check([first, held("b", at=20, position=2)], TWO_LEFT).rule == "position in order"


def test_a_false_sold_out_is_a_no() -> None:
    """Sold out cannot be said while at most one of two may be held."""
    no = refused("k", at=20)

    verdict = check([held("a"), no], TWO_LEFT)

    assert (verdict.answer, verdict.rule, verdict.operation) == ("no", "no false sold out", no)


def test_a_sold_out_that_an_open_claim_explains_is_not_accused() -> None:
    """The broken try may have taken the last one, so the history is only unknown until the store is asked."""
    log = [held("a"), broken("open", at=15), refused("k", at=20)]

    assert check(log, TWO_LEFT).answer == "unknown"
    assert check(log, TWO_LEFT, StoreView(left=0)).answer == "yes"


def test_F9_sold_out_may_linger_for_a_moment_after_a_return() -> None:
    """The edge has 100 ms to open again, then sold out is false."""
    log = [held("a", at=10), held("b", at=20), released("a", at=30)]

    assert check([*log, refused("soon", at=129)], TWO_LEFT).answer == "yes"
    assert check([*log, refused("late", at=140)], TWO_LEFT).rule == "no false sold out"


def test_a_quantity_that_does_not_fit_may_be_refused() -> None:
    """Two of one left is sold out for that claim."""
    assert check([held("a"), refused("k", at=20, quantity=2)], TWO_LEFT).answer == "yes"


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502])
def test_an_undocumented_status_is_a_no(status: int) -> None:
    """A server error in a storm is a bug, not weather."""
    odd = Attempt(key="k", user="u", sent_at=1, answered_at=2, status=status)

    assert check([held("a"), odd], TWO_LEFT).operation == odd


def test_a_yes_without_a_claim_or_with_another_quantity_is_a_no() -> None:
    """A yes must say what was given."""
    empty = Attempt(key="k", user="u", sent_at=1, answered_at=2, status=201)
    more = held("a", quantity=1)
    more.body["quantity"] = 2

    assert check([empty], TWO_LEFT).rule == "whole answer"
    assert check([more], TWO_LEFT).rule == "whole answer"


def test_a_storm_without_a_single_yes_proves_nothing() -> None:
    """Unknown is not yes."""
    assert check([], TWO_LEFT).answer == "unknown"
    assert check([broken("k")], TWO_LEFT, StoreView(left=2)).answer == "unknown"


def test_the_earliest_of_several_violations_is_shown() -> None:
    """The first bad operation, not the first rule."""
    odd = Attempt(key="odd", user="u", sent_at=30, answered_at=31, status=500)
    doubled = held("a", "other", user="v", at=20)

    assert check([odd, held("a"), doubled], TWO_LEFT).operation == doubled


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    """What is kept for a later look is what was seen."""
    log = [held("a", position=1), broken("k"), refused("no"), released("a", at=50)]

    write_history(tmp_path / "log.jsonl", log)

    assert read_history(tmp_path / "log.jsonl") == log


class NaiveSale:
    """A correct sale in a few lines, asked from many clients at once with answers that get lost.

    Each attempt is decided at one moment between its sending and its answer, in the order of these moments.
    ``bug`` breaks one thing.
    """

    def __init__(self, seed: int, stock: int, bug: str = "") -> None:
        self.random = random.Random(seed)
        self.stock, self.left, self.bug = stock, stock, bug
        self.by_key: dict[str, dict[str, Any]] = {}
        self.quantity_of: dict[str, int] = {}

    def run(self, attempts: int) -> list[Attempt]:
        waiting: list[tuple[float, float, str, str]] = []
        for number in range(attempts):
            sent_at = self.random.uniform(0, 1000)
            # The same key comes again and again; the answer a client waited for may still be on its way.
            key = f"key-{self.random.randrange(max(1, attempts // 2))}"
            decided_at = sent_at + self.random.uniform(0, 50)
            waiting.append((decided_at, sent_at, key, f"claim-{number}"))
        return [self._decide(*one) for one in sorted(waiting)]

    def _decide(self, decided_at: float, sent_at: float, key: str, claim_id: str) -> Attempt:
        quantity = 1 + len(key) % 2
        status, body = self._claim(key, claim_id, quantity)
        lost = self.random.random() < 0.15
        return Attempt(
            key=key,
            user=key,
            quantity=quantity,
            sent_at=sent_at,
            answered_at=None if lost else decided_at + self.random.uniform(0, 50),
            status=None if lost else status,
            body={} if lost else body,
        )

    def _claim(self, key: str, claim_id: str, quantity: int) -> tuple[int, dict[str, Any]]:
        if key in self.by_key and self.bug != "forgets keys":
            return 201, self.by_key[key]
        if self.left < quantity and self.bug != "oversells":
            return 409, {"code": "sold_out"}
        if self.bug == "false no" and self.left <= self.stock // 2:
            return 409, {"code": "sold_out"}
        self.left -= quantity
        position = len(self.quantity_of) + 1
        self.quantity_of[claim_id] = quantity
        self.by_key[key] = {
            "claim_id": claim_id,
            "status": "held",
            "quantity": quantity,
            "position": position,
        }
        return 201, self.by_key[key]

    def view(self) -> StoreView:
        """What the store says at the end."""
        return StoreView(left=self.left, claims=dict.fromkeys(self.quantity_of, "held"))


@given(seed=st.integers(0, 2**32), stock=st.integers(1, 40), attempts=st.integers(1, 120))
def test_a_correct_sale_is_never_accused(seed: int, stock: int, attempts: int) -> None:
    """Whatever overlaps, gets lost and is asked again: no "no" for a sale that keeps the rules."""
    sale = NaiveSale(seed, stock)
    log = sale.run(attempts)

    assert check(log, SaleRules(stock=stock)).answer != "no"
    assert check(log, SaleRules(stock=stock), sale.view()).answer != "no"


@pytest.mark.parametrize(
    ("bug", "rule"),
    [
        ("oversells", {"within stock", "count agrees"}),
        ("forgets keys", {"same key same answer"}),
        ("false no", {"no false sold out"}),
    ],
)
def test_a_broken_sale_is_caught(bug: str, rule: set[str]) -> None:
    """Each planted bug is seen in a storm of 400 attempts, for every one of 30 seeds."""
    for seed in range(30):
        sale = NaiveSale(seed, 100, bug)
        log = sale.run(400)

        verdict = check(log, SaleRules(stock=100), sale.view())

        assert verdict.answer == "no", f"seed {seed}"
        assert verdict.rule in rule, f"seed {seed}: {verdict.because}"


def test_the_checker_is_linear_enough_for_a_long_storm() -> None:
    """Two hundred thousand attempts are judged, and a bad one among them is found."""
    log = [held(f"c{n}", at=n, position=n + 1) for n in range(100_000)]
    log += [refused(f"k{n}", at=100_000 + n) for n in range(100_000)]
    bad = refused("too-early", at=99_000)

    assert check(log, SaleRules(stock=100_000)).answer == "yes"
    assert check([*log, bad], SaleRules(stock=100_000)).operation == bad
