"""T1, T8, T11 as a machine: scans, codes, clearing and transfers in any order, with messages late and doubled."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from actors.turn import derived_id
from store_runtime.store.floor.commands import GetFloor
from store_runtime.table.commands import FreeTable, OpenTable, RotateCode, ScanCode
from store_runtime.table.rejections import JoinOrNew, TableCodeVoid, TableFull, TableTaken
from store_runtime.table_session.commands import CallStaff, ClearSession, JoinSession
from store_runtime.table_session.moving.commands import Transfer
from store_runtime.table_session.rejections import SessionBusy, SessionClosed
from tests.store_runtime.tables import MANAGER, WAITER, Dining

TABLES = ("t8", "t9")
POLICIES = ("open", "staff_confirm", "pin")
tables = st.sampled_from(TABLES)
users = st.sampled_from(["ann", "bob", "cid"])


class Floor(RuleBasedStateMachine):
    """Two tables and whoever comes."""

    @initialize(policy=st.sampled_from(POLICIES), shared=st.booleans(), clearing_s=st.sampled_from([0, 60]))
    def begin(self, policy: str, shared: bool, clearing_s: int) -> None:
        self.policy, self.shared = policy, shared
        self.dining = Dining(thorough=False, join_policy=policy, shared=shared, clearing_s=clearing_s)
        self.sessions: list[str] = []
        self.cleared: set[str] = set()

    # --- what people do ----------------------------------------------------------------------------------

    @rule(user=users, table=tables, new=st.booleans(), right_pin=st.booleans(), old_code=st.booleans())
    def scans(self, user: str, table: str, new: bool, right_pin: bool, old_code: bool) -> None:
        state = self.dining[f"table/s1.{table}"].state
        empty = not state.sittings
        rotation = state.rotation - 1 if old_code else state.rotation
        pin = state.pin if right_pin else "nope"
        scan = ScanCode(user_id=user, rotation=rotation, new=new, pin=pin)
        outcome = self.dining.when(f"table/s1.{table}", scan)
        if old_code:
            assert outcome.rejection == TableCodeVoid()
            return
        if outcome.rejection is not None:
            assert isinstance(outcome.rejection, JoinOrNew | TableFull) or self.policy == "pin"
            return
        answer = outcome.reply
        if answer.outcome == "opened":
            # Only an open table is opened by a scan; a photograph of another opens nothing.
            assert self.policy == "open"
            self._begins(answer.session_id, answer.opening, outcome.command_id)
        elif answer.outcome == "joined":
            assert not empty
            assert self.policy != "pin" or right_pin or state.seats.get(user) == answer.session_id
            key = f"table-session/{answer.session_id}"
            self.dining.when(key, JoinSession(user_id=user))

    @rule(table=tables)
    def staff_open(self, table: str) -> None:
        taken = bool(self.dining[f"table/s1.{table}"].state.sittings)
        outcome = self.dining.when(f"table/s1.{table}", OpenTable(by=WAITER))
        if outcome.rejection is None:
            assert self.shared or not taken
            self._begins(outcome.reply.session_id, outcome.reply.opening, outcome.command_id)
        else:
            assert isinstance(outcome.rejection, TableTaken | TableFull)

    def _begins(self, session_id: str, opening: object, cause: bytes) -> None:
        key = f"table-session/{session_id}"
        assert self.dining.when(key, opening, derived_id(cause, "open")).accepted  # type: ignore[arg-type]
        self.sessions.append(session_id)

    @rule(pick=st.integers(0, 9))
    def staff_clear(self, pick: int) -> None:
        if not self.sessions:
            return
        session_id = self.sessions[pick % len(self.sessions)]
        outcome = self.dining.when(f"table-session/{session_id}", ClearSession(by=WAITER))
        if outcome.accepted:
            self.cleared.add(session_id)
        else:
            assert outcome.rejection == SessionBusy()

    @rule(pick=st.integers(0, 9), table=tables)
    def staff_transfer(self, pick: int, table: str) -> None:
        if self.sessions:
            session_id = self.sessions[pick % len(self.sessions)]
            command = Transfer(to_table_id=table, by=WAITER)
            outcome = self.dining.when(f"table-session/{session_id}", command)
            assert outcome.accepted or isinstance(outcome.rejection, SessionBusy | SessionClosed)

    @rule(table=tables)
    def staff_rotate(self, table: str) -> None:
        assert self.dining.when(f"table/s1.{table}", RotateCode(by=MANAGER)).accepted

    @rule(table=tables)
    def staff_clean(self, table: str) -> None:
        outcome = self.dining.when(f"table/s1.{table}", FreeTable(by=WAITER))
        assert outcome.accepted or self.dining[f"table/s1.{table}"].state.sittings

    @rule(picks=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=5))
    def messages_arrive(self, picks: list[tuple[int, bool]]) -> None:
        for pick, twice in picks:
            if self.dining.in_flight:
                self.dining.deliver(pick % len(self.dining.in_flight), twice=twice)

    @rule(user=users, pick=st.integers(0, 9))
    def phone_writes(self, user: str, pick: int) -> None:
        """T11: a phone of a party that has gone changes nothing."""
        if self.sessions:
            session_id = self.sessions[pick % len(self.sessions)]
            outcome = self.dining.when(f"table-session/{session_id}", CallStaff(kind="water", user_id=user))
            if session_id in self.cleared:
                assert outcome.rejection is not None

    # --- when all is quiet -------------------------------------------------------------------------------

    @rule()
    def all_is_quiet(self) -> None:
        """Every party sits at the one table that it names, and the floor shows what the tables know."""
        self.dining.settle()
        where: dict[str, list[str]] = {session_id: [] for session_id in self.sessions}
        for table in TABLES:
            state = self.dining[f"table/s1.{table}"].state
            assert self.shared or len(state.sittings) <= 1
            assert set(state.seats.values()) <= set(state.sittings)
            letters = [sitting.letter for sitting in state.sittings.values()]
            assert not self.shared or len(letters) == len(set(letters))
            for session_id in state.sittings:
                where[session_id].append(table)
        for session_id, at in where.items():
            session = self.dining.session(session_id)
            assert session.moving == ""
            assert at == ([] if session_id in self.cleared else [session.table_id])
        floor = {one.table_id: one for one in self.dining["store/s1"].ask(GetFloor()).items}
        for table in TABLES:
            state = self.dining[f"table/s1.{table}"].state
            assert floor[table].phase == state.phase
            assert [one.session_id for one in floor[table].sessions] == list(state.sittings)

    def teardown(self) -> None:
        if hasattr(self, "dining"):
            self.all_is_quiet()


Floor.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestT1T8T11Floor = Floor.TestCase
