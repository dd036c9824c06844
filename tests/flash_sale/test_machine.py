"""Any order of commands, against a model so naive that it is plainly right.

The model keeps a list of claims and knows no heap, no counters, no deadlines: after each step it is compared with the
sale claim by claim.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.testing.kit import NOON, Given, Outcome
from actors.words import Wake
from flash_sale.commands import (
    Checkout,
    Claim,
    ConfirmSale,
    GetProof,
    GetSale,
    OrderClosed,
    PaymentFailed,
    ReleaseClaim,
    StopSale,
)
from flash_sale.holds import CLOSE_WAIT_MS
from flash_sale.invariants import cheap_violations, violations
from flash_sale.proof import verify_proof
from flash_sale.state import REOPEN_MS, Sale
from store_runtime.store.commands import ReturnStock
from tests.flash_sale.builders import refusal, sale

GUESTS = [f"guest-{n}" for n in range(6)]
STOCK = 3
LIMIT = 3
HOLD_MS = 20_000
GRACE_MS = 1_000
ENDS_AT = NOON + 900_000
CHECKOUT_MS = 300_000


@dataclass
class ModelClaim:
    """A claim as anyone would note it on paper."""

    claim_id: str
    user_id: str
    quantity: int
    state: str
    expires_at: int = 0
    order_id: str = ""
    extended: bool = False
    close_by: int = 0


@dataclass
class Model:
    """The sale on paper: claims in their order, and what is in the box."""

    claims: list[ModelClaim] = field(default_factory=list)
    ended: bool = False
    returned: int = 0
    reopens_at: int = 0

    @property
    def left(self) -> int:
        out = sum(one.quantity for one in self.claims if one.state in ("held", "paying", "sold"))
        return STOCK - out - self.returned

    @property
    def shut(self) -> bool:
        return self.left == 0 or any(one.state == "waiting" for one in self.claims)

    def comes_back(self, one: ModelClaim, state: str, at: int) -> None:
        """A claim is over before its time: silos may say sold out for a moment longer (F9)."""
        if self.shut:
            self.reopens_at = at + REOPEN_MS
        one.state = state
        self.serve(at)

    def taken(self, user_id: str) -> int:
        counted = ("waiting", "held", "paying", "sold")
        return sum(one.quantity for one in self.claims if one.user_id == user_id and one.state in counted)

    def serve(self, at: int) -> None:
        """What is in the box goes to those who wait, in order; after the end, to the store."""
        if not self.ended and at >= ENDS_AT:
            self.end()
        if self.ended:
            self.returned += self.left
            return
        for one in self.claims:
            if one.state == "waiting":
                if one.quantity > self.left:
                    return
                one.state, one.expires_at = "held", at + HOLD_MS

    @property
    def unsold(self) -> int:
        return STOCK - sum(one.quantity for one in self.claims if one.state == "sold")

    def sell(self, one: ModelClaim, order_id: str, at: int) -> None:
        """Whoever waits for more than can come back any more waits in vain."""
        one.state, one.order_id = "sold", order_id
        hopeless = [
            other for other in self.claims if other.state == "waiting" and other.quantity > self.unsold
        ]
        if hopeless:
            self.reopens_at = at + REOPEN_MS
            for other in hopeless:
                other.state = "expired"
            self.serve(at)

    def end(self) -> None:
        self.ended = True
        for one in self.claims:
            if one.state == "waiting":
                one.state = "expired"
        self.returned += self.left

    def run_out(self, at: int) -> None:
        """Holds whose time is over."""
        for one in self.claims:
            over = at >= one.expires_at + GRACE_MS
            if one.state == "held" and over:
                one.state = "expired"
            elif one.state == "paying" and over:
                if not one.close_by:
                    one.close_by = at + CLOSE_WAIT_MS
                elif at >= one.close_by:
                    one.state = "expired"

    def settle(self, at: int) -> None:
        """What a reminder at this moment does."""
        if not self.ended and at >= ENDS_AT:
            self.end()
        self.run_out(at)
        self.serve(at)


class SaleMachine(RuleBasedStateMachine):
    """Diners, staff and orders do anything at any time; reminders may be late."""

    given: Given[Sale]
    model: Model

    @initialize()
    def open(self) -> None:
        self.given = sale(
            stock=STOCK,
            per_user_limit=LIMIT,
            hold_seconds=HOLD_MS // 1_000,
            grace_ms=GRACE_MS,
            ends_at=ENDS_AT,
        )
        self.model = Model()
        self.sent_back = 0
        self.refused: set[str] = set()

    # --- what happens ------------------------------------------------------------------------------------

    @rule(
        user_id=strategies.sampled_from(GUESTS),
        quantity=strategies.integers(1, 3),
        wait=strategies.booleans(),
    )
    def claim(self, user_id: str, quantity: int, wait: bool) -> None:
        self._claim(user_id, quantity, wait)

    def _claim(self, user_id: str, quantity: int, wait: bool) -> None:
        at, deadline = self.given.at, self.given.deadline
        taken = self.model.taken(user_id)
        shut = self.model.shut
        is_open = wait or not (shut or at < self.model.reopens_at)
        if deadline is not None and deadline <= at:
            is_open = is_open or shut
        outcome = self._when(Claim(user_id=user_id, quantity=quantity, wait=wait))
        if self.model.ended or at >= ENDS_AT:
            return self._refused(outcome, "ended")
        if taken + quantity > LIMIT:
            return self._refused(outcome, "limit_reached")
        if quantity > self.model.unsold:
            return self._refused(outcome, "sold_out")
        before = [(one.state, one.expires_at, one.close_by) for one in self.model.claims]
        self.model.settle(at)
        waiting = any(one.state == "waiting" for one in self.model.claims)
        if is_open and not waiting and quantity <= self.model.left:
            state, expires_at = "held", at + HOLD_MS
        elif wait:
            state, expires_at = "waiting", 0
        else:
            # A refusal changes nothing: what was due stays due.
            for one, (was, until, close_by) in zip(self.model.claims, before, strict=True):
                one.state, one.expires_at, one.close_by = was, until, close_by
            return self._refused(outcome, "sold_out")
        claim_id = outcome.reply.claim_id
        assert outcome.reply.position == len(self.model.claims) + 1
        self.model.claims.append(ModelClaim(claim_id, user_id, quantity, state, expires_at))
        return None

    @rule(rush=strategies.lists(strategies.integers(1, 3), min_size=2, max_size=6))
    def rush(self, rush: list[int]) -> None:
        """Several diners in a row, who all wait if they must."""
        for user_id, quantity in zip(GUESTS, rush, strict=False):
            self._claim(user_id, quantity, True)

    @precondition(lambda self: self.model.claims)
    @rule(data=strategies.data())
    def give_back(self, data: strategies.DataObject) -> None:
        one = self._pick(data, "waiting", "held", "paying")
        outcome = self._when(ReleaseClaim(claim_id=one.claim_id, user_id=one.user_id))
        if one.state not in ("waiting", "held", "paying"):
            return self._refused(outcome, "illegal_transition")
        self.model.comes_back(one, "released", self.given.at)
        return None

    @precondition(lambda self: self.model.claims)
    @rule(data=strategies.data())
    def checkout(self, data: strategies.DataObject) -> None:
        one, at = self._pick(data, "held"), self.given.at
        outcome = self._when(Checkout(claim_id=one.claim_id, user_id=one.user_id))
        until = one.expires_at if one.extended else one.expires_at + GRACE_MS
        if one.state != "held" or at >= until:
            return self._refused(outcome, "illegal_transition")
        if not one.extended:
            one.expires_at = max(one.expires_at, at + CHECKOUT_MS)
        one.state, one.extended, one.order_id = "paying", True, outcome.reply.order_id
        return None

    @precondition(lambda self: self.model.claims)
    @rule(data=strategies.data())
    def paid(self, data: strategies.DataObject) -> None:
        one, at = self._pick(data, "paying", "expired", "released"), self.given.at
        order_id = one.order_id or f"o-{one.claim_id}"
        outcome = self._when(ConfirmSale(claim_id=one.claim_id, order_id=order_id, payment_id="p"))
        if order_id in self.refused or (one.state == "sold" and one.order_id == order_id):
            assert outcome.events == []
            return
        why = self._why_not_sold(one, at)
        assert refusal(outcome) == why
        if why:
            self.refused.add(order_id)
        else:
            self.model.sell(one, order_id, at)

    def _why_not_sold(self, one: ModelClaim, at: int) -> str:
        if one.state in ("held", "paying"):
            return ""
        if one.state == "waiting":
            return "illegal_transition"
        if one.state == "released":
            return "claim_released"
        if self.model.ended or at >= ENDS_AT:
            return "ended"
        if any(other.state == "waiting" for other in self.model.claims) or one.quantity > self.model.left:
            return "sold_out"
        return "limit_reached" if self.model.taken(one.user_id) + one.quantity > LIMIT else ""

    @precondition(lambda self: self.model.claims)
    @rule(data=strategies.data(), stale=strategies.booleans())
    def failed(self, data: strategies.DataObject, stale: bool) -> None:
        one, at = self._pick(data, "paying"), self.given.at
        order_id = "o-earlier" if stale else one.order_id
        self._when(PaymentFailed(claim_id=one.claim_id, order_id=order_id))
        if one.state == "paying" and order_id == one.order_id:
            if at >= (one.close_by or one.expires_at + GRACE_MS):
                one.state = "expired"
                self.model.serve(at)
            elif one.close_by:
                self.model.comes_back(one, "expired", at)
            else:
                one.state = "held"

    @precondition(lambda self: self.model.claims)
    @rule(data=strategies.data(), cancelled=strategies.booleans())
    def closed(self, data: strategies.DataObject, cancelled: bool) -> None:
        one = self._pick(data, "paying")
        self._when(OrderClosed(claim_id=one.claim_id, order_id=one.order_id, cancelled=cancelled))
        if one.state == "paying":
            at = self.given.at
            if not cancelled and at >= (one.close_by or one.expires_at + GRACE_MS):
                one.state = "expired"
                self.model.serve(at)
            else:
                self.model.comes_back(one, "released" if cancelled else "expired", at)

    @rule(passed=strategies.sampled_from([1, 60, 5_000, 21_000, 60_000, 301_000, 900_000]))
    def time_passes(self, passed: int) -> None:
        """Without a reminder: it is late."""
        self.given.ask(GetSale(), self.given.at + passed)

    @rule()
    def wake(self) -> None:
        """The reminder, as often as it is due."""
        while (due := self.given.deadline) is not None and due <= self.given.at:
            self._when(Wake())
        self.model.settle(self.given.at)

    @precondition(lambda self: len(self.model.claims) > 5)
    @rule()
    def stop(self) -> None:
        outcome = self._when(StopSale())
        if self.model.ended or self.given.at >= ENDS_AT:
            return self._refused(outcome, "ended")
        self.model.end()
        return None

    # --- what must be true -------------------------------------------------------------------------------

    @invariant()
    def the_sale_is_as_on_paper(self) -> None:
        if not hasattr(self, "given"):
            return
        state = self.given.state
        on_paper = {one.claim_id: one.state for one in self.model.claims}
        assert {claim_id: one.state.value for claim_id, one in state.claims.items()} == on_paper
        shown = {
            claim_id: one.expires_at
            for claim_id, one in state.claims.items()
            if one.state in ("held", "paying")
        }
        assert shown == {
            one.claim_id: one.expires_at for one in self.model.claims if one.state in ("held", "paying")
        }
        assert (state.left, state.returned) == (self.model.left, self.model.returned)
        assert self.sent_back == state.returned

    @invariant()
    def all_invariants_hold(self) -> None:
        if hasattr(self, "given"):
            assert violations(self.given.state) == []
            assert cheap_violations(self.given.state) == []
            assert verify_proof(self.given.ask(GetProof())) == []

    def teardown(self) -> None:
        """In the end everything is sold or returned, exactly once."""
        if not hasattr(self, "given"):
            return
        for outcome in self.given.wakes_until(self.given.at + 2 * ENDS_AT - 2 * NOON + 1_000_000):
            self._count(outcome)
        state = self.given.state
        assert state.sold + state.returned == STOCK
        assert self.sent_back == state.returned
        assert self.given.deadline is None

    def _pick(self, data: strategies.DataObject, *likely: str) -> ModelClaim:
        """A claim; mostly one where something can happen."""
        there = [one for one in self.model.claims if one.state in likely]
        if there and data.draw(strategies.integers(0, 9)):
            return data.draw(strategies.sampled_from(there))
        return data.draw(strategies.sampled_from(self.model.claims))

    def _when(self, command: object) -> Outcome:
        outcome = self.given.when(command)  # type: ignore[arg-type]
        self._count(outcome)
        return outcome

    def _count(self, outcome: Outcome) -> None:
        self.sent_back += sum(
            send.command.quantity for send in outcome.sends if isinstance(send.command, ReturnStock)
        )

    def _refused(self, outcome: Outcome, code: str) -> None:
        assert outcome.rejection is not None, f"accepted with {outcome.events}"
        assert outcome.rejection.code == code
        assert outcome.events == []


SaleMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestF1F2F4F10AnyOrderOfCommands = SaleMachine.TestCase
