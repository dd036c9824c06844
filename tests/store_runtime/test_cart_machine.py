"""T2–T4 as a machine: phones whose messages are lost, late, repeated; the cart is the sum of what was accepted."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from store_runtime.store.orders.commands import LinesPlaced
from store_runtime.store.orders.projections import PlacedLine, PlacedLines
from store_runtime.table_session.commands import (
    Add,
    CartOp,
    EditCart,
    Reassign,
    Remove,
    RoundRefused,
    SetQuantity,
    SubmitRound,
)
from store_runtime.table_session.projections import CartAnswer, RoundAnswer, cart_line_view
from tests.store_runtime.tables import SESSION, WAITER, add, party

PHONES = ("ann", "bob", "cid", "dan")
DISHES = ("duck", "tofu", "rice")
phones = st.sampled_from(PHONES)
numbers = st.integers(0, 30)


class Phone:
    """What a phone shows: it applies live events in their order, and fetches what it has missed."""

    def __init__(self) -> None:
        self.seq = 0
        self.lines: dict[str, dict[str, object]] = {}


class Carts(RuleBasedStateMachine):
    """A session, its phones, and a model that adds up what was accepted."""

    @initialize()
    def begin(self) -> None:
        self.table = party(*PHONES)
        self.phones = {user: Phone() for user in PHONES}
        self.waiting: list[tuple[str, CartOp]] = []
        """Sent, and not answered as far as the phone knows: it may send them again at any time."""
        self.effects: dict[tuple[str, str], tuple[str, int]] = {}
        """(user, op) → dish, and by how much the first answer changed it; of ops that were accepted or merged."""
        self.ordered: Counter[str] = Counter()
        self.rounds: dict[int, RoundAnswer] = {}
        self.ops = 0

    @property
    def cart(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for line in self.table.state.cart.lines.values():
            total[line.selection.dish_id] += line.quantity
        return total

    # --- phones send ops, which may be lost, late and repeated -------------------------------------------

    def _op_id(self) -> str:
        self.ops += 1
        return f"op{self.ops}"

    @rule(user=phones, dish=st.sampled_from(DISHES), quantity=st.sampled_from([1, 1, 2, 998, 10**6, 0]))
    def wants_more(self, user: str, dish: str, quantity: int) -> None:
        self.waiting.append((user, add(self._op_id(), dish, quantity)))

    @rule(user=phones, line=numbers, quantity=st.integers(0, 6), behind=st.integers(0, 12))
    def wants_so_many(self, user: str, line: int, quantity: int, behind: int) -> None:
        """Of a line as it was seen some changes ago."""
        based_on = max(0, self.table.state.live.seq - behind)
        op = SetQuantity(
            op_id=self._op_id(), line_id=f"{SESSION}.l{line}", quantity=quantity, based_on=based_on
        )
        self.waiting.append((user, op))

    @rule(user=phones, line=numbers)
    def wants_none(self, user: str, line: int) -> None:
        self.waiting.append((user, Remove(op_id=self._op_id(), line_id=f"{SESSION}.l{line}")))

    @rule(user=phones, line=numbers, to=st.integers(1, 5))
    def says_not_mine(self, user: str, line: int, to: int) -> None:
        self.waiting.append(
            (user, Reassign(op_id=self._op_id(), line_id=f"{SESSION}.l{line}", to=f"g{to}", quantity=1))
        )

    @rule(picks=st.lists(st.integers(0, 40), min_size=1, max_size=6), lost=st.booleans())
    def messages_arrive(self, picks: list[int], lost: bool) -> None:
        """Some of what is waiting, in any order; when the answer is lost the phone will send it again."""
        by_user: dict[str, list[tuple[str, CartOp]]] = {}
        for pick in picks:
            if self.waiting:
                entry = self.waiting[pick % len(self.waiting)]
                by_user.setdefault(entry[0], []).append(entry)
        for user, entries in by_user.items():
            self._arrives(user, entries)
            if not lost:
                self.waiting = [entry for entry in self.waiting if entry not in entries]

    def _arrives(self, user: str, entries: list[tuple[str, CartOp]]) -> None:
        before = self.cart
        outcome = self.table.when(EditCart(ops=tuple(op for _, op in entries), user_id=user))
        assert isinstance(outcome.reply, CartAnswer)
        assert outcome.reply.seq == self.table.state.live.seq
        change = self.cart
        change.subtract(before)
        fresh: Counter[str] = Counter()
        for (_, op), result in zip(entries, outcome.reply.results, strict=True):
            assert result.op_id == op.op_id
            if result.status == "rejected":
                assert result.code
                continue
            if (user, op.op_id) in self.effects:
                continue
            if isinstance(op, Add):
                self.effects[user, op.op_id] = op.selection.dish_id, op.quantity
                fresh[op.selection.dish_id] += op.quantity
            else:
                self.effects[user, op.op_id] = "", 0
        adds_only = all(isinstance(op, Add) for _, op in entries)
        if adds_only:
            # Two +1 are +2, and one that comes twice is done once.
            assert {dish: n for dish, n in change.items() if n} == dict(fresh)

    # --- rounds ------------------------------------------------------------------------------------------

    @rule(user=phones, behind=st.integers(0, 6))
    def submits(self, user: str, behind: int) -> None:
        seen_seq = max(0, self.table.state.live.seq - behind)
        seen = {number: line.quantity_at(seen_seq) for number, line in self.table.state.cart.lines.items()}
        now = {number: line.quantity for number, line in self.table.state.cart.lines.items()}
        outcome = self.table.when(SubmitRound(seen_seq=seen_seq, user_id=user))
        if outcome.rejection is not None:
            assert None in seen.values() or not any(seen.values())
            return
        assert isinstance(outcome.reply, RoundAnswer)
        self.rounds[outcome.reply.round_no] = outcome.reply
        taken = sum(line.quantity for line in outcome.reply.place.lines)
        assert taken == sum(min(seen[number] or 0, now[number]) for number in now)

    @rule(pick=st.integers(0, 9), taken=st.booleans())
    def the_store_answers(self, pick: int, taken: bool) -> None:
        open_rounds = [no for no in self.rounds if self.table.state.rounds[no].state == "placing"]
        if not open_rounds:
            return
        place = self.rounds[open_rounds[pick % len(open_rounds)]].place
        whole = self.cart
        if taken:
            lines = tuple(
                PlacedLine(
                    line_id=line.line_id,
                    dish_id=line.selection.dish_id,
                    name=line.selection.dish_id,
                    quantity=line.quantity,
                    unit_price_fen=line.quoted_fen,
                )
                for line in place.lines
            )
            self.table.when(LinesPlaced(placed=PlacedLines(batch=place.batch, menu_version=1, lines=lines)))
            assert self.cart == whole
        else:
            self.table.when(RoundRefused(round_no=place.batch))
            for line in place.lines:
                whole[line.selection.dish_id] += line.quantity
            assert self.cart == whole

    @rule(line=numbers)
    def staff_remove(self, line: int) -> None:
        """The waiter's word counts for any line."""
        remove = Remove(op_id=self._op_id(), line_id=f"{SESSION}.l{line}")
        before = line in self.table.state.cart.lines
        (result,) = self.table.when(EditCart(ops=(remove,), by=WAITER)).reply.results
        assert not before or result.status == "accepted"
        assert line not in self.table.state.cart.lines

    # --- phones follow -----------------------------------------------------------------------------------

    @rule(user=phones)
    def phone_catches_up(self, user: str) -> None:
        """Whatever it missed, it then shows the cart; after a reset it reads the view."""
        phone, state = self.phones[user], self.table.state
        delta = state.live.since(phone.seq)
        if delta.reset:
            phone.lines = {
                f"{SESSION}.l{number}": msgspec.to_builtins(cart_line_view(SESSION, number, line))
                for number, line in state.cart.lines.items()
            }
        for event in delta.events:
            assert event.seq == phone.seq + 1, "a gap"
            phone.seq = event.seq
            self._shows(phone, event.type, event.data)
        phone.seq = delta.seq
        assert {key: (line["quantity"], line["counts"]) for key, line in phone.lines.items()} == {
            f"{SESSION}.l{number}": (line.quantity, line.counts) for number, line in state.cart.lines.items()
        }

    def _shows(self, phone: Phone, type: str, data: dict[str, object]) -> None:
        match type:
            case "line_added" | "line_changed":
                self._set(phone, [data["line"]])
            case "line_removed":
                phone.lines.pop(str(data["line_id"]), None)
            case "round_submitted":
                for line_id in data["gone"]:  # type: ignore[attr-defined]
                    phone.lines.pop(line_id, None)
                self._set(phone, data["changed"])
            case "round_returned":
                self._set(phone, data["back"])

    def _set(self, phone: Phone, lines: object) -> None:
        assert isinstance(lines, list)
        for line in lines:
            phone.lines[line["line_id"]] = line

    # --- always ------------------------------------------------------------------------------------------

    @invariant()
    def lines_are_sound(self) -> None:
        if not hasattr(self, "table"):
            return
        for line in self.table.state.cart.lines.values():
            assert line.quantity == sum(line.counts.values())
            assert all(count > 0 for count in line.counts.values())
            assert 1 <= line.quantity <= 999 or len(self.rounds) > 0
        keys = [(line.selection, line.note) for line in self.table.state.cart.lines.values()]
        assert len(keys) == len(set(keys)), "two lines want the same"


Carts.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestT2Carts = Carts.TestCase
