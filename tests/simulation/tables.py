"""Shared tables under faults: store, tables, sessions; rounds, transfers, merges, lines that move (T2–T8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actors.testing.simulation import Workload, read
from actors.turn import derived_id
from actors.words import Accepted, Command, Query, Rejected, Reply
from pricing.selection import Selection
from store_runtime.audit_log.actor import AuditLog
from store_runtime.by import By
from store_runtime.store.actor import Store
from store_runtime.store.commands import CreateStore
from store_runtime.store.floor.commands import GetFloor, PutTable, TablePlan
from store_runtime.store.invariants import violations as store_violations
from store_runtime.store.menu.commands import PutDish
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.table.actor import Table
from store_runtime.table.commands import GetTable, ScanCode
from store_runtime.table.projections import ScanAnswer
from store_runtime.table_session.actor import TableSession
from store_runtime.table_session.commands import (
    Add,
    AddUnlisted,
    EditCart,
    GetSession,
    JoinSession,
    Quote,
    RoundRefused,
    SubmitRound,
)
from store_runtime.table_session.moving.commands import ComeBack, Merge, MoveLines, Transfer
from store_runtime.table_session.projections import CartAnswer, RoundAnswer, UnlistedAnswer
from store_runtime.table_session.state import Session
from store_runtime.table_session.unlisted_desk import NO_DISH

STORE = "store/s"
TABLES = 4
GUESTS = 6
DISHES = {"duck": 16_800, "tofu": 2_800, "rice": 300}
WAITER = By(account="waiter")
LASTS_S = 4.0


class Tables(Workload):
    """Guests scan, add, repeat, and order; a waiter moves them about; rice runs short, so that rounds are refused."""

    types: Sequence[Any] = (Store, Table, TableSession, AuditLog)
    checks = {"store": store_violations}

    def begin(self) -> None:
        self.world.state_checks = dict(self.checks)
        self.sessions: list[str] = []
        self.seats: list[tuple[str, str]] = []
        """(session, user) of everybody who sits."""
        self.added: dict[tuple[str, str], tuple[str, int]] = {}
        """(user, op or line) → dish and quantity, of every op, and of 临时菜, that was ever said to be accepted."""
        self.ops = 0
        self.clients.send(STORE, CreateStore(name="Bistro"), self.new_id(), lambda reply: self._open())

    def _open(self) -> None:
        for dish_id, price_fen in DISHES.items():
            left = self.rng.randint(3, 12) if dish_id == "rice" else None
            state = "in" if left is None else "qty"
            dish = PutDish(dish_id=dish_id, name=dish_id, price_fen=price_fen, state=state, left=left)  # type: ignore[arg-type]
            self.clients.send(STORE, dish, self.new_id())
        for number in range(TABLES):
            shared = number == 0 and self.rng.random() < 0.5
            plan = TablePlan(name=str(number), join_policy="open", shared=shared)
            self.clients.send(STORE, PutTable(table_id=f"t{number}", plan=plan), self.new_id())
        for number in range(GUESTS):
            self.world.after(self.rng.random(), lambda user=f"u{number}": self._scan(user))  # type: ignore[misc]
        for _ in range(self.rng.randint(30, 60) * self.load):
            self.world.after(0.3 + self.rng.random() * LASTS_S, self._act)

    # --- sit down --------------------------------------------------------------------------------------------

    def _scan(self, user: str) -> None:
        table, scan_id = f"table/s.t{self.rng.randrange(TABLES)}", self.new_id()
        scan = ScanCode(rotation=1, user_id=user, new=self.rng.random() < 0.5)
        self.clients.send(table, scan, scan_id, lambda reply: self._scanned(reply, scan_id, user))

    def _scanned(self, reply: Reply, scan_id: bytes, user: str) -> None:
        if isinstance(reply, Rejected):  # its terms are still on their way
            self.world.after(0.2, lambda: self._scan(user))
            return
        answer: ScanAnswer | None = read(reply, ScanAnswer)
        if answer is None or not answer.session_id:
            return
        session = f"table-session/{answer.session_id}"
        sits = self._sits(answer.session_id, user)
        if answer.opening is not None:
            self.clients.send(session, answer.opening, derived_id(scan_id, "open"), sits)
        else:
            self.clients.send(session, JoinSession(user_id=user), derived_id(scan_id, "join"), sits)

    def _sits(self, session_id: str, user: str) -> Any:
        def sits(reply: Reply) -> None:
            if isinstance(reply, Accepted):
                self.seats.append((session_id, user))
                if session_id not in self.sessions:
                    self.sessions.append(session_id)

        return sits

    # --- what happens at tables ------------------------------------------------------------------------------

    def _act(self) -> None:
        if not self.seats:
            return
        session_id, user = self.rng.choice(self.seats)
        chance = self.rng.random()
        if chance < 0.55:
            self._add(session_id, user)
        elif chance < 0.75:
            self._look_and_submit(session_id, user)
        elif chance < 0.8:
            self._add_unlisted(session_id)
        else:
            self._move(session_id)

    def _add(self, session_id: str, user: str) -> None:
        self.ops += 1
        dish_id, quantity = self.rng.choice(list(DISHES)), self.rng.randint(1, 3)
        op = Add(
            op_id=f"op{self.ops}",
            selection=Selection(dish_id=dish_id),
            quantity=quantity,
            quote=Quote(name=dish_id, unit_price_fen=DISHES[dish_id], menu_version=1),
        )
        command = EditCart(ops=(op,), user_id=user)

        def answered(reply: Reply) -> None:
            answer: CartAnswer | None = read(reply, CartAnswer)
            if answer is not None and answer.results[0].status == "accepted":
                self.added[user, op.op_id] = dish_id, quantity

        # A phone that heard nothing sends the same op in a new request (T2).
        for number in range(self.rng.choice((1, 1, 2, 3))):
            self.world.after(
                number * self.rng.random() * 0.3,
                lambda: (
                    self.clients.send(f"table-session/{session_id}", command, self.new_id(), answered)
                    and None
                ),
            )

    def _look_and_submit(self, session_id: str, user: str) -> None:
        key = f"table-session/{session_id}"

        def seen(reply: Reply) -> None:
            view = read(reply)
            if view is None:
                return
            submit, command_id = SubmitRound(seen_seq=view["seq"], user_id=user), self.new_id()
            self.clients.send(key, submit, command_id, lambda reply: self._submitted(key, reply, command_id))

        self.clients.send(key, GetSession(user_id=user), b"", seen)

    def _add_unlisted(self, session_id: str) -> None:
        """临时菜 (D8): a waiter orders what is on no menu."""
        key, command_id, quantity = f"table-session/{session_id}", self.new_id(), self.rng.randint(1, 3)
        add = AddUnlisted(name="noodles", unit_price_fen=3_800, quantity=quantity, by=WAITER)

        def answered(reply: Reply) -> None:
            answer: UnlistedAnswer | None = read(reply, UnlistedAnswer)
            if answer is not None:
                self.added[WAITER.account, answer.place.line_id] = NO_DISH.dish_id, quantity
                self._to_store(key, answer, command_id)

        self.clients.send(key, add, command_id, answered)

    def _submitted(self, key: str, reply: Reply, command_id: bytes) -> None:
        answer: RoundAnswer | None = read(reply, RoundAnswer)
        if answer is not None:
            self._to_store(key, answer, command_id)

    def _to_store(self, key: str, answer: RoundAnswer | UnlistedAnswer, command_id: bytes) -> None:
        """As the ingress does: the store is told at once, under the id of the session's own message."""
        if self.rng.random() < 0.3:
            return
        place_id = derived_id(command_id, "place")

        def placed(reply: Reply) -> None:
            if isinstance(reply, Rejected):
                refused = RoundRefused(round_no=answer.round_no)
                self.clients.send(key, refused, derived_id(command_id, "refused"))
            else:
                read(reply, PlacedLines)

        self._step(STORE, answer.place, place_id, placed)

    def _step(self, entity: str, word: Command, id: bytes, answered: Any) -> None:
        """A step whose no is final, asked once; the session's own message is the one that insists."""
        seats = self.world.living()
        if not seats:
            return
        seat = seats[self.rng.randrange(len(seats))]
        assert seat.loop is not None
        assert seat.silo is not None
        silo = seat.silo
        seat.loop.call_soon(
            lambda: silo.router.submit(
                entity,
                word,
                command_id=id,
                deadline=silo.clock.monotonic() + 1.5,
                callback=answered,
                final_no=True,
            )
        )

    def _move(self, session_id: str) -> None:
        key, other = f"table-session/{session_id}", self.rng.choice(self.sessions)
        chance = self.rng.random()
        command: Command
        if chance < 0.45:
            command = Transfer(to_table_id=f"t{self.rng.randrange(TABLES)}", by=WAITER)
        elif chance < 0.65:
            command = Merge(from_session=other, by=WAITER)
        elif chance < 0.8:
            command = ComeBack(by=WAITER)
        else:
            memory = self.world.shadow.get(key)
            lines = list(memory.state.ordered) if memory is not None else []
            if not lines:
                return
            command = MoveLines(
                line_ids=(self.rng.choice(lines),),
                quantity=self.rng.randint(0, 1),
                to_session=other,
                by=WAITER,
            )
        self.clients.send(key, command, self.new_id())

    # --- at the end ------------------------------------------------------------------------------------------

    def probes(self) -> Mapping[str, Query]:
        tables: dict[str, Query] = {f"table/s.t{number}": GetTable() for number in range(TABLES)}
        sessions: dict[str, Query] = {f"table-session/{one}": GetSession() for one in self.sessions}
        return {STORE: GetFloor()} | tables | sessions

    def verdict(self) -> Sequence[str]:
        return [*self._carts(), *self._seats(), *self._lines()]

    def _states(self) -> dict[str, Session]:
        """Session id → state, as far as it was opened."""
        return {
            key.partition("/")[2]: memory.state
            for key, memory in self.world.shadow.items()
            if key.startswith("table-session/") and memory.state.exists
        }

    def _carts(self) -> Iterator[str]:
        """T2: carts and rounds together hold the sum of the accepted ops, each once."""
        wanted: Counter[str] = Counter()
        for dish_id, quantity in self.added.values():
            wanted[dish_id] += quantity
        held: Counter[str] = Counter()
        for state in self._states().values():
            for line in state.cart.lines.values():
                held[line.selection.dish_id] += line.quantity
            for ordered in state.ordered.values():
                held[ordered.selection.dish_id] += ordered.quantity
        if held != wanted:
            yield f"T2: carts and rounds hold {dict(held)}, the accepted ops are {dict(wanted)}"

    def _seats(self) -> Iterator[str]:
        """T8: each session sits at exactly one table, the one that it names; a merged one at none."""
        for session_id, state in self._states().items():
            at = [
                number
                for number in range(TABLES)
                if (table := self.world.shadow.get(f"table/s.t{number}")) is not None
                and session_id in table.state.sittings
            ]
            where = [] if state.moved_to else [int(state.table_id[1:])]
            if at != where:
                yield f"T8: {session_id} says it sits at {where}, it is known at {at}"
            if state.moving or state.outgoing:
                yield f"T8: {session_id} still waits to {state.moving or 'hand over lines'}"

    def _lines(self) -> Iterator[str]:
        """T5: what sessions have ordered and what the store was asked to cook are the same lines."""
        ordered: Counter[str] = Counter()
        for session_id, state in self._states().items():
            for key, line in state.ordered.items():
                ordered[key.partition("-")[0]] += line.quantity
            if any(one.state == "placing" for one in state.rounds.values()):
                yield "T5: a round was neither taken nor refused"
            for key, line in state.ordered.items():
                billed = state.bill.lines.get(key)
                # A refund takes nothing off what was ordered: its dish was served.
                if billed is None or billed.standing + billed.refunded != line.quantity - line.cancelled:
                    yield f"T8: {key} of {session_id} is ordered {line.quantity} times, billed as {billed}"
            if strangers := set(state.bill.lines) - set(state.ordered):
                yield f"T8: the bill of {session_id} has lines that are elsewhere: {strangers}"
        store = self.world.shadow.get(STORE)
        lines = {} if store is None else store.state.orders.lines
        taken = Counter({key: line.quantity for key, line in lines.items()})
        if ordered != taken:
            odd = {key: (ordered[key], taken[key]) for key in ordered | taken if ordered[key] != taken[key]}
            yield f"T5: line → (ordered, taken by the store): {odd}"
